//! The queue of calls that wait for a rate, in the order in which they came: pure.

use std::collections::VecDeque;
use std::time::Duration;

use skep_runtime::Time;

use super::bucket::Bucket;

/// What a try takes from the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) tokens: u64,
}

/// The state of a waiting call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It goes, and has taken its share.
    Goes,
    /// It is the first, and may look again after this time, unless something changes before.
    After(Duration),
    /// Others are ahead of it.
    Behind,
}

/// Calls that want the same, one after another. Light calls do not overtake a heavy one.
#[derive(Clone, Debug)]
pub(super) struct Lane<W> {
    calls: Bucket,
    tokens: Option<Bucket>,
    /// Until when the other side has asked for no calls.
    closed: Time,
    waiting: VecDeque<(u64, Weight, W)>,
    next: u64,
}

impl<W> Lane<W> {
    pub(super) fn new(calls: Bucket, tokens: Option<Bucket>) -> Self {
        Self { calls, tokens, closed: Time::ZERO, waiting: VecDeque::new(), next: 0 }
    }

    /// Queues. Afterwards the caller must [`look`](Self::look) or [`leave`](Self::leave).
    pub(super) fn enter(&mut self, weight: Weight, waker: W) -> u64 {
        self.next += 1;
        self.waiting.push_back((self.next, weight, waker));
        self.next
    }

    /// Checks whether it is this call's turn.
    pub(super) fn look(&mut self, who: u64, now: Time) -> Look {
        let Some((first, weight, _)) = self.waiting.front() else { return Look::Behind };
        if *first != who {
            return Look::Behind;
        }
        let tokens = weight.tokens;
        self.refill(now);
        let wait =
            self.calls.wait(1).max(self.tokens.as_ref().map_or(Duration::ZERO, |bucket| bucket.wait(tokens)));
        let wait = wait.max(self.closed.since(now));
        if !wait.is_zero() {
            return Look::After(wait);
        }
        self.calls.take(1);
        if let Some(bucket) = &mut self.tokens {
            bucket.take(tokens);
        }
        self.waiting.pop_front();
        Look::Goes
    }

    /// Gives up its place.
    pub(super) fn leave(&mut self, who: u64) {
        if let Ok(at) = self.waiting.binary_search_by_key(&who, |(id, ..)| *id) {
            self.waiting.remove(at);
        }
    }

    /// The first in the queue.
    pub(super) fn first(&self) -> Option<&W> {
        self.waiting.front().map(|(.., waker)| waker)
    }

    /// Corrects what was taken to what was used: the rest is given back, or the excess is owed.
    pub(super) fn correct(&mut self, taken: Weight, used: Weight, now: Time) {
        self.refill(now);
        if let Some(bucket) = &mut self.tokens {
            bucket.give(taken.tokens.saturating_sub(used.tokens));
            bucket.take(used.tokens.saturating_sub(taken.tokens));
        }
    }

    /// Nothing that was taken was used.
    pub(super) fn give_back(&mut self, taken: Weight, now: Time) {
        self.correct(taken, Weight { tokens: 0 }, now);
        self.calls.give(1);
    }

    /// No call goes before this time.
    pub(super) fn close(&mut self, until: Time) {
        self.closed = self.closed.max(until);
    }

    /// How long a new call no heavier than this would wait.
    #[cfg(feature = "http")]
    pub(super) fn wait(&self, weight: Weight, now: Time) -> Duration {
        let mut lane = Lane::<()> {
            calls: self.calls.clone(),
            tokens: self.tokens.clone(),
            closed: self.closed,
            waiting: VecDeque::new(),
            next: 0,
        };
        let before = self.waiting.len() as u64;
        lane.refill(now);
        let ahead = self.waiting.iter().fold(0_u64, |sum, (_, weight, _)| sum.saturating_add(weight.tokens));
        // Assumes that the calls ahead just take their share: an estimate that is never too long.
        lane.calls.take(before);
        if let Some(bucket) = &mut lane.tokens {
            bucket.take(ahead);
        }
        let tokens = lane.tokens.as_ref().map_or(Duration::ZERO, |bucket| bucket.wait(weight.tokens));
        lane.calls.wait(1).max(tokens).max(self.closed.since(now))
    }

    /// The calls and tokens left, how many wait, and whether it is closed.
    pub(super) fn state(&mut self, now: Time) -> (u64, Option<u64>, usize, bool) {
        self.refill(now);
        (self.calls.left(), self.tokens.as_ref().map(Bucket::left), self.waiting.len(), self.closed > now)
    }

    /// Whether it is in its initial state.
    pub(super) fn is_new(&mut self, now: Time) -> bool {
        self.refill(now);
        let full = self.calls.is_full() && self.tokens.as_ref().is_none_or(Bucket::is_full);
        full && self.waiting.is_empty() && self.closed <= now
    }

    fn refill(&mut self, now: Time) {
        self.calls.refill(now);
        if let Some(bucket) = &mut self.tokens {
            bucket.refill(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lane(calls: u64, tokens: u64) -> Lane<()> {
        let now = Time::ZERO;
        Lane::new(Bucket::full(calls, SECOND, calls, now), Some(Bucket::full(tokens, SECOND, tokens, now)))
    }

    const fn tokens(tokens: u64) -> Weight {
        Weight { tokens }
    }

    #[test]
    fn a_heavy_one_is_not_passed_by_light_ones() {
        let (mut lane, now) = (lane(100, 10), Time::ZERO);
        let first = lane.enter(tokens(5), ());
        assert_eq!(lane.look(first, now), Look::Goes);
        let (heavy, light) = (lane.enter(tokens(8), ()), lane.enter(tokens(1), ()));
        assert_eq!(lane.look(light, now), Look::Behind);
        assert_eq!(lane.look(heavy, now), Look::After(Duration::from_millis(300)));
        lane.leave(heavy);
        assert_eq!(lane.look(light, now), Look::Goes);
    }

    #[test]
    fn what_was_not_used_is_given_back_and_what_was_used_beyond_is_owed() {
        let (mut lane, now) = (lane(100, 10), Time::ZERO);
        let first = lane.enter(tokens(10), ());
        assert_eq!(lane.look(first, now), Look::Goes);
        lane.correct(tokens(10), tokens(2), now);
        let second = lane.enter(tokens(8), ());
        assert_eq!(lane.look(second, now), Look::Goes);
        lane.correct(tokens(8), tokens(13), now);
        let third = lane.enter(tokens(1), ());
        assert_eq!(lane.look(third, now), Look::After(Duration::from_millis(600)));
    }

    #[test]
    fn a_lane_that_the_other_side_closed_lets_nobody_go() {
        let mut lane = lane(10, 10);
        lane.close(Time::ZERO + SECOND);
        lane.close(Time::ZERO);
        let first = lane.enter(tokens(1), ());
        assert_eq!(lane.look(first, Time::ZERO), Look::After(SECOND));
        assert_eq!(lane.look(first, Time::ZERO + SECOND), Look::Goes);
        assert!(!lane.is_new(Time::ZERO + SECOND) && lane.is_new(Time::ZERO + 2 * SECOND));
    }

    proptest! {
        /// All calls go in the order in which they came, each at the time that it was told when first, and none waits
        /// forever.
        #[test]
        fn all_go_in_their_order(
            calls in 1_u64..5,
            a_second in 1_u64..20,
            weights in prop::collection::vec(0_u64..40, 1..30),
            gone in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let mut lane = lane(calls, a_second);
            let all: Vec<u64> = weights.iter().map(|weight| lane.enter(tokens(*weight), ())).collect();
            let gone: Vec<u64> = gone.iter().map(|at| *at.get(&all)).collect();
            gone.iter().for_each(|who| lane.leave(*who));
            let mut now = Time::ZERO;
            for who in all.iter().filter(|who| !gone.contains(who)) {
                if let Look::After(wait) = lane.look(*who, now) {
                    now = now + wait;
                    prop_assert_eq!(lane.look(*who, now), Look::Goes);
                }
            }
            prop_assert!(lane.first().is_none());
        }
    }
}
