//! Recorded answers, given again: tests with real conversations, without a key, a network or a bill.
//!
//! A cassette is a file of JSON lines. The first says which model it belongs to and what that model costs. Each other
//! line is a request with its answer: the chunks, and the error if it ended with one.
//!
//! # Invariants
//! 1. A request is identified by its canonical form ([`canonical`]) alone: the order of fields and the ids of tool calls make no
//!    difference, everything else does.
//! 2. Each recorded answer is given once, in the order of the recording. A request without a recorded answer gets an error;
//!    it never goes to a model instead.
//! 3. A line is in the file whole or not at all.

mod canonical;
mod cassette;
mod difference;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use skep_runtime::Env;
use skep_runtime::effect::Link;

pub use self::cassette::BadCassette;
use self::cassette::{Answered, Head, Pen, Tape};
use super::{Chunk, Chunks, Model, ModelError, Prices, Request};

/// A model whose answers are being recorded, or replayed. Clones are the same model.
///
/// ```no_run
/// use skep_actors::model::{Models, Recorded, Scripted};
///
/// # fn models() -> Result<(), skep_actors::model::BadCassette> {
/// // Once, with the real model:
/// let models = Models::new().with("fast", Recorded::record("fast.jsonl", Scripted::lines(["a draft"]))?);
/// // From then on, with what it said:
/// let models = Models::new().with("fast", Recorded::replay("fast.jsonl")?);
/// # Ok(())
/// # }
/// ```
///
/// A replay bills what the recording billed: usage, the model's own prices and the provider's name for it are part of the
/// cassette. Prices from a swarm's table are not: a replay looks them up as the recording did. It gives the chunks at
/// once, without the pauses that were between them.
#[derive(Clone)]
pub struct Recorded(Source);

#[derive(Clone)]
enum Source {
    Tape(Arc<Tape>),
    Live(Arc<dyn Model>, Arc<Pen>),
}

impl Recorded {
    /// Replays the answers of a cassette. The file is read right here, on the calling thread, so do it before a swarm
    /// runs.
    ///
    /// A request that was not recorded, or whose answers have all been given, fails with [`ModelError::Unrecorded`], which names the
    /// nearest recorded one and the first thing in which they differ.
    ///
    /// # Errors
    /// [`BadCassette`], if the file cannot be read; it names the line.
    pub fn replay(path: impl AsRef<Path>) -> Result<Self, BadCassette> {
        Ok(Self(Source::Tape(Arc::new(Tape::read(path.as_ref())?))))
    }

    /// Asks a model and records its answers in a new file. A file that exists already is left alone.
    ///
    /// An answer is written when its stream is over, whole or with an error, off the runtime's threads, and its last item
    /// waits for that. If a stream is dropped before its end, nothing is recorded, since the rest of the answer is
    /// unknown. An answer that cannot be written fails with [`ModelError::NotRecorded`]; its cost is booked.
    ///
    /// Requests are stored in full, with all that prompts and tools say. Keys are not stored: they are not part of a
    /// request.
    ///
    /// # Errors
    /// [`BadCassette`], if the file exists or cannot be created.
    pub fn record(path: impl AsRef<Path>, model: impl Model) -> Result<Self, BadCassette> {
        let head = Head::of(&model);
        let pen = Pen::create(path.as_ref(), &head)?;
        Ok(Self(Source::Live(Arc::new(model), Arc::new(pen))))
    }

    /// How many recorded answers have not been asked for yet; 0 for a model that is being recorded.
    #[must_use]
    pub fn answers_left(&self) -> usize {
        match &self.0 {
            Source::Tape(tape) => tape.left(),
            Source::Live(..) => 0,
        }
    }
}

impl Model for Recorded {
    fn name(&self) -> Option<&str> {
        match &self.0 {
            Source::Tape(tape) => tape.head().model.as_deref(),
            Source::Live(model, _) => model.name(),
        }
    }

    fn prices(&self) -> Option<Prices> {
        match &self.0 {
            Source::Tape(tape) => tape.head().prices,
            Source::Live(model, _) => model.prices(),
        }
    }

    fn input_at_most(&self, request: &Request) -> u64 {
        match &self.0 {
            Source::Tape(_) => request.tokens_at_most(),
            Source::Live(model, _) => model.input_at_most(request),
        }
    }

    fn provider(&self) -> Option<&str> {
        match &self.0 {
            Source::Tape(tape) => tape.head().provider.as_deref(),
            Source::Live(model, _) => model.provider(),
        }
    }

    /// Those of the model that is being recorded; a replay has none.
    fn limits(&self) -> Vec<Arc<dyn Link>> {
        match &self.0 {
            Source::Tape(_) => Vec::new(),
            Source::Live(model, _) => model.limits(),
        }
    }

    fn shut_for(&self, tokens: u64, env: &Env) -> Duration {
        match &self.0 {
            Source::Tape(_) => Duration::ZERO,
            Source::Live(model, _) => model.shut_for(tokens, env),
        }
    }

    fn window(&self) -> Option<u64> {
        match &self.0 {
            Source::Tape(tape) => tape.head().window,
            Source::Live(model, _) => model.window(),
        }
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        match &self.0 {
            Source::Tape(tape) => {
                let tape = Arc::clone(tape);
                let answer = async move { stream::iter(items(tape.take(&request))) };
                Box::pin(stream::once(answer).flatten())
            }
            Source::Live(model, pen) => {
                let chunks = model.stream(Arc::clone(&request), env);
                let (pen, env) = (Arc::clone(pen), env.clone());
                let recording = Recording { chunks, request, said: Vec::new(), pen, env, is_over: false };
                Box::pin(stream::unfold(recording, |mut recording| async move {
                    let item = recording.next().await?;
                    Some((item, recording))
                }))
            }
        }
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_replayed = matches!(self.0, Source::Tape(_));
        f.debug_struct("Recorded")
            .field("is_replayed", &is_replayed)
            .field("answers_left", &self.answers_left())
            .finish_non_exhaustive()
    }
}

/// What a stream gives for a recorded answer.
fn items(answer: Result<Answered, ModelError>) -> Vec<Result<Chunk, ModelError>> {
    match answer {
        Ok(Answered { chunks, error }) => chunks.into_iter().map(Ok).chain(error.map(Err)).collect(),
        Err(error) => vec![Err(error)],
    }
}

/// An answer that is being passed on and recorded.
struct Recording {
    chunks: Chunks,
    request: Arc<Request>,
    said: Vec<Chunk>,
    pen: Arc<Pen>,
    env: Env,
    is_over: bool,
}

impl Recording {
    async fn next(&mut self) -> Option<Result<Chunk, ModelError>> {
        if self.is_over {
            return None;
        }
        let error = match self.chunks.next().await {
            Some(Ok(chunk)) => {
                self.said.push(chunk.clone());
                return Some(Ok(chunk));
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        self.is_over = true;
        let answer = Answered { chunks: std::mem::take(&mut self.said), error: error.clone() };
        match self.pen.write(&self.request, answer, &self.env).await {
            Ok(()) => error.map(Err),
            Err(why) => Some(Err(ModelError::NotRecorded(why))),
        }
    }
}
