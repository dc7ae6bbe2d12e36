//! What a queue gives.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::{AgentError, AgentId, Scope, Usage};

use super::crew::Ended;
use super::task::Over;

use crate::failure::Failure;
use crate::parts::{Part, Parts};
use crate::pattern::Report;

/// What a queue gives when it is drained: a row for each task, in the order of submission, and its workers.
///
/// What the workers cost is what the parts cost: what one has cost besides its tasks (its start, its stop, what was booked
/// after it was lost) is in the part of the task that it had last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "failures are rows in it"]
pub struct Drained<T, O> {
    /// A row for each task, in the order of submission.
    pub rows: Vec<DrainedRow<T, O>>,
    /// The workers, in the order in which they ended, those too that did not come up.
    pub workers: Vec<QueueWorker>,
    /// The tasks as parts, in the order of submission.
    pub parts: Parts,
}

/// What became of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrainedRow<T, O> {
    /// The how many-th task of the queue it was, from 1.
    pub number: u64,
    /// The task.
    pub task: T,
    /// The worker's output, or why there is none.
    pub result: Result<O, Failure>,
    /// What its attempts failed with, in order; also those before one that succeeded.
    pub errors: Vec<AgentError>,
    /// The worker that had it last.
    pub worker: Option<String>,
    /// Attempts at it, of all workers.
    pub attempts: u32,
    /// What it cost, in all attempts.
    pub cost: Usage,
    /// From when it was first taken to its end.
    pub took: Duration,
}

/// One worker of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueWorker {
    /// Its name.
    pub name: String,
    /// None if it did not even begin.
    pub id: Option<AgentId>,
    /// How many tasks it gave an answer to, outputs and errors.
    pub tasks: usize,
    /// All that it has cost.
    pub cost: Usage,
    /// Why another took its place, or why it did not come up.
    pub lost: Option<AgentError>,
}

impl<T, O> DrainedRow<T, O> {
    pub(super) fn new(
        number: u64,
        task: T,
        result: Result<O, Failure>,
        errors: Vec<AgentError>,
        part: &Part,
    ) -> Self {
        let (worker, attempts) = (part.agent.clone(), part.attempts);
        Self { number, task, result, errors, worker, attempts, cost: part.cost, took: part.took }
    }

    /// Whether it is a dead letter: it was tried as often as it may be, or cannot be done. It is not one if the queue ended
    /// before that.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        matches!(self.result, Err(Failure::Failed(_)))
    }
}

/// Bills the parts for what their workers have cost besides the tasks, and gives the workers. `scope` is where they lived.
pub(super) fn settle(ended: Vec<Ended>, scope: Option<&Scope>, parts: &mut Parts) -> Vec<QueueWorker> {
    let bill = scope.map(Scope::breakdown).unwrap_or_default();
    let (mut workers, mut others) = (Vec::new(), Usage::ZERO);
    for Ended { mut worker, mut besides, last, came_up } in ended {
        if !came_up {
            // Nobody has its address, but the scope has its bill.
            let row = bill.children().find(|row| Some(&row.id) == worker.id.as_ref());
            worker.cost = row.map_or(Usage::ZERO, |row| row.subtree.spent);
            besides = worker.cost;
        }
        match last.and_then(|last| parts.parts.get_mut(last)) {
            Some(part) => part.cost += besides,
            None => others += besides,
        }
        workers.push(worker);
    }
    if let Some(part) = parts.parts.last_mut() {
        part.cost += others;
    }
    workers
}

impl<T, O> Drained<T, O> {
    /// Takes in how tasks have ended, each at its place, with the part that it was.
    pub(super) fn take_in(
        &mut self,
        places: &[usize],
        overs: Vec<Option<Over<T, O>>>,
        workers: Vec<QueueWorker>,
        run: Parts,
    ) {
        let before = self.parts.took;
        for ((place, over), mut part) in places.iter().zip(overs).zip(run.parts) {
            let Some(Over { number, task, result, errors, .. }) = over else { continue };
            part.began = part.began.saturating_add(before);
            let mut row = DrainedRow::new(number, task, result, errors, &part);
            match (self.rows.get_mut(*place), self.parts.parts.get_mut(*place)) {
                (Some(old), Some(old_part)) => {
                    row.errors.splice(0..0, std::mem::take(&mut old.errors));
                    (*old, *old_part) = (row, part);
                }
                _ => {
                    self.rows.push(row);
                    self.parts.parts.push(part);
                }
            }
        }
        self.workers.extend(workers);
        self.parts.name = run.name;
        self.parts.took = before.saturating_add(run.took);
        self.parts.stuck.extend(run.stuck);
        self.parts.stalls = self.parts.stalls.saturating_add(run.stalls);
        self.parts.is_cut_by_owner = run.is_cut_by_owner;
    }

    /// The tasks that have an output, with it.
    pub fn ok(&self) -> impl Iterator<Item = (&T, &O)> {
        self.rows.iter().filter_map(|row| Some((&row.task, row.result.as_ref().ok()?)))
    }

    /// The tasks that were tried as often as they may be, or cannot be done. Their errors are in
    /// [`errors`](DrainedRow::errors).
    pub fn dead_letters(&self) -> impl Iterator<Item = &DrainedRow<T, O>> {
        self.rows.iter().filter(|row| row.is_dead())
    }
}

/// One line, as that of [`Parts`].
impl<T, O> fmt::Display for Drained<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

impl<T: Send, O: Send> Report for Drained<T, O> {
    type Value = Vec<(T, O)>;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    /// All outputs with their tasks, if all tasks have one.
    fn into_result(self) -> Result<Vec<(T, O)>, AgentError> {
        if !self.parts.is_complete() {
            return Err(self.parts.error());
        }
        Ok(self.rows.into_iter().filter_map(|row| Some((row.task, row.result.ok()?))).collect())
    }
}
