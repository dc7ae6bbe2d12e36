//! Whether a runner is being polled, as another thread sees it: one that is in the same poll at two looks blocks its thread.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::seat::Seat;
use crate::fault::Phase;

/// Counts the begins and ends of the current runner's polls: odd while it is in one.
///
/// The upper half is the runner's generation, so that one that was given up in a poll says nothing more.
#[derive(Default)]
pub(crate) struct Polls {
    now: AtomicU64,
    looked: AtomicU64,
}

const COUNT: u32 = 32;

impl Polls {
    fn change(&self, generation: u64, change: impl Fn(u64) -> u64) {
        let next = |now: u64| {
            let (its, count) = (now >> COUNT, now & (u64::from(u32::MAX)));
            // Generations of one seat do not come round.
            let own = generation & u64::from(u32::MAX);
            (its <= own).then(|| (own << COUNT) | change(if its == own { count } else { 0 }))
        };
        // Refused, it is an older runner's.
        self.now.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok();
    }

    fn begin(&self, generation: u64) {
        self.change(generation, |count| (count | 1) & u64::from(u32::MAX));
    }

    fn end(&self, generation: u64) {
        self.change(generation, |count| ((count | 1) + 1) & u64::from(u32::MAX));
    }

    fn same_since_last_look(&self) -> bool {
        let now = self.now.load(Ordering::Acquire);
        let before = self.looked.swap(now, Ordering::AcqRel);
        now & 1 == 1 && now == before
    }
}

/// Ends a poll, also one that panics.
pub(super) struct Poll<'a>(&'a Polls, u64);

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

impl Seat {
    /// Its runner of this generation is being polled, until the guard is dropped.
    pub(super) fn poll(&self, generation: u64) -> Poll<'_> {
        self.polls.begin(generation);
        Poll(&self.polls, generation)
    }

    /// Awaits what its runner of this generation does.
    pub(super) async fn polled<T>(self: &Arc<Self>, generation: u64, run: impl Future<Output = T>) -> T {
        let mut run = pin!(run);
        poll_fn(|cx| {
            let _poll = self.poll(generation);
            run.as_mut().poll(cx)
        })
        .await
    }

    /// Whether its runner has been in one poll since the last look, or a simulated block is on.
    pub(super) fn blocks_since_last_look(&self) -> bool {
        let is_same = self.polls.same_since_last_look();
        is_same || self.gate.lock().turn.as_ref().is_some_and(|turn| turn.is_blocked())
    }

    /// Whether a thread has come to run its stop hook.
    pub(super) fn is_in_hook(&self) -> bool {
        self.gate.lock().turn.as_ref().is_some_and(|turn| turn.phase == Phase::Stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_poll_at_two_looks_blocks_and_two_polls_do_not() {
        let polls = Polls::default();
        assert!(!polls.same_since_last_look());
        polls.begin(1);
        assert!(!polls.same_since_last_look(), "it may have begun just now");
        assert!(polls.same_since_last_look());
        polls.end(1);
        assert!(!polls.same_since_last_look());
        polls.begin(1);
        assert!(!polls.same_since_last_look(), "another poll");
    }

    #[test]
    fn one_that_was_given_up_says_nothing_of_the_next() {
        let polls = Polls::default();
        polls.begin(1);
        polls.begin(2);
        polls.same_since_last_look();
        polls.end(1);
        assert!(polls.same_since_last_look(), "the second is still in its poll");
        polls.end(2);
        polls.begin(1);
        assert!(!polls.same_since_last_look());
        assert!(!polls.same_since_last_look());
    }
}
