//! Ready-made models and tools for agents, each an effect that uses only the runtime's public API: it has a kind, a
//! price, a deadline and tries, and its work is cancelled and billed with the turn that called it.
//!
//! ```text
//! cx.model("fast") ── ask, stream                kind  `model`
//! cx.tools() ─┬─ files(root) ── list, read      kinds `files.list`, `files.read`
//!             ├─ grep(root)  ── search          kind  `grep`
//!             ├─ git(folder) ── changed, …      kind  `git`
//!             └─ run(..)     ── one's own tool on the same terms
//! ```
//!
//! | feature | what it brings | on by default |
//! |---|---|---|
//! | `agent` | [`ModelAgent`] and typed tools for its model: six crates | yes |
//! | `persona` | `Persona`s from files, the `Kit` that makes agents from them, the `Orchestrator`: seven crates more | no |
//! | `tools` | files, search and git as effects, and the pool of processes; with `agent` they are tools for models, and commands too: two dozen crates | yes |
//! | `http` | models behind OpenAI-compatible and Anthropic endpoints: some twenty crates, TLS among them | no |
//! | `mcp` | `Mcp`: tools of MCP servers, over stdio and, with `http`, over HTTP: eighteen crates | no |
//! | `metrics` | calls, tokens and money of models for the `metrics` facade, by role and model: three crates | no |
//! | `serve` | [`Server`]: models over HTTP in both protocols, for trying a client without a key | no |

#[cfg(feature = "agent")]
pub mod agent;
pub mod defaults;
pub mod limit;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod model;
#[cfg(feature = "persona")]
mod nearest;
#[cfg(feature = "persona")]
pub mod orchestrator;
pub mod permit;
#[cfg(feature = "tools")]
pub mod pool;
#[cfg(any(feature = "tools", feature = "mcp"))]
#[cfg_attr(
    not(feature = "tools"),
    allow(dead_code, unused_imports, reason = "tools run programs to their end, servers do not")
)]
mod process;
mod secret;
mod telemetry;
#[cfg(feature = "agent")]
pub mod tool;
#[cfg(feature = "tools")]
pub mod tools;
#[cfg(feature = "http")]
mod wire;

#[cfg(feature = "agent")]
pub use agent::ModelAgent;
#[cfg(feature = "persona")]
pub use agent::{Kit, Persona, Personas};
#[cfg(feature = "mcp")]
pub use mcp::Mcp;
pub use model::{CallModel, Model, ModelError, Models, Reply, Request, Scripted, Simulated};
#[cfg(feature = "persona")]
pub use orchestrator::Orchestrator;
pub use secret::{NoSecret, Secret};
#[cfg(feature = "tools")]
pub use tools::{Terms, Toolbox, Tools};
#[cfg(feature = "http")]
pub use wire::http::{BadEndpoint, Endpoint, Remote, Timeouts};
#[cfg(feature = "serve")]
pub use wire::serve::Server;
