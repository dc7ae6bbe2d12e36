//! Rows as a stream, of work that is polled where they are read.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::stream::Stream;

/// Rows as they end. Nothing goes on while nobody reads them; dropped, it stops what works, in the background.
#[must_use = "a stream does nothing until it is polled"]
pub struct Rows<'a, R> {
    /// None once it is over.
    work: Option<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>,
    given: Given<R>,
}

/// Where rows are put that were not taken yet: one at a time.
pub(crate) struct Given<R>(Arc<Mutex<VecDeque<R>>>);

impl<R> Clone for Given<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R> Given<R> {
    fn take(&self) -> Option<R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Gives a row, and goes on when it was taken. Whoever takes it polls this again, so nobody has to be woken.
    pub(crate) async fn give(&self, row: R) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(row);
        poll_fn(|_| if self.is_empty() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

impl<'a, R> Rows<'a, R> {
    pub(crate) fn new<F: Future<Output = ()> + Send + 'a>(work: impl FnOnce(Given<R>) -> F) -> Self {
        let given = Given(Arc::default());
        Self { work: Some(Box::pin(work(given.clone()))), given }
    }

    /// The next row; none when all have been given.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing: the row comes with the next call.
    pub async fn next(&mut self) -> Option<R> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<R> Unpin for Rows<'_, R> {}

impl<R> Stream for Rows<'_, R> {
    type Item = R;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R>> {
        let Self { work, given } = &mut *self;
        if let Some(working) = work
            && working.as_mut().poll(cx).is_ready()
        {
            *work = None;
        }
        match given.take() {
            Some(row) => Poll::Ready(Some(row)),
            None if work.is_none() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
