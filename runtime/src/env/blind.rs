//! Which waits a simulated world knows of: those that its clock goes by or stands still for, and those for somebody in it.
//!
//! A wait for anything else (a socket, a process, a thread) is one that the paused clock does not know of: it jumps to the next
//! deadline at once, and what fails then speaks of that deadline. So whoever polls a user's future can ask here whether the
//! future waits for nothing that is known.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use super::Env;

thread_local! {
    /// How often a known wait was begun or gone on with on this thread.
    static KNOWN: Cell<u64> = const { Cell::new(0) };
}

/// Says that what is polled here waits for something known.
pub(crate) fn is_known() {
    KNOWN.set(KNOWN.get().wrapping_add(1));
}

/// Awaits something that is known.
pub(crate) async fn known<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            is_known();
        }
        polled
    })
    .await
}

/// Whether something waits for nothing known, as it is told when that changes.
struct BlindWait<T: FnMut(bool)> {
    is: bool,
    tell: T,
}

impl<T: FnMut(bool)> BlindWait<T> {
    fn is(&mut self, is: bool) {
        if self.is != is {
            self.is = is;
            (self.tell)(is);
        }
    }
}

impl<T: FnMut(bool)> Drop for BlindWait<T> {
    fn drop(&mut self) {
        self.is(false);
    }
}

impl Env {
    /// Awaits a future of a user's. In a simulation `tell` hears when it waits for nothing known, and when it does no more.
    pub(crate) async fn seeing<F: Future>(&self, future: F, tell: impl FnMut(bool)) -> F::Output {
        if !self.is_simulated() {
            return future.await;
        }
        let mut blind = BlindWait { is: false, tell };
        let mut future = pin!(future);
        poll_fn(|cx| {
            let before = KNOWN.get();
            let polled = future.as_mut().poll(cx);
            blind.is(polled.is_pending() && KNOWN.get() == before);
            polled
        })
        .await
    }
}
