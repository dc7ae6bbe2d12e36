//! Who works on what, apart from any worker: pure.
//!
//! # Invariants
//! 1. The table changes only by what a decision moves and by the ends that are seen. What has ended besides is kept unseen.
//! 2. A key is made of the round and the place in its decision, so equal decisions give equal keys.
//! 3. A task that stands as working has a try that waits, works, or has ended unseen. So there is an end to wait for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::table::{Assigned, Move, Standing, Table};
use crate::failure::Failure;

/// Of a task by its place, the n-th try.
pub(super) type Try = (usize, u32);

pub(super) struct Assignments<G, T, O> {
    pub(super) table: Table<G, T, O>,
    waiting: VecDeque<Waiting>,
    working: BTreeSet<Try>,
    unseen: BTreeMap<Try, Result<O, Failure>>,
}

/// A try that waits for room.
pub(super) struct Waiting {
    pub(super) of: Try,
    pub(super) key: String,
}

pub(super) const GIVEN_UP: &str = "it was given up";
pub(super) const REPLACED: &str = "it was given to another";

impl<G, T, O> Assignments<G, T, O> {
    /// From a table of an earlier run: what was stopped there or did not begin waits again.
    pub(super) fn new(table: Table<G, T, O>) -> Self {
        let (waiting, working, unseen) = (VecDeque::new(), BTreeSet::new(), BTreeMap::new());
        let mut all = Self { table, waiting, working, unseen };
        for at in 0..all.table.tasks.len() {
            let is_open = match &all.table.tasks[at].standing {
                Standing::Working => true,
                Standing::Failed(failure) => !matches!(failure, Failure::Failed(_)),
                Standing::Done(_) | Standing::GivenUp => false,
            };
            if is_open && all.table.tasks_left > 0 {
                all.assign(at, format!("again.{}", at + 1));
            }
        }
        all
    }

    /// Carries a decision out that was checked. Gives the tries at work that are to stop, and why.
    pub(super) fn carry_out(&mut self, moves: Vec<Move<T>>) -> Vec<(Try, &'static str)> {
        let mut stopped = Vec::new();
        for (place, change) in moves.into_iter().enumerate() {
            let key = format!("{}.{}", self.table.round, place + 1);
            let end = match change {
                Move::Spawn(task) => {
                    let (at, number) = (self.table.tasks.len(), self.table.tasks.len() + 1);
                    self.table.tasks.push(Assigned { number, task, tries: 0, standing: Standing::Working });
                    self.assign(at, key)
                }
                Move::Retry(number) => self.place(number).and_then(|at| self.assign(at, key)),
                Move::Reassign(number, task) => self.place(number).and_then(|at| {
                    self.table.tasks[at].task = task;
                    self.assign(at, key)
                }),
                Move::GiveUp(number) => self.place(number).and_then(|at| self.give_up(at)),
            };
            stopped.extend(end);
        }
        stopped
    }

    /// Where the task of a number stands.
    fn place(&self, number: usize) -> Option<usize> {
        number.checked_sub(1).filter(|at| *at < self.table.tasks.len())
    }

    /// Gives a task to another worker, once there is room.
    fn assign(&mut self, at: usize, key: String) -> Option<(Try, &'static str)> {
        self.table.tasks_left = self.table.tasks_left.saturating_sub(1);
        let task = &mut self.table.tasks[at];
        let before = (at, task.tries);
        self.unseen.remove(&before);
        task.tries = task.tries.saturating_add(1);
        task.standing = Standing::Working;
        self.waiting.push_back(Waiting { of: (at, task.tries), key });
        self.working.contains(&before).then_some((before, REPLACED))
    }

    /// A task that was done meanwhile stays done, though nobody has seen it yet: an attempt of the owner that takes up its answer must
    /// see the same, whichever comes first there.
    fn give_up(&mut self, at: usize) -> Option<(Try, &'static str)> {
        let of = (at, self.table.tasks[at].tries);
        if matches!(self.unseen.get(&of), Some(Ok(_))) {
            return None;
        }
        self.unseen.remove(&of);
        self.table.tasks[at].standing = Standing::GivenUp;
        self.working.contains(&of).then_some((of, GIVEN_UP))
    }

    /// Whether a try still counts: it was not given up, nor given to another.
    fn is_current(&self, of: Try) -> bool {
        let task = self.table.tasks.get(of.0);
        task.is_some_and(|task| task.tries == of.1 && matches!(task.standing, Standing::Working))
    }

    /// The next that begins.
    pub(super) fn begin(&mut self) -> Option<Waiting> {
        loop {
            let next = self.waiting.pop_front()?;
            if self.is_current(next.of) {
                self.working.insert(next.of);
                return Some(next);
            }
        }
    }

    /// How many work.
    pub(super) fn at_work(&self) -> usize {
        self.working.len()
    }

    /// Whether nobody works, nor will.
    pub(super) fn is_idle(&self) -> bool {
        self.working.is_empty() && !self.waiting.iter().any(|waiting| self.is_current(waiting.of))
    }

    /// Takes in what a try has come to.
    pub(super) fn end(&mut self, of: Try, result: Result<O, Failure>) {
        self.working.remove(&of);
        let is_done_all_the_same = || {
            let task = self.table.tasks.get(of.0).filter(|task| task.tries == of.1);
            result.is_ok() && task.is_some_and(|task| matches!(task.standing, Standing::GivenUp))
        };
        if self.is_current(of) || is_done_all_the_same() {
            self.unseen.insert(of, result);
        }
    }

    /// Whether a try has yet to end.
    pub(super) fn is_on_its_way(&self, of: Try) -> bool {
        self.working.contains(&of)
            || self.is_current(of) && self.waiting.iter().any(|waiting| waiting.of == of)
    }

    /// What has ended and was not seen.
    pub(super) fn unseen(&self) -> Vec<Try> {
        self.unseen.keys().copied().collect()
    }

    /// Puts an end on the table. False if there is none, or it was seen.
    pub(super) fn see(&mut self, of: Try) -> bool {
        let Some(result) = self.unseen.remove(&of) else { return false };
        let Some(task) = self.table.tasks.get_mut(of.0) else { return false };
        task.standing = match result {
            Ok(output) => Standing::Done(output),
            Err(failure) => {
                self.table.failures += usize::from(matches!(failure, Failure::Failed(_)));
                Standing::Failed(failure)
            }
        };
        true
    }

    /// What will not begin: it stands as such. Gives the numbers of the tasks.
    pub(super) fn leave(&mut self, failure: &Failure) -> Vec<usize> {
        let mut left = Vec::new();
        for Waiting { of, .. } in std::mem::take(&mut self.waiting) {
            if self.is_current(of) {
                let task = &mut self.table.tasks[of.0];
                task.tries = task.tries.saturating_sub(1);
                task.standing = Standing::Failed(failure.clone());
                left.push(task.number);
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::super::moves::Allowed;
    use super::super::table::Next;
    use super::*;

    fn table() -> Table<(), u64, u64> {
        let (tasks, answers) = (Vec::new(), Vec::new());
        Table { goal: (), round: 1, rounds_left: 9, tasks_left: 30, failures: 0, tasks, answers }
    }

    /// A small generator: the same numbers for the same seed.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
        }

        fn change(&mut self, tasks: usize) -> Move<u64> {
            let number = self.below(tasks + 1) + 1;
            match self.below(5) {
                0 => Move::Retry(number),
                1 => Move::Reassign(number, self.0 % 100),
                2 => Move::GiveUp(number),
                _ => Move::Spawn(self.0 % 100),
            }
        }
    }

    /// Whatever is decided and whatever ends: whoever waits has something to wait for.
    #[test]
    fn there_is_an_end_to_wait_for_while_a_task_stands_as_working() {
        for seed in 0..2_000 {
            let mut numbers = Numbers(seed);
            let mut all = Assignments::new(table());
            let mut begun = BTreeSet::new();
            for round in 1..40 {
                all.table.round = round;
                let moves: Vec<_> =
                    (0..numbers.below(4)).map(|_| numbers.change(all.table.tasks.len())).collect();
                let next = Next::<u64, ()>::Go(moves.clone());
                if Allowed::on(&all.table).check(&next).is_ok() {
                    for (of, _) in all.carry_out(moves) {
                        assert!(all.working.contains(&of), "only what works is stopped");
                    }
                    assert!(all.table.working().next().is_some(), "seed {seed}: it was checked");
                }
                for _ in 0..numbers.below(3) {
                    if let Some(Waiting { of, .. }) = all.begin() {
                        assert!(begun.insert(of), "no try begins twice");
                    }
                }
                for of in all.working.clone() {
                    if numbers.below(3) == 0 {
                        let failed = Failure::Failed(skep_runtime::AgentError::message("no"));
                        all.end(of, if numbers.below(4) == 0 { Err(failed) } else { Ok(1) });
                    }
                }
                for task in all.table.working() {
                    let of = (task.number - 1, task.tries);
                    assert!(all.is_on_its_way(of) || all.unseen.contains_key(&of), "seed {seed}: {of:?}");
                }
                for of in all.unseen() {
                    if numbers.below(2) == 0 {
                        assert!(all.see(of) && !all.see(of), "an end is seen once");
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_done_before_it_was_given_up_is_seen_and_what_failed_is_not() {
        let mut all = Assignments::new(table());
        all.carry_out(vec![Move::Spawn(1), Move::Spawn(2), Move::Spawn(3)]);
        while all.begin().is_some() {}
        all.end((0, 1), Ok(7));
        all.end((1, 1), Err(Failure::Failed(skep_runtime::AgentError::message("no"))));
        assert_eq!(
            all.carry_out(vec![Move::GiveUp(1), Move::GiveUp(2), Move::GiveUp(3)]),
            [((2, 1), GIVEN_UP)]
        );
        all.end((2, 1), Ok(9));
        assert_eq!(all.unseen(), [(0, 1), (2, 1)], "one that answered though it was told to end");
        assert!(all.see((0, 1)) && all.see((2, 1)) && all.is_idle());
        assert_eq!(all.table.done().map(|(_, output)| *output).collect::<Vec<_>>(), [7, 9]);
        assert_eq!((all.table.tasks[1].standing.clone(), all.table.failures), (Standing::GivenUp, 0));
    }

    #[test]
    fn what_was_stopped_or_did_not_begin_waits_in_the_next_run() {
        let mut all = Assignments::new(table());
        all.carry_out(vec![Move::Spawn(1), Move::Spawn(2), Move::Spawn(3)]);
        assert!(all.begin().is_some());
        all.end((0, 1), Ok(7));
        assert!(all.see((0, 1)));
        let failure = Failure::NotBegun(skep_runtime::AgentError::message("late"));
        assert_eq!(all.leave(&failure), [2, 3]);
        let mut again = Assignments::new(all.table);
        let keys: Vec<_> =
            std::iter::from_fn(|| again.begin()).map(|waiting| (waiting.of, waiting.key)).collect();
        assert_eq!(keys, [((1, 1), "again.2".to_owned()), ((2, 1), "again.3".to_owned())]);
    }
}
