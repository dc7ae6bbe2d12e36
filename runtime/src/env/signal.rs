//! A flag that is raised once and wakes whoever waits for it.
//!
//! Unlike a cancellation token its waiting needs no pinned future, so that an ask can watch one and still be `Unpin`.
//! No waker is cloned, woken or dropped under its lock, for a waker may be a user's.

use std::task::{Context, Poll};

use crate::env::is_known;
use crate::env::sleepers::Sleepers;
use crate::env::sync::Mutex;
use crate::env::sync::atomic::{AtomicBool, Ordering};
use crate::env::theirs::Sleeper;

/// Raised once; raising it again does nothing.
#[derive(Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    /// Made for the first that waits: most signals are never waited for, and every turn and seat has some.
    waiting: Mutex<Option<Box<Sleepers>>>,
}

impl Signal {
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// Raises the flag and wakes all, in the order in which they came. Says whether this call was the first.
    pub(crate) fn raise(&self) -> bool {
        if self.is_raised() {
            return false;
        }
        let sleepers = {
            let mut waiting = self.waiting.lock();
            if self.raised.swap(true, Ordering::AcqRel) {
                return false;
            }
            waiting.take()
        };
        if let Some(mut sleepers) = sleepers {
            Sleeper::wake_all(sleepers.take());
        }
        true
    }

    /// Ready once the flag is raised. `place` is where the caller stands among the waiting; [`Signal::leave`] gives it up.
    pub(crate) fn poll_raised(&self, place: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_raised() {
            return Poll::Ready(());
        }
        let sleeper = Sleeper::new(cx);
        let mut waiting = self.waiting.lock();
        if self.is_raised() {
            drop(waiting);
            drop(sleeper);
            return Poll::Ready(());
        }
        let former = waiting.get_or_insert_default().listen(place, sleeper);
        drop(waiting);
        drop(former);
        is_known();
        Poll::Pending
    }

    /// Gives up a place among the waiting.
    pub(crate) fn leave(&self, place: &mut Option<u64>) {
        if place.is_some() {
            let left = self.waiting.lock().as_mut().and_then(|waiting| waiting.leave(place));
            drop(left);
        }
    }

    /// Waits until the flag is raised. Dropping the future gives the place up.
    pub(crate) async fn raised(&self) {
        let mut place = Waits { signal: self, number: None };
        std::future::poll_fn(|cx| self.poll_raised(&mut place.number, cx)).await;
    }
}

/// Somebody who waits, until this is dropped.
struct Waits<'a> {
    signal: &'a Signal,
    number: Option<u64>,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.signal.leave(&mut self.number);
    }
}
