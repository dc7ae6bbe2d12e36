//! Models: a request goes in, a stream of chunks comes out, and the bill is exact.
//!
//! ```text
//! cx.model("fast").ask("…") ──▶ effect `model` ──▶ Models ──▶ trait Model ─┬─ Scripted   a test's or an example's words
//!        │  worst case reserved, 429 waited for,     by name    stream(..)  ├─ Simulated  seeded latency, prices, faults
//!        ▼  cut answers tried again, dropped = closed                       └─ your own
//!   Reply { text, tool_calls, tokens, usage }      .stream("…") gives the chunks as they come
//! ```
//!
//! A call of a model is an effect of kind `model`:
//!
//! | | |
//! |---|---|
//! | its worst case | one token for each byte sent, and the most tokens it may write, for every try |
//! | its settlement | what the provider reports; if it reports nothing, an estimate, marked as such |
//! | its repeat class | idempotent: calling twice harms only the bill, so the answer is kept for a repeated call |
//! | its state | `tool_execution` until the first chunk, then `streaming` until the answer ends |
//! | a cancel, a stop, a drop | drops the model's stream at once, which closes its connection |
//!
//! # Invariants
//! 1. What a model has sent so far is reported to the ledger before it is passed on: whoever drops a stream pays for what it saw.
//! 2. After the first chunk of a stream is passed on, no other try follows: no reader gets the same text twice.

mod call;
mod error;
mod models;
mod play;
mod price;
mod recorded;
mod reply;
mod request;
mod route;
mod scripted;
mod simulated;
mod streaming;
mod table;
mod tokens;
mod traffic;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use serde::{Deserialize, Serialize};
use skep_runtime::Env;
use skep_runtime::effect::Link;

pub use self::call::{CallModel, ModelCall};
pub use self::error::ModelError;
pub use self::models::Models;
pub use self::play::Answer;
pub use self::price::{Price, UnknownPrice};
pub use self::recorded::{BadCassette, Recorded};
pub use self::reply::{BadArguments, Reply, ToolCall};
#[cfg(feature = "agent")]
pub(crate) use self::request::BYTES_A_TOKEN;
pub use self::request::{ContextCache, Message, Request, Tool};
pub use self::scripted::{Scripted, When};
pub use self::simulated::Simulated;
pub use self::streaming::Streaming;
pub use self::table::{BadPrices, Listing, Loaded, PriceTable, Skipped};
pub use self::tokens::{LongPrices, Prices, Tokens};
pub use self::traffic::Traffic;

/// A model, wherever it runs. Every implementation has to pass `skep_testkit::contract::model`.
pub trait Model: Send + Sync + 'static {
    /// The provider's name for the model, which events and ceilings use. None by default: the model's name in the swarm
    /// is used then. A wrapper around another model returns that model's name.
    fn name(&self) -> Option<&str> {
        None
    }

    /// What its tokens cost, if that is known. The worst case of each call is computed from these prices, or else from
    /// those of the swarm's table ([`Models::prices`]). A model that costs nothing returns [`Prices::FREE`].
    fn prices(&self) -> Option<Prices>;

    /// Answers a request. `request.max_output_tokens` is always set, and it is a hard limit.
    ///
    /// The stream gives the chunks as they come, and an error as its last item. It is whole if it contained an
    /// [`Chunk::End`]; a stream that ends without one was cut off. Usage may come at any time, even after the end.
    /// Dropping the stream must close the connection, so that the provider stops. Time and randomness come from `env`
    /// alone; whatever leaves the process is awaited in [`Env::outside`].
    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks;

    /// The most tokens that the provider may count in a request: one per byte, unless the model knows better.
    fn input_at_most(&self, request: &Request) -> u64 {
        request.tokens_at_most()
    }

    /// The protocol that its provider speaks, in OpenTelemetry's words (`openai`, `anthropic`), for traces. None by
    /// default.
    fn provider(&self) -> Option<&str> {
        None
    }

    /// The limits of its endpoint, which each call passes besides the swarm's: see [`limit`](crate::limit). None by
    /// default.
    fn limits(&self) -> Vec<Arc<dyn Link>> {
        Vec::new()
    }

    /// An estimate of how long those limits would make a call wait that may use this many tokens. Routes use it to
    /// choose. Zero by default.
    fn shut_for(&self, tokens: u64, env: &Env) -> Duration {
        let _ = (tokens, env);
        Duration::ZERO
    }

    /// The most tokens that it can handle, sent and written together; none if unknown.
    fn window(&self) -> Option<u64> {
        None
    }
}

impl<M: Model + ?Sized> Model for Arc<M> {
    fn name(&self) -> Option<&str> {
        (**self).name()
    }

    fn prices(&self) -> Option<Prices> {
        (**self).prices()
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        (**self).stream(request, env)
    }

    fn input_at_most(&self, request: &Request) -> u64 {
        (**self).input_at_most(request)
    }

    fn provider(&self) -> Option<&str> {
        (**self).provider()
    }

    fn limits(&self) -> Vec<Arc<dyn Link>> {
        (**self).limits()
    }

    fn shut_for(&self, tokens: u64, env: &Env) -> Duration {
        (**self).shut_for(tokens, env)
    }

    fn window(&self) -> Option<u64> {
        (**self).window()
    }
}

/// An answer as it comes.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Chunk, ModelError>> + Send>>;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Chunk {
    /// More text.
    Text(String),
    /// More of a tool call.
    ToolCall(ToolPiece),
    /// What the answer has used so far, in total: a later one replaces it.
    Usage(Tokens),
    /// The answer has ended.
    End(End),
}

/// A piece of a tool call. Pieces with the same index belong together: id and name come in the first, arguments in any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolPiece {
    /// Which of the answer's calls.
    pub index: u32,
    /// The provider's id of the call.
    pub id: Option<String>,
    /// The tool's name.
    pub name: Option<String>,
    /// More of the arguments, as text.
    pub arguments: String,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// The model was done, or met a stop word.
    Stop,
    /// It had written all the tokens that it was allowed.
    Length,
    /// It waits for the results of its tool calls.
    ToolCalls,
    /// The provider's filter ended it.
    Filtered,
}
