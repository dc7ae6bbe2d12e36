//! An ask of which is read, as it comes, what its agent hands to whoever asked.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{Answer, Ask, State};
use crate::agent::Agent;
use crate::task::Told;

/// What an agent hands to its asker with [`Context::tell_asker`](crate::Context::tell_asker), as it comes, and at last its answer:
/// [`Ask::stream`] makes it.
///
/// It drives the ask: nothing is sent before it is first polled. What is of another type than `T` is passed over. Of more than 1,024
/// that wait to be read, the oldest are dropped and counted. What an attempt has handed over that crashed is not taken back.
///
/// # Cancel safety
/// Dropping it withdraws the task, as dropping the ask does.
#[must_use = "an ask is sent only if it is read"]
pub struct AskStream<A: Agent, T> {
    ask: Ask<A>,
    told: Told,
    answer: Option<Answer<A>>,
    of: PhantomData<fn() -> T>,
}

impl<A: Agent, T> Unpin for AskStream<A, T> {}

impl<A: Agent> Ask<A> {
    /// The ask as a stream of what the agent hands over while it works.
    pub fn stream<T: Send + 'static>(mut self) -> AskStream<A, T> {
        self.told = Some(Box::default());
        if let State::Sent(cell) = &self.state {
            self.claim = cell.claim(true);
        }
        AskStream { ask: self, told: Told::default(), answer: None, of: PhantomData }
    }
}

impl<A: Agent, T: Send + 'static> AskStream<A, T> {
    /// The next piece; none after the last, when the answer is there.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// How many pieces were dropped because they were not read in time.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.told.missed
    }

    /// Passes over what was not read, and waits for the answer.
    ///
    /// # Errors
    /// As the ask's own.
    pub async fn output(mut self) -> Answer<A> {
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
