//! The tasks of a delegation, and which splits are progress: pure.
//!
//! # Invariants
//! 1. There are never more tasks than were allowed. What is left is shared among the parts of a split, so that it goes by no clock
//!    which of them may be split again.
//! 2. A path of tasks from the whole down gets smaller at each step, or has no task twice. So it ends, whatever the limits.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use skep_runtime::Message;

use super::report::{DelegatedTask, Handling};

/// How large a task is.
pub(super) type Size<'a, T> = dyn Fn(&T) -> u64 + Send + Sync + 'a;

/// The tasks, as the report has them, and what is known of each by its place.
pub(super) struct Tasks<'r, T, O> {
    rows: &'r mut Vec<DelegatedTask<T, O>>,
    entries: Vec<Entry>,
}

pub(super) struct Entry {
    /// How many splits it lies within.
    pub(super) depth: u32,
    /// What it is a part of.
    pub(super) above: Option<usize>,
    pub(super) parts: Range<usize>,
    /// Parts without an output.
    pub(super) missing: usize,
    /// How many tasks there may be below it.
    room: usize,
    /// As it is compared, if it can be.
    data: Option<Value>,
}

/// What a split is.
#[derive(Debug, PartialEq)]
pub(super) enum Judged {
    Progress,
    /// It has more parts than there is room for.
    TooMany,
    NoProgress(String),
}

impl<'r, T: Message + Clone, O> Tasks<'r, T, O> {
    /// The tasks of a report, of which there may be so many (at least 1). One without tasks gets the whole. None if they are not
    /// those of this whole.
    pub(super) fn of(rows: &'r mut Vec<DelegatedTask<T, O>>, whole: &T, most: usize) -> Option<Self> {
        if rows.is_empty() {
            rows.push(DelegatedTask::open("1".to_owned(), whole.clone()));
        }
        let first = rows.first().filter(|row| row.path == "1")?;
        let mut entries = vec![Entry::new(&first.task, 0, None, most.saturating_sub(1))];
        if entries[0].data != data(whole) {
            return None;
        }
        let places: BTreeMap<_, _> = rows.iter().map(|row| row.path.as_str()).zip(0..).collect();
        // Each split has added all of its parts at once, in the order in which the tasks were assessed.
        while let Some(row) = rows.get(entries.len()) {
            let (above, _) = row.path.rsplit_once('.')?;
            let at = *places.get(above)?;
            let Handling::Split(parts) = rows[at].handling else { return None };
            let places = entries.len()..entries.len().checked_add(parts)?;
            let below = rows.get(places.clone())?;
            let are_its = below.iter().zip(1..).all(|(row, part)| row.path == format!("{above}.{part}"));
            if below.is_empty() || !are_its || !entries.get(at)?.parts.is_empty() {
                return None;
            }
            let below = entries[at].split(at, places, below.iter().map(|row| &row.task));
            entries.extend(below);
        }
        let is_whole = |(row, entry): (&DelegatedTask<T, O>, &Entry)| match row.handling {
            Handling::Split(parts) => parts == entry.parts.len(),
            _ => true,
        };
        if !rows.iter().zip(&entries).all(is_whole) {
            return None;
        }
        let mut tasks = Self { rows, entries };
        for at in 0..tasks.len() {
            let has = |at: usize| tasks.rows[at].output.is_some();
            tasks.entries[at].missing = tasks.entries[at].parts.clone().filter(|part| !has(*part)).count();
        }
        Some(tasks)
    }

    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, at: usize) -> &Entry {
        &self.entries[at]
    }

    pub(super) fn row(&self, at: usize) -> &DelegatedTask<T, O> {
        &self.rows[at]
    }

    pub(super) fn handle(&mut self, at: usize, handling: Handling) {
        self.rows[at].handling = handling;
    }

    /// Those without an output, unless it was merged already.
    pub(super) fn open(&self) -> Vec<usize> {
        let mut is_done = Vec::with_capacity(self.len());
        for (row, entry) in self.rows.iter().zip(&self.entries) {
            is_done.push(row.output.is_some() || entry.above.is_some_and(|above| is_done[above]));
        }
        (0..self.len()).filter(|at| !is_done[*at]).collect()
    }

    /// Lends what the parts of a task came to, in their order, with the task. They come back also if whoever gets them panics.
    pub(super) fn lend<W>(&mut self, at: usize, to: impl FnOnce(&T, &[O]) -> W) -> W {
        let parts = self.entries[at].parts.clone();
        let (above, below) = self.rows.split_at_mut(parts.start.max(at + 1));
        let rows = &mut below[..parts.len()];
        let outputs = rows.iter_mut().filter_map(|row| row.output.take()).collect();
        let back = Back { outputs, rows };
        to(&above[at].task, &back.outputs)
    }

    /// A task has come to something, and what it was made of is not needed any more. Gives what it is a part of.
    pub(super) fn done(&mut self, at: usize, output: O) -> Option<usize> {
        for part in self.entries[at].parts.clone() {
            self.rows[part].output = None;
        }
        self.rows[at].output = Some(output);
        let above = self.entries[at].above?;
        self.entries[above].missing -= 1;
        Some(above)
    }

    pub(super) fn take_value(&mut self) -> Option<O> {
        self.rows.first_mut()?.output.take()
    }

    /// Whether a task may be split like that.
    pub(super) fn judge(&self, at: usize, parts: &[T], size: Option<&Size<'_, T>>) -> Judged {
        let whole = &self.entries[at];
        if parts.is_empty() {
            return Judged::NoProgress("the split has no parts".to_owned());
        }
        let no_smaller = match size {
            Some(size) => larger(size(&self.rows[at].task), parts, size),
            None => self.again(at, parts),
        };
        match no_smaller {
            Some(why) => Judged::NoProgress(why),
            None if parts.len() > whole.room => Judged::TooMany,
            None => Judged::Progress,
        }
    }

    /// Why one of the parts is a task that it lies in.
    fn again(&self, at: usize, parts: &[T]) -> Option<String> {
        parts.iter().zip(1..).find_map(|(part, number)| {
            let Some(part) = data(part) else {
                return Some(format!("part {number} cannot be compared, as it is no JSON"));
            };
            let mut above = Some(at);
            while let Some(here) = above {
                let entry = &self.entries[here];
                if entry.data.as_ref() == Some(&part) {
                    return Some(format!("part {number} is the task {} again", self.rows[here].path));
                }
                above = entry.above;
            }
            None
        })
    }

    /// Splits a task. Gives the places of the parts.
    pub(super) fn split(&mut self, at: usize, parts: Vec<T>) -> Range<usize> {
        let places = self.len()..self.len() + parts.len();
        let below = self.entries[at].split(at, places.clone(), parts.iter());
        self.entries.extend(below);
        let whole = &mut self.rows[at];
        whole.handling = Handling::Split(parts.len());
        let path = whole.path.clone();
        let rows = parts.into_iter().zip(1..);
        self.rows.extend(rows.map(|(task, part)| DelegatedTask::open(format!("{path}.{part}"), task)));
        places
    }
}

/// What the parts of a task came to, while it is lent.
struct Back<'r, T, O> {
    outputs: Vec<O>,
    rows: &'r mut [DelegatedTask<T, O>],
}

impl<T, O> Drop for Back<'_, T, O> {
    fn drop(&mut self) {
        for (row, output) in self.rows.iter_mut().zip(self.outputs.drain(..)) {
            row.output = Some(output);
        }
    }
}

impl Entry {
    fn new<T: Message>(task: &T, depth: u32, above: Option<usize>, room: usize) -> Self {
        Self { depth, above, parts: 0..0, missing: 0, room, data: data(task) }
    }

    /// It falls into parts, which have these places, and share its room.
    fn split<'t, T: Message>(
        &mut self,
        at: usize,
        places: Range<usize>,
        tasks: impl Iterator<Item = &'t T>,
    ) -> Vec<Self> {
        let parts = places.len();
        (self.parts, self.missing) = (places, parts);
        let left = self.room.saturating_sub(parts);
        let (each, more) = (left / parts.max(1), left % parts.max(1));
        let below = |(part, task)| {
            Self::new(task, self.depth.saturating_add(1), Some(at), each + usize::from(part < more))
        };
        tasks.enumerate().map(below).collect()
    }
}

fn data<T: Message>(task: &T) -> Option<Value> {
    serde_json::to_value(task).ok()
}

/// Why one of the parts is not smaller than the whole.
fn larger<T>(whole: u64, parts: &[T], size: &Size<'_, T>) -> Option<String> {
    parts.iter().zip(1..).find_map(|(part, number)| {
        let size = size(part);
        (size >= whole).then(|| format!("part {number} is not smaller: {size} of {whole}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_progress(judged: Judged) -> String {
        match judged {
            Judged::NoProgress(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// Over no rows, and with outputs that nobody looks at.
    fn tasks<'r, T: Message + Clone>(
        rows: &'r mut Vec<DelegatedTask<T, ()>>,
        whole: &T,
        most: usize,
    ) -> Tasks<'r, T, ()> {
        Tasks::of(rows, whole, most).unwrap()
    }

    #[test]
    fn a_part_that_is_no_smaller_is_no_progress() {
        let rows = &mut Vec::new();
        let tasks = tasks(rows, &7_u64, 100);
        let size = |task: &u64| *task;
        assert_eq!(tasks.judge(0, &[6, 1, 0], Some(&size)), Judged::Progress, "the sum does not matter");
        assert_eq!(no_progress(tasks.judge(0, &[6, 7], Some(&size))), "part 2 is not smaller: 7 of 7");
        assert_eq!(no_progress(tasks.judge(0, &[], Some(&size))), "the split has no parts");
        let rows = &mut Vec::new();
        let none = self::tasks(rows, &0_u64, 9);
        assert!(matches!(none.judge(0, &[0_u64], Some(&size)), Judged::NoProgress(_)));
    }

    #[test]
    fn a_task_within_itself_is_no_progress_where_no_size_is_said() {
        let rows = &mut Vec::new();
        let mut tasks = tasks(rows, &"a".to_owned(), 100);
        let text = |text: &str| text.to_owned();
        let below = tasks.split(0, vec![text("b"), text("c")]);
        assert_eq!(
            no_progress(tasks.judge(below.start, &[text("x"), text("b")], None)),
            "part 2 is the task 1.1 again"
        );
        assert_eq!(no_progress(tasks.judge(below.start, &[text("a")], None)), "part 1 is the task 1 again");
        assert_eq!(tasks.judge(below.start, &[text("c")], None), Judged::Progress, "that is beside it");
    }

    #[test]
    fn room_is_shared_and_never_more_than_there_is() {
        let rows = &mut Vec::new();
        let mut eight = tasks(rows, &0_u64, 8);
        let first = eight.split(0, vec![1, 2, 3]);
        let room: Vec<_> = first.map(|at| eight.get(at).room).collect();
        assert_eq!(room, [2, 1, 1]);
        assert_eq!(eight.judge(1, &[4, 5, 6], None), Judged::TooMany);
        let second = eight.split(1, vec![4, 5]);
        assert_eq!(second.map(|at| eight.row(at).path.clone()).collect::<Vec<_>>(), ["1.1.1", "1.1.2"]);
        assert_eq!(eight.judge(4, &[9], None), Judged::TooMany);
        let rows = &mut Vec::new();
        assert_eq!(tasks(rows, &0_u64, 0).judge(0, &[9], None), Judged::TooMany);
    }

    #[test]
    fn what_is_lent_comes_back_from_a_panic() {
        let rows = &mut Vec::new();
        let mut tasks = tasks(rows, &9_u64, 100);
        for part in tasks.split(0, vec![1, 2]) {
            tasks.done(part, ());
        }
        let panics = || tasks.lend(0, |_, outputs| panic!("{outputs:?}"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        assert_eq!(tasks.lend(0, |task, outputs| (*task, outputs.len())), (9, 2));
    }

    /// Numbers below a bound, the same ones for a seed.
    fn chance(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % bound.max(1)
        }
    }

    #[test]
    fn tasks_that_were_split_in_any_order_are_read_back_as_they_were() {
        for seed in 0..2_000 {
            let mut chance = chance(seed);
            let rows = &mut Vec::new();
            let mut before = tasks(rows, &1_000_u64, 60);
            for next in 0..chance(12) as u64 {
                let at = chance(before.len());
                let parts: Vec<_> = (0..1 + chance(4) as u64).map(|part| next * 10 + part).collect();
                if before.get(at).parts.is_empty() && parts.len() <= before.get(at).room {
                    before.split(at, parts);
                }
            }
            for at in 0..before.len() {
                if before.get(at).parts.is_empty() && chance(2) == 0 {
                    before.done(at, ());
                }
            }
            let shape = |tasks: &Tasks<'_, u64, ()>| {
                let entry = |Entry { depth, above, parts, missing, room, .. }: &Entry| {
                    (*depth, *above, parts.clone(), *missing, *room)
                };
                (tasks.entries.iter().map(entry).collect::<Vec<_>>(), tasks.open())
            };
            let as_it_was = shape(&before);
            let mut rows = rows.clone();
            assert_eq!(shape(&Tasks::of(&mut rows, &1_000, 60).unwrap()), as_it_was);
            assert!(Tasks::of(&mut rows.clone(), &7, 60).is_none(), "of another whole");
            if rows.len() > 1 {
                rows.swap_remove(chance(rows.len() - 1));
                assert!(Tasks::of(&mut rows, &1_000, 60).is_none(), "with a hole");
            }
        }
    }
}
