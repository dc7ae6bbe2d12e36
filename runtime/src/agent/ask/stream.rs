//! An ask as a stream: the asker reads what the agent sends while it works.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{Ask, AskAnswer, AskState};
use crate::agent::Agent;
use crate::engine::turn::told::Told;

/// What an agent sends to its asker with [`Context::tell_asker`](crate::Context::tell_asker) while it works, and finally its
/// answer. [`Ask::stream`] makes it.
///
/// It drives the ask: nothing is sent before it is first polled. Pieces of other types than `T` are skipped. If more than 1,024
/// pieces are unread, the oldest are dropped and counted. Pieces from an attempt that crashed are not taken back.
///
/// # Cancel safety
/// Dropping it withdraws the task, as dropping the ask does.
#[must_use = "an ask is sent only if it is read"]
pub struct AskStream<A: Agent, T> {
    ask: Ask<A>,
    told: Told,
    answer: Option<AskAnswer<A>>,
    of: PhantomData<fn() -> T>,
}

impl<A: Agent, T> Unpin for AskStream<A, T> {}

impl<A: Agent> Ask<A> {
    /// The ask as a stream of what the agent sends while it works.
    pub fn stream<T: Send + 'static>(mut self) -> AskStream<A, T> {
        self.told = Some(Box::default());
        if let AskState::Sent(cell) = &self.state {
            self.claim = cell.claim(true);
        }
        AskStream { ask: self, told: Told::default(), answer: None, of: PhantomData }
    }
}

impl<A: Agent, T: Send + 'static> AskStream<A, T> {
    /// The next piece; `None` after the last, when the answer has arrived.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// How many pieces were dropped because they were not read in time.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.told.missed
    }

    /// Skips unread pieces and waits for the answer.
    ///
    /// # Errors
    /// As the ask's own.
    pub async fn output(mut self) -> AskAnswer<A> {
        loop {
            while self.next().await.is_some() {}
            // It ends with the answer, and gives that once.
            if let Some(answer) = self.answer.take() {
                return answer;
            }
        }
    }

    fn take(&mut self) -> Option<T> {
        loop {
            let piece = self.told.pieces.pop_front()?;
            if (**piece).is::<T>() {
                return piece.into_inner().downcast().ok().map(|piece| *piece);
            }
            piece.let_go();
        }
    }
}

impl<A: Agent, T: Send + 'static> Stream for AskStream<A, T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if let Some(piece) = this.take() {
            return Poll::Ready(Some(piece));
        }
        if this.answer.is_none()
            && let Poll::Ready(answer) = Pin::new(&mut this.ask).poll(cx)
        {
            this.answer = Some(answer);
        }
        // Looked at after the ask was: whoever hands something over from now on wakes it.
        this.told.extend(this.ask.take_told());
        match this.take() {
            Some(piece) => Poll::Ready(Some(piece)),
            None if this.answer.is_some() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
