//! How far a run is, and whether it stalls: pure.

use std::time::Duration;

use skep_runtime::Time;

/// Nothing for so many times what a part takes is a stall.
const STALLS_AFTER: u32 = 2;
/// Parts that take milliseconds are late at each hiccup: nothing is a stall before this, unless somebody said what to expect.
const STALLS_AT_LEAST: Duration = Duration::from_secs(1);
/// A long run says how far it is at each of so many steps, and not for every part.
const STEPS: usize = 100;

pub(super) struct Tally {
    pub(super) total: Option<usize>,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) stalls: u32,
    /// Those that did not begin.
    skipped: usize,
    /// What those that have ended took together.
    took: Duration,
    last_end: Time,
    /// It has been said that it stalls since then.
    is_said: bool,
}

impl Tally {
    pub(super) const fn new(total: Option<usize>, stalls: u32, began: Time) -> Self {
        Self {
            total,
            done: 0,
            failed: 0,
            stalls,
            skipped: 0,
            took: Duration::ZERO,
            last_end: began,
            is_said: false,
        }
    }

    pub(super) const fn ended(&self) -> usize {
        self.done + self.failed
    }

    /// Whether all have ended that will come.
    pub(super) fn is_complete(&self) -> bool {
        self.total.is_some_and(|total| self.ended() + self.skipped >= total)
    }

    pub(super) fn end(&mut self, is_failed: bool, took: Duration, now: Time) {
        if is_failed {
            self.failed += 1;
        } else {
            self.done += 1;
        }
        self.took = self.took.saturating_add(took);
        (self.last_end, self.is_said) = (now, false);
    }

    /// One that was done has failed after all.
    pub(super) const fn reject(&mut self) {
        self.done -= 1;
        self.failed += 1;
    }

    /// One that was done is not needed.
    pub(super) const fn waive(&mut self) {
        self.done -= 1;
        self.skipped += 1;
    }

    /// A part did not begin.
    pub(super) const fn skip(&mut self) {
        self.skipped += 1;
    }

    /// What a part takes.
    pub(super) fn mean(&self) -> Option<Duration> {
        let ended = u32::try_from(self.ended()).unwrap_or(u32::MAX);
        self.took.checked_div(ended).filter(|mean| !mean.is_zero())
    }

    /// When it is a stall that nothing has ended, if it was not said.
    pub(super) fn stalls_at(&self, expecting: Option<Duration>) -> Option<Time> {
        let known = |each: Duration| each.saturating_mul(STALLS_AFTER);
        let guessed = || self.mean().map(|mean| known(mean).max(STALLS_AT_LEAST));
        let after = expecting.map(known).or_else(guessed).filter(|_| !self.is_said)?;
        Some(self.last_end + after)
    }

    /// It stalls. Gives for how long nothing has ended.
    pub(super) const fn stall(&mut self, now: Time) -> Duration {
        self.is_said = true;
        self.stalls = self.stalls.saturating_add(1);
        now.since(self.last_end)
    }

    /// How long it will take, so many at once.
    pub(super) fn left(&self, at_once: usize) -> Option<Duration> {
        let left = self.total?.saturating_sub(self.ended());
        let rounds = left.div_ceil(at_once.max(1));
        Some(self.mean()?.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)))
    }

    pub(super) const fn is_worth_saying(&self) -> bool {
        let step = match self.total {
            Some(total) if total > STEPS => total / STEPS,
            _ if self.ended() > STEPS => STEPS,
            _ => 1,
        };
        self.ended().is_multiple_of(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn at(secs: u64) -> Time {
        Time::from_nanos(secs * 1_000_000_000)
    }

    #[test]
    fn it_stalls_once_when_nothing_has_ended_for_twice_as_long_as_a_part_takes() {
        let mut tally = Tally::new(Some(10), 0, at(0));
        assert_eq!(tally.stalls_at(None), None, "nobody knows what a part takes");
        assert_eq!(tally.stalls_at(Some(secs(3))), Some(at(6)));
        tally.end(false, secs(4), at(4));
        tally.end(true, secs(2), at(5));
        assert_eq!(tally.stalls_at(None), Some(at(11)), "the mean is 3 s");
        assert_eq!((tally.stall(at(11)), tally.stalls_at(None)), (secs(6), None));
        tally.end(false, secs(9), at(14));
        assert_eq!((tally.stalls_at(None), tally.stalls), (Some(at(24)), 1));
    }

    #[test]
    fn quick_parts_do_not_stall_within_a_second_unless_somebody_expects_it() {
        let mut tally = Tally::new(Some(10), 0, at(0));
        tally.end(false, Duration::from_millis(2), at(1));
        assert_eq!(tally.stalls_at(None), Some(at(2)));
        assert_eq!(tally.stalls_at(Some(Duration::from_millis(2))), Some(at(1) + Duration::from_millis(4)));
    }

    #[test]
    fn what_is_left_goes_by_the_mean_and_by_how_many_work_at_once() {
        let mut tally = Tally::new(Some(10), 0, at(0));
        assert_eq!(tally.left(3), None);
        tally.end(false, secs(4), at(4));
        assert_eq!((tally.left(3), tally.left(0)), (Some(secs(12)), Some(secs(36))));
        assert_eq!(Tally::new(None, 0, at(0)).left(3), None);
    }

    #[test]
    fn a_long_run_speaks_at_each_percent() {
        let mut tally = Tally::new(Some(1_000), 0, at(0));
        let said = (0..1_000).filter(|_| {
            tally.end(false, secs(1), at(1));
            tally.is_worth_saying()
        });
        assert_eq!(said.count(), 100);
    }
}
