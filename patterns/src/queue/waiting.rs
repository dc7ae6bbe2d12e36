//! Which task is taken next: pure.
//!
//! # Invariants
//! 1. A task goes before all that have its priority and came after it, whenever it is given back.
//! 2. A task is taken before any that comes later than its priority's lead over it lasts: with a step of a minute, one of
//!    priority 0 goes before each of priority 2 that comes more than two minutes after it. So none waits for good.

use std::collections::BTreeMap;
use std::time::Duration;

/// Tasks that wait, by priority and by how long they have waited.
///
/// Each step of waiting is worth one priority. All grow older at the same pace, so their order never changes: a task's place is
/// when it came, less a step for each of its priorities.
pub(super) struct Waiting {
    step: Duration,
    /// By rank and number.
    order: BTreeMap<(i128, u64), usize>,
    ranks: BTreeMap<u64, i128>,
}

impl Waiting {
    pub(super) const fn new(step: Duration) -> Self {
        Self { step, order: BTreeMap::new(), ranks: BTreeMap::new() }
    }

    /// Adds a task of this number, which has waited since that moment.
    pub(super) fn add(&mut self, number: u64, at: usize, priority: u8, since: Duration) {
        let rank = nanos(since).saturating_sub(nanos(self.step).saturating_mul(priority.into()));
        self.order.insert((rank, number), at);
        self.ranks.insert(number, rank);
    }

    /// The next that is to be taken.
    pub(super) fn next(&mut self) -> Option<usize> {
        let ((_, number), at) = self.order.pop_first()?;
        self.ranks.remove(&number);
        Some(at)
    }

    /// Takes this one, if it waits.
    pub(super) fn take(&mut self, number: u64) -> Option<usize> {
        let rank = self.ranks.remove(&number)?;
        self.order.remove(&(rank, number))
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// As a signed number; more than that is more than five thousand million years.
fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn all(mut waiting: Waiting) -> Vec<usize> {
        std::iter::from_fn(|| waiting.next()).collect()
    }

    #[test]
    fn the_urgent_go_first_and_equals_in_the_order_of_submission() {
        let mut waiting = Waiting::new(secs(60));
        for (number, priority) in [1, 9, 1, 255, 0].into_iter().enumerate() {
            waiting.add(number as u64, number, priority, secs(0));
        }
        assert_eq!(all(waiting), [3, 1, 0, 2, 4]);
    }

    #[test]
    fn one_that_was_given_back_has_the_place_that_it_had() {
        let mut waiting = Waiting::new(secs(60));
        for number in 0..3 {
            waiting.add(number, number as usize, 7, secs(0));
        }
        assert_eq!(waiting.next(), Some(0));
        waiting.add(0, 0, 7, secs(0));
        assert_eq!((waiting.take(1), waiting.take(1), waiting.len()), (Some(1), None, 2));
        assert_eq!(all(waiting), [0, 2]);
    }

    #[test]
    fn none_starves_however_many_urgent_ones_come() {
        for priority in [1, 7, u8::MAX] {
            let mut waiting = Waiting::new(secs(2));
            waiting.add(0, 0, 0, secs(0));
            // One urgent task comes each second, and one task is taken.
            let mut taken_at = None;
            for second in 1..2_000 {
                waiting.add(second, 1, priority, secs(second));
                if waiting.next() == Some(0) {
                    taken_at = Some(second);
                    break;
                }
            }
            assert_eq!(taken_at, Some(2 * u64::from(priority)), "a step is two seconds");
        }
    }

    #[test]
    fn a_step_of_nothing_is_first_come_first_served_and_the_longest_is_by_priority_alone() {
        let order = |step| {
            let mut waiting = Waiting::new(step);
            waiting.add(1, 1, 0, secs(0));
            waiting.add(2, 2, 255, secs(u64::MAX));
            all(waiting)
        };
        assert_eq!(order(Duration::ZERO), [1, 2]);
        assert_eq!(order(Duration::MAX), [2, 1]);
    }

    /// Against a list in which each task's standing is counted anew at each moment.
    #[test]
    fn any_tasks_are_taken_as_if_all_were_compared_at_each_moment() {
        let mut dice = 0x9e37_79b9_u64;
        let mut throw = move |below: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (dice >> 33) % below
        };
        for _ in 0..200 {
            let step = throw(4) + 1;
            let (mut waiting, mut plain, mut now) = (Waiting::new(secs(step)), Vec::new(), 0);
            for number in 0..60_u64 {
                now += throw(3);
                let priority = throw(6);
                waiting.add(number, number as usize, u8::try_from(priority).unwrap(), secs(now));
                plain.push((number, priority, now));
                if throw(2) == 0 {
                    let standing = |&(number, priority, since): &(u64, u64, u64)| {
                        (priority * step + (now - since), std::cmp::Reverse(number))
                    };
                    let best = plain.iter().copied().max_by_key(standing).unwrap();
                    plain.retain(|task| *task != best);
                    assert_eq!(waiting.next(), Some(best.0 as usize));
                }
            }
        }
    }
}
