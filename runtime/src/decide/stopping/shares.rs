//! How much time a part of a stop has.

use std::time::Duration;

use crate::words::time::Time;

/// What is kept back at least for aborting: a dropped future confirms within it even on a busy machine.
pub(super) const PATIENCE_MIN: Duration = Duration::from_millis(50);

/// What was cut at the end of its own time is waited for so long at least, if there is time: a thread that blocks may come
/// back.
const RETURN_MIN: Duration = Duration::from_secs(1);

/// The least part of a stop's time that a sibling gets, if there is time.
const PART_MIN: Duration = Duration::from_millis(100);

/// Two moments for a subtree: until when it may run, and until when its aborts are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadlines {
    /// What still runs is aborted, and no hook begins any more.
    pub(super) abort: Time,
    /// What still runs is Stuck. Never before `abort`.
    pub(super) give_up: Time,
}

impl Deadlines {
    pub(super) const NONE: Self = Self { abort: Time::NEVER, give_up: Time::NEVER };

    /// Those of a stop's root.
    pub(super) fn of_stop(deadline: Time, now: Time) -> Self {
        let deadline = deadline.max(now);
        let abort = deadline - patience(deadline.since(now));
        Self { abort: abort.max(now), give_up: deadline }
    }

    pub(super) fn tightened(self, other: Self) -> Self {
        Self { abort: self.abort.min(other.abort), give_up: self.give_up.min(other.give_up) }
    }

    /// Until when something may confirm that was cut at `now`, at the end of `own` time: as long again, but no more than half
    /// of what is left. The other half is for those who wait for it, its siblings' hooks and its ancestors'.
    pub(super) fn confirm(self, own: Duration, now: Time) -> Time {
        let half = self.abort.since(now) / 2;
        (now + own.max(RETURN_MIN).min(half).max(PATIENCE_MIN)).min(self.give_up)
    }

    /// What one of `siblings` that stop in order gets of these: an equal part of what is left, less a patience, so that a stuck
    /// one is cut before it has taken the others' parts.
    ///
    /// Among many siblings an equal part would be too short for anybody, though nearly all of them need none. So a part is
    /// at least [`PART_MIN`], while that is no more than an eighth of what is left.
    ///
    /// The last gets all there is: none waits behind it. Without this a chain of only children would lose a patience at
    /// each level.
    pub(super) fn share(self, siblings: usize, now: Time) -> Self {
        if siblings <= 1 || self.abort <= now {
            return self;
        }
        let left = self.abort.since(now);
        let equal = left / u32::try_from(siblings).unwrap_or(u32::MAX);
        let part = equal.max(PART_MIN.min(left / 8));
        Self { abort: now + part - patience(part).min(part / 2), give_up: self.give_up }
    }
}

/// The end of a span that is for aborting.
fn patience(whole: Duration) -> Duration {
    (whole / 10).max(PATIENCE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from(Duration::from_millis(millis))
    }

    #[test]
    fn a_stop_keeps_a_tenth_for_aborting_and_at_least_50_ms() {
        assert_eq!(
            Deadlines::of_stop(at(11_000), at(1_000)),
            Deadlines { abort: at(10_000), give_up: at(11_000) }
        );
        assert_eq!(
            Deadlines::of_stop(at(1_100), at(1_000)),
            Deadlines { abort: at(1_050), give_up: at(1_100) }
        );
        assert_eq!(
            Deadlines::of_stop(at(1_010), at(1_000)),
            Deadlines { abort: at(1_000), give_up: at(1_010) }
        );
        assert_eq!(Deadlines::of_stop(at(3), at(1_000)), Deadlines { abort: at(1_000), give_up: at(1_000) });
    }

    #[test]
    fn what_is_cut_is_waited_for_as_long_again_and_half_of_the_rest_at_most() {
        let whole = Deadlines { abort: at(9_000), give_up: at(10_000) };
        let confirm = |own, now| whole.confirm(Duration::from_millis(own), at(now));
        assert_eq!(confirm(200, 200), at(1_200));
        assert_eq!(confirm(3_000, 3_000), at(6_000));
        assert_eq!(confirm(5_000, 5_000), at(7_000));
        assert_eq!(confirm(5_000, 8_990), at(9_040));
        assert_eq!(confirm(5_000, 9_990), at(10_000));
        assert_eq!(Deadlines::NONE.confirm(Duration::ZERO, at(500)), at(1_500), "not for ever");
    }

    #[test]
    fn siblings_share_what_is_left_and_the_last_takes_it_all() {
        let whole = Deadlines { abort: at(4_000), give_up: at(4_500) };
        let until = |whole: Deadlines, siblings, now| {
            let part = whole.share(siblings, at(now));
            assert_eq!(part.give_up, whole.give_up);
            part.abort
        };
        assert_eq!(until(whole, 4, 0), at(900));
        assert_eq!(until(whole, 1, 0), whole.abort);
        assert_eq!(until(whole, 4, 4_000), whole.abort, "nothing left to share, only to wait");
        assert_eq!(until(whole, 80, 0), at(50), "no part is too short to use");
        assert_eq!(until(whole, 80, 3_840), at(3_850));
        let short = Deadlines { abort: at(100), give_up: at(120) };
        assert_eq!(until(short, 80, 20), at(25));
        assert_eq!(until(short, 80, 92), at(92) + Duration::from_micros(500), "but it ends with the whole");
    }
}
