//! Ready-made models and tools for agents, each an effect on the runtime's public API alone: it has a kind, a price, a
//! deadline and tries, and its work is cancelled and billed with the turn that called it.
//!
//! ```text
//! cx.model("fast") ── ask, stream                kind  `model`
//! cx.tools() ─┬─ files(root) ── list, read      kinds `files.list`, `files.read`
//!             ├─ grep(root)  ── search          kind  `grep`
//!             ├─ git(folder) ── changed, …      kind  `git`
//!             └─ run(..)     ── one's own tool on the same terms
//! ```
//!
//! Tools are the feature `tools`, on by default: they bring two dozen crates along.

pub mod defaults;
pub mod model;
#[cfg(feature = "tools")]
pub mod tools;

pub use model::{CallModel, Model, ModelError, Models, Reply, Request, Scripted, Simulated};
#[cfg(feature = "tools")]
pub use tools::{Terms, Toolbox, Tools};
