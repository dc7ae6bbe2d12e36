//! A delegation that is on: which part comes after which.

use std::collections::BTreeMap;

use skep_runtime::{AgentError, Message};

use super::report::Handling;
use super::tasks::{Judged, Tasks};
use super::{Assessed, Delegate, NoProgress};
use crate::failure::Failure;
use crate::run::{Phase, Spot};

/// What a part of a delegation gives.
pub(super) enum Given<T, O> {
    Assessed(Assessed<T>),
    Output(O),
}

/// What a part does, and for which task.
enum Doing {
    Assess(usize),
    Solve(usize),
    Merge(usize),
}

/// A run: the tasks, and which part has given the output of which.
pub(super) struct Delegating<'d, 'a, 'p, 'r, T, O> {
    delegate: &'d Delegate<'a, T, O>,
    pub(super) phase: Phase<'p, 'r, Given<T, O>>,
    tasks: Tasks<'d, T, O>,
    given: BTreeMap<usize, usize>,
    doing: BTreeMap<usize, Doing>,
}

impl<'d, 'a, 'p, 'r, T: Message + Clone, O: Send + Sync + 'static> Delegating<'d, 'a, 'p, 'r, T, O> {
    /// All that is open is begun.
    pub(super) fn new(
        delegate: &'d Delegate<'a, T, O>,
        phase: Phase<'p, 'r, Given<T, O>>,
        tasks: Tasks<'d, T, O>,
    ) -> Self {
        let done = phase.run.parts().iter().enumerate().filter(|(_, part)| part.failure.is_none());
        let done: BTreeMap<_, _> = done.map(|(at, part)| (part.name.clone(), at)).collect();
        let part_of = |does: &str, path: &str| done.get(&format!("{does}-{path}")).copied();
        let (mut given, mut assessed) = (BTreeMap::new(), BTreeMap::new());
        for at in 0..tasks.len() {
            let path = &tasks.row(at).path;
            given.extend(part_of("merge", path).or_else(|| part_of("solve", path)).map(|part| (at, part)));
            assessed.extend(part_of("assess", path).map(|part| (at, part)));
        }
        let mut delegating = Self { delegate, phase, tasks, given, doing: BTreeMap::new() };
        for at in delegating.tasks.open() {
            let after = assessed.get(&at).copied();
            match &delegating.tasks.row(at).handling {
                Handling::Split(_) => delegating.merge_if_all(at),
                Handling::Direct | Handling::AtDepth | Handling::AtLimit => delegating.solve(at, after),
                Handling::NoProgress(_) if delegate.no_progress == NoProgress::SolveDirectly => {
                    delegating.solve(at, after);
                }
                Handling::NoProgress(_) | Handling::Open => {
                    let above = delegating.tasks.get(at).above;
                    delegating.begin(at, above.and_then(|above| assessed.get(&above).copied()));
                }
            }
        }
        delegating
    }

    /// What the whole came to.
    pub(super) fn into_value(mut self) -> Option<O> {
        self.tasks.take_value()
    }

    /// Begins with a task.
    fn begin(&mut self, at: usize, after: Option<usize>) {
        let delegate = self.delegate;
        if self.tasks.get(at).depth >= delegate.depth {
            self.tasks.handle(at, Handling::AtDepth);
            return self.solve(at, after);
        }
        self.tasks.handle(at, Handling::Open);
        let row = self.tasks.row(at);
        let work = (delegate.assess.work)(&row.task).made(|assessed| Ok(Given::Assessed(assessed)));
        let spot = Spot::named(format!("assess-{}", row.path)).after(after);
        let part = self.phase.add(spot.costing(delegate.assess.costing.as_ref()), work);
        self.doing.insert(part, Doing::Assess(at));
    }

    fn solve(&mut self, at: usize, after: Option<usize>) {
        let row = self.tasks.row(at);
        let solve = &self.delegate.solve;
        let work = (solve.work)(&row.task).made(|output| Ok(Given::Output(output)));
        let spot = Spot::named(format!("solve-{}", row.path)).after(after).costing(solve.costing.as_ref());
        let part = self.phase.add(spot, work);
        self.doing.insert(part, Doing::Solve(at));
    }

    /// Merges what the parts of a task came to, if all of them came to something.
    fn merge_if_all(&mut self, at: usize) {
        if self.tasks.get(at).missing > 0 {
            return;
        }
        let merge = &self.delegate.merge;
        let after: Vec<_> =
            self.tasks.get(at).parts.clone().filter_map(|part| self.given.get(&part).copied()).collect();
        let work = self.tasks.lend(at, |task, parts| (merge.work)(task, parts));
        let spot = Spot::named(format!("merge-{}", self.tasks.row(at).path)).after(after);
        let work = work.made(|output| Ok(Given::Output(output)));
        let part = self.phase.add(spot.costing(merge.costing.as_ref()), work);
        self.doing.insert(part, Doing::Merge(at));
    }

    /// Takes the end of a part in.
    pub(super) fn take(&mut self, part: usize, result: Result<Given<T, O>, Failure>) {
        match (self.doing.remove(&part), result) {
            (Some(Doing::Assess(at)), Ok(Given::Assessed(assessed))) => self.assessed(at, part, assessed),
            (Some(Doing::Solve(at) | Doing::Merge(at)), Ok(Given::Output(output))) => {
                self.given.insert(at, part);
                if let Some(above) = self.tasks.done(at, output) {
                    self.merge_if_all(above);
                }
            }
            _ => {}
        }
    }

    fn assessed(&mut self, at: usize, part: usize, assessed: Assessed<T>) {
        let delegate = self.delegate;
        let parts = match assessed {
            Assessed::Direct => {
                self.tasks.handle(at, Handling::Direct);
                return self.solve(at, Some(part));
            }
            Assessed::Split(parts) => parts,
        };
        match self.tasks.judge(at, &parts, delegate.size.as_deref()) {
            Judged::Progress => {
                for below in self.tasks.split(at, parts) {
                    self.begin(below, Some(part));
                }
            }
            Judged::TooMany => {
                self.tasks.handle(at, Handling::AtLimit);
                self.solve(at, Some(part));
            }
            Judged::NoProgress(why) => {
                self.tasks.handle(at, Handling::NoProgress(why.clone()));
                match delegate.no_progress {
                    NoProgress::SolveDirectly => self.solve(at, Some(part)),
                    NoProgress::Fail => {
                        let error = AgentError::message(format!("the split is no progress: {why}"));
                        self.phase.run.reject(part, Failure::Failed(error));
                    }
                }
            }
        }
    }
}
