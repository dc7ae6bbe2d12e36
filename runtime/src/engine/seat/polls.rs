//! Whether a runner is being polled, as another thread sees it: one that is in the same poll for long blocks its thread.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::seat::Seat;
use crate::env::fault::Phase;
use crate::words::time::Time;

/// Counts the begins and ends of the current runner's polls: odd while it is in one.
///
/// The upper half is the runner's generation, so that one that was given up in a poll says nothing more.
#[derive(Default)]
pub(crate) struct Polls {
    now: AtomicU64,
    /// What was seen at the last look, and since when it was that.
    seen: AtomicU64,
    seen_since: AtomicU64,
}

/// A poll that takes longer blocks its thread: on a busy machine any poll may be interrupted for some time.
const BLOCKS: Duration = Duration::from_millis(200);

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

    fn is_in_one(&self) -> bool {
        self.now.load(Ordering::Acquire) & 1 == 1
    }

    /// Whether the poll that is on was seen so long ago that it blocks.
    fn blocks(&self, at: Time) -> bool {
        let now = self.now.load(Ordering::Acquire);
        if self.seen.swap(now, Ordering::AcqRel) != now {
            self.seen_since.store(at.as_nanos(), Ordering::Release);
        }
        let since = Time::from_nanos(self.seen_since.load(Ordering::Acquire));
        now & 1 == 1 && at.since(since) >= BLOCKS
    }
}

/// Ends a poll, also one that panics.
pub(crate) struct Poll<'a>(&'a Polls, u64);

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

impl Seat {
    /// Its runner of this generation is being polled, until the guard is dropped.
    pub(crate) fn poll(&self, generation: u64) -> Poll<'_> {
        self.polls.begin(generation);
        Poll(&self.polls, generation)
    }

    /// Awaits what its runner of this generation does. It lies with the caller: what is moved into a future has its room there twice.
    pub(crate) async fn polled<T>(
        self: &Arc<Self>,
        generation: u64,
        mut run: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> T {
        poll_fn(|cx| {
            let _poll = self.poll(generation);
            run.as_mut().poll(cx)
        })
        .await
    }

    /// Whether its runner blocks its thread, really or as a plan has it.
    pub(crate) fn blocks_its_thread(&self) -> bool {
        self.polls.blocks(self.engine.env.now())
            || self.gate.lock().turn.as_ref().is_some_and(|turn| turn.is_blocked())
    }

    /// Whether its stop hook was not done at once when a thread came to run it, and waits.
    pub(crate) fn waits_in_hook(&self) -> bool {
        let is_in_hook = self.gate.lock().turn.as_ref().is_some_and(|turn| turn.phase == Phase::Stop);
        is_in_hook && !self.polls.is_in_one()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from(Duration::from_millis(millis))
    }

    #[test]
    fn a_poll_blocks_that_was_seen_long_ago_and_two_polls_do_not() {
        let polls = Polls::default();
        assert!(!polls.blocks(at(0)));
        polls.begin(1);
        assert!(!polls.blocks(at(500)), "it may have begun just now");
        assert!(!polls.blocks(at(600)));
        assert!(polls.blocks(at(700)));
        polls.end(1);
        assert!(!polls.blocks(at(1_000)));
        polls.begin(1);
        assert!(!polls.blocks(at(2_000)), "another poll");
    }

    #[test]
    fn one_that_was_given_up_says_nothing_of_the_next() {
        let polls = Polls::default();
        polls.begin(1);
        polls.begin(2);
        polls.blocks(at(0));
        polls.end(1);
        assert!(polls.blocks(at(200)), "the second is still in its poll");
        polls.end(2);
        polls.begin(1);
        assert!(!polls.blocks(at(200)) && !polls.blocks(at(1_000)) && !polls.is_in_one());
    }
}
