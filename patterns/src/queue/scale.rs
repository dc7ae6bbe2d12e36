//! How many workers there are to be: pure.

use std::time::Duration;

use crate::defaults;

/// Between how many and how many, and what makes it more or fewer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) least: usize,
    pub(super) most: usize,
    /// How long it may take until what waits is taken, if that was said.
    pub(super) drain_within: Option<Duration>,
    /// A worker that has nothing to do for so long is stopped.
    pub(super) idle: Duration,
}

/// How it stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// Tasks that no worker has.
    pub(super) waiting: usize,
    /// Tasks that a worker has.
    pub(super) working: usize,
    /// Workers that are there or come up.
    pub(super) workers: usize,
    /// Workers that are being stopped, whose place is not free yet.
    pub(super) stopping: usize,
    /// Whether some come up now: the next step waits for them.
    pub(super) is_growing: bool,
    /// What a task takes, if that is known.
    pub(super) each: Option<Duration>,
}

impl Scale {
    /// How many more are to be started: the least that there are tasks for at once, and beyond that step by step.
    pub(super) fn more(&self, now: Standing) -> usize {
        let room = self.most.saturating_sub(now.workers + now.stopping);
        let least = self.least.min(now.waiting + now.working).saturating_sub(now.workers);
        let step = if now.is_growing || least > 0 { 0 } else { self.step(now) };
        least.max(step).min(room)
    }

    /// One step of growth: by length, or by the time that it would take at this pace.
    fn step(&self, now: Standing) -> usize {
        let by_length = now.waiting.saturating_sub(now.workers.saturating_mul(defaults::QUEUE_PER_WORKER));
        let by_time = match (self.drain_within, now.each) {
            (Some(within), Some(each)) => {
                let tasks = u128::try_from(now.waiting).unwrap_or(u128::MAX);
                let needed = each.as_nanos().saturating_mul(tasks).div_ceil(within.as_nanos().max(1));
                // No more than one for each task that waits.
                let needed = usize::try_from(needed).unwrap_or(usize::MAX);
                needed.saturating_sub(now.workers).min(now.waiting)
            }
            _ => 0,
        };
        by_length.max(by_time).min(defaults::QUEUE_STEP)
    }

    /// Whether one that has been idle for so long is to be stopped.
    pub(super) fn is_spare(&self, workers: usize, idle: Duration) -> bool {
        workers > self.least && idle >= self.idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(least: usize, most: usize) -> Scale {
        Scale { least, most, drain_within: None, idle: Duration::from_secs(10) }
    }

    fn waiting(waiting: usize, workers: usize) -> Standing {
        Standing { waiting, workers, working: workers, ..Standing::default() }
    }

    #[test]
    fn the_least_come_up_at_once_if_there_are_tasks_for_them() {
        assert_eq!(scale(4, 9).more(waiting(100, 0)), 4);
        assert_eq!(scale(4, 9).more(waiting(2, 0)), 2);
        assert_eq!(scale(4, 9).more(waiting(0, 0)), 0);
        assert_eq!(scale(4, 9).more(Standing { is_growing: true, ..waiting(9, 3) }), 1);
        assert_eq!(scale(1, 9).more(waiting(100, 0)), 1, "and the steps begin from there");
        assert_eq!(scale(0, 9).more(waiting(1, 0)), 1, "with no least, the first task calls one up");
    }

    #[test]
    fn it_grows_when_more_than_two_tasks_wait_for_each_worker_by_at_most_three() {
        let more = |tasks, workers| scale(1, 16).more(waiting(tasks, workers));
        assert_eq!([more(4, 2), more(5, 2), more(7, 2), more(100, 2)], [0, 1, 3, 3]);
        assert_eq!([more(1_000, 15), more(1_000, 16), more(1_000, 99)], [1, 0, 0], "never beyond the most");
        assert_eq!(scale(1, 16).more(Standing { is_growing: true, ..waiting(100, 2) }), 0, "step by step");
        assert_eq!(
            scale(1, 4).more(Standing { stopping: 2, ..waiting(100, 2) }),
            0,
            "their places are taken"
        );
    }

    #[test]
    fn it_grows_when_what_waits_would_take_too_long() {
        let scale = Scale { drain_within: Some(Duration::from_secs(10)), ..scale(1, 16) };
        let taking = |secs, tasks, workers| {
            scale.more(Standing { each: Some(Duration::from_secs(secs)), ..waiting(tasks, workers) })
        };
        assert_eq!([taking(5, 4, 2), taking(6, 4, 2), taking(60, 4, 2)], [0, 1, 3]);
        assert_eq!(taking(60, 1, 2), 1, "no more than there are tasks");
        assert_eq!(scale.more(waiting(4, 2)), 0, "nobody knows what a task takes");
    }

    #[test]
    fn an_idle_one_is_spare_above_the_least() {
        let secs = Duration::from_secs;
        assert!(scale(2, 9).is_spare(3, secs(10)));
        assert!(!scale(2, 9).is_spare(2, secs(99)) && !scale(2, 9).is_spare(3, secs(9)));
    }
}
