//! Units that refill over time, a fixed amount per period: pure, and exact in integers.

use std::time::Duration;

use skep_runtime::Time;

/// At most `burst` units, refilled by the same amount each period.
///
/// The level is counted in units times nanoseconds of the period, so that nothing is rounded: each nanosecond adds as
/// many of these as the bucket gets units per period.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    a_period: u64,
    period: u64,
    burst: u64,
    level: i128,
    at: Time,
}

impl Bucket {
    /// A full bucket. None of the numbers may be 0.
    pub(super) fn full(a_period: u64, period: Duration, burst: u64, now: Time) -> Self {
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        let mut bucket = Self { a_period, period, burst, level: 0, at: now };
        bucket.level = bucket.most();
        bucket
    }

    fn of(&self, units: u64) -> i128 {
        i128::from(units).saturating_mul(self.period.into())
    }

    fn most(&self) -> i128 {
        self.of(self.burst)
    }

    pub(super) fn refill(&mut self, now: Time) {
        let nanos = i128::try_from(now.since(self.at).as_nanos()).unwrap_or(i128::MAX);
        let more = nanos.saturating_mul(self.a_period.into());
        self.level = self.level.saturating_add(more).min(self.most());
        self.at = self.at.max(now);
    }

    /// How long until this much can be taken, as of the last refill. A request for more than the bucket ever holds can be
    /// taken when it is full; the bucket then owes the rest.
    pub(super) fn wait(&self, units: u64) -> Duration {
        let missing = self.of(units.min(self.burst)).saturating_sub(self.level);
        if missing <= 0 {
            return Duration::ZERO;
        }
        let a_nano = i128::from(self.a_period);
        let nanos = missing / a_nano + i128::from(missing % a_nano != 0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub(super) fn take(&mut self, units: u64) {
        self.level = self.level.saturating_sub(self.of(units));
    }

    /// Gives back what was taken but not used.
    pub(super) fn give(&mut self, units: u64) {
        self.level = self.level.saturating_add(self.of(units)).min(self.most());
    }

    /// How many can be taken now; none while it is in debt.
    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.level.max(0) / i128::from(self.period)).unwrap_or(u64::MAX)
    }

    pub(super) fn is_full(&self) -> bool {
        self.level == self.most()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn what_is_more_than_there_ever_is_is_taken_from_a_full_bucket_and_owed() {
        let mut bucket = Bucket::full(10, Duration::from_secs(1), 10, at(0));
        assert_eq!(bucket.wait(25), Duration::ZERO);
        bucket.take(25);
        assert_eq!((bucket.left(), bucket.wait(1)), (0, Duration::from_millis(1_600)));
        bucket.refill(at(2_500_000_000));
        assert!(bucket.is_full());
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut bucket = Bucket::full(u64::MAX, Duration::MAX, u64::MAX, at(0));
        bucket.take(u64::MAX);
        bucket.take(u64::MAX);
        bucket.refill(at(u64::MAX));
        bucket.give(u64::MAX);
        assert!(bucket.wait(u64::MAX) <= Duration::from_nanos(u64::MAX));
        let mut slow = Bucket::full(1, Duration::MAX, 1, at(0));
        slow.take(1);
        assert_eq!(slow.wait(1), Duration::from_nanos(u64::MAX));
    }

    proptest! {
        /// Whatever the requests, the amount taken by any moment never exceeds the initial level and what was refilled
        /// since; and waits are exact to the nanosecond.
        #[test]
        fn no_more_is_taken_than_there_is_and_waits_are_exact(
            a_period in 1_u64..50,
            period in 1_u64..1_000,
            burst in 1_u64..20,
            steps in prop::collection::vec((0_u64..500, 1_u64..20), 1..60),
        ) {
            let mut bucket = Bucket::full(a_period, Duration::from_nanos(period), burst, at(0));
            let (mut now, mut taken) = (0, 0_u128);
            for (pause, units) in steps {
                now += pause;
                bucket.refill(at(now));
                let units = units.min(burst);
                let wait = u64::try_from(bucket.wait(units).as_nanos()).unwrap();
                if wait > 0 {
                    let mut early = bucket.clone();
                    early.refill(at(now + wait - 1));
                    prop_assert!(early.wait(units) > Duration::ZERO);
                }
                now += wait;
                bucket.refill(at(now));
                prop_assert_eq!(bucket.wait(units), Duration::ZERO);
                bucket.take(units);
                taken += u128::from(units);
                let came = u128::from(now) * u128::from(a_period) / u128::from(period);
                prop_assert!(taken <= u128::from(burst) + came);
            }
        }
    }
}
