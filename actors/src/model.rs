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
//! | its worst case | each byte sent a token, and the most tokens it may write, for every try |
//! | its settlement | what the provider says; where it says nothing, an estimate, and marked so |
//! | its repeat class | idempotent: twice does no harm but to the bill, so the answer is kept for whoever asks again |
//! | its state | `tool_execution` until the first chunk, then `streaming` until the answer's end |
//! | a cancel, a stop, a drop | drops the model's stream at once, which closes its connection |
//!
//! # Invariants
//! 1. What a model has said so far is told to the ledger before it is given on: whoever drops a stream owes what it saw.
//! 2. After the first chunk of a stream was given on, no other try follows: nobody is told the same thing twice.

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

/// A model, wherever it runs. `skep_testkit::contract::model` is what each has to pass.
pub trait Model: Send + Sync + 'static {
    /// The name that its provider has for it, which events and ceilings go by. One without such a name, as this says by default, goes by
    /// the swarm's; one that stands around another gives the other's.
    fn name(&self) -> Option<&str> {
        None
    }

    /// What its tokens cost, if that was said. The worst case of each call is reckoned with these; without, with those of the swarm's
    /// table ([`Models::prices`]). What costs nothing says so: [`Prices::FREE`].
    fn prices(&self) -> Option<Prices>;

    /// Answers a request. `request.max_output_tokens` is always there, and it is a bound.
    ///
    /// The stream gives the chunks as they come, and an error as its last item. It is whole if an [`Chunk::End`] was in it;
    /// a stream that is over without one was cut off. Usage may come at any time, also after the end. Dropping it must close
    /// the connection, so that the provider stops. Time and chance come from `env` alone; what leaves the process is
    /// awaited in [`Env::outside`].
    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks;

    /// The most tokens that the provider may count in a request; each byte one, unless the model knows better.
    fn input_at_most(&self, request: &Request) -> u64 {
        request.tokens_at_most()
    }

    /// What its provider speaks, in OpenTelemetry's words (`openai`, `anthropic`), for traces. None, by default.
    fn provider(&self) -> Option<&str> {
        None
    }

    /// The limits of what it calls, which each call passes besides the swarm's: see [`limit`](crate::limit). None, by default.
    fn limits(&self) -> Vec<Arc<dyn Link>> {
        Vec::new()
    }

    /// How long those would let a call wait that may use so many tokens, as far as one can tell: a route goes by it. Not at all, by
    /// default.
    fn shut_for(&self, tokens: u64, env: &Env) -> Duration {
        let _ = (tokens, env);
        Duration::ZERO
    }

    /// The most tokens that it can take, sent and written; none if nobody knows.
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
    /// What the answer has taken so far, as a whole: a later one takes its place.
    Usage(Tokens),
    /// The answer has come to its end.
    End(End),
}

/// A piece of a tool call. Pieces of one index belong together: id and name come in the first, arguments in any.
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

/// Why an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// The model had said all, or met a stop word.
    Stop,
    /// It had written all the tokens that it might.
    Length,
    /// It waits for the results of its tool calls.
    ToolCalls,
    /// The provider's filter ended it.
    Filtered,
}
