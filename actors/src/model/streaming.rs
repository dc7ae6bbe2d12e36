//! An answer as the turn reads it: the stream drives its effect, so dropping the stream drops the effect.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use parking_lot::Mutex;
use skep_runtime::{Advice, AgentError, AgentId, EffectError};

use super::call::KIND;
use super::{Chunk, Reply};

type Running = Pin<Box<dyn Future<Output = Result<Reply, EffectError>> + Send>>;

/// The chunks of an answer, and in the end the whole reply.
///
/// An error is the last item. The reader drives the model: nothing is requested until it is read.
///
/// # Cancel safety
/// Dropping it closes the model's stream at once and books the known usage, as an estimate.
#[must_use = "an answer comes only if it is read"]
pub struct Streaming {
    agent: AgentId,
    hand: Arc<Hand>,
    effect: Option<Running>,
    reply: Option<Reply>,
}

impl Streaming {
    pub(super) fn new(agent: AgentId, hand: Arc<Hand>, effect: Running) -> Self {
        Self { agent, hand, effect: Some(effect), reply: None }
    }

    /// The next chunk; none after the last one.
    ///
    /// # Errors
    /// As [`ModelCall::ask`](super::ModelCall::ask).
    pub async fn next(&mut self) -> Option<Result<Chunk, EffectError>> {
        StreamExt::next(self).await
    }

    /// Reads what is left and gives the whole reply, including what was read before.
    ///
    /// # Errors
    /// As [`ModelCall::ask`](super::ModelCall::ask). If an error was already read, there is no reply, and the call counts
    /// as cancelled.
    pub async fn reply(mut self) -> Result<Reply, EffectError> {
        while let Some(chunk) = self.next().await {
            chunk?;
        }
        let Self { agent, reply, .. } = self;
        reply.ok_or_else(|| EffectError::Cancelled { agent, kind: KIND.to_owned() })
    }

    fn over(&mut self, result: Result<Reply, EffectError>) -> Option<Result<Chunk, EffectError>> {
        self.effect = None;
        match result {
            Ok(reply) => {
                self.reply = Some(reply);
                None
            }
            Err(error) => Some(Err(self.hand.advised(error))),
        }
    }
}

impl Stream for Streaming {
    type Item = Result<Chunk, EffectError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(chunk) = this.hand.take() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        let Some(effect) = &mut this.effect else { return Poll::Ready(None) };
        match effect.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(this.over(result)),
            Poll::Pending => match this.hand.take() {
                Some(chunk) => Poll::Ready(Some(Ok(chunk))),
                None => Poll::Pending,
            },
        }
    }
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("is_over", &self.effect.is_none()).finish_non_exhaustive()
    }
}

/// Where the effect puts a chunk for the reader to take.
#[derive(Default)]
pub(super) struct Hand(Mutex<Handed>);

#[derive(Default)]
struct Handed {
    chunks: VecDeque<Chunk>,
    has_given: bool,
    /// The original advice of the last error, before it was changed to one that allows no other try.
    advice: Option<Advice>,
}

impl Hand {
    /// Hands a chunk over and waits until it is taken. No waker is needed: the reader polls the effect again as soon as
    /// it wants another chunk.
    pub(super) async fn give(&self, chunk: Chunk) {
        {
            let mut handed = self.0.lock();
            handed.chunks.push_back(chunk);
            handed.has_given = true;
        }
        std::future::poll_fn(
            |_| if self.0.lock().chunks.is_empty() { Poll::Ready(()) } else { Poll::Pending },
        )
        .await;
    }

    pub(super) fn has_given(&self) -> bool {
        self.0.lock().has_given
    }

    fn take(&self) -> Option<Chunk> {
        self.0.lock().chunks.pop_front()
    }

    /// After a chunk was handed over, an error allows no other try.
    pub(super) fn failed(&self, error: AgentError) -> AgentError {
        let mut handed = self.0.lock();
        if !handed.has_given {
            return error;
        }
        handed.advice = Some(error.advice());
        error.advise(Advice::Never)
    }

    /// The error as the reader gets it, with its original advice: the reader may still decide to ask again.
    fn advised(&self, error: EffectError) -> EffectError {
        match (error, self.0.lock().advice) {
            (EffectError::Failed { agent, kind, error }, Some(advice)) => {
                EffectError::Failed { agent, kind, error: error.advise(advice) }
            }
            (error, _) => error,
        }
    }
}
