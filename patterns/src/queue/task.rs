//! A task of a queue, from when it is taken in to its end.

use std::time::Duration;

use skep_runtime::{AgentError, AgentId, Time, Usage};

use super::tries::Tries;
use crate::cut::Cut;
use crate::failure::Failure;
use crate::work::Done;

/// A task that has not ended.
pub(super) struct Open<T> {
    pub(super) number: u64,
    pub(super) task: T,
    pub(super) priority: u8,
    /// When it came, counted from the beginning of the queue.
    pub(super) since: Duration,
    /// When it was first taken.
    pub(super) began: Option<Time>,
    pub(super) tries: Tries,
    pub(super) spent: Usage,
    pub(super) is_recalled: bool,
    /// The name and id of the worker that has it or had it last.
    pub(super) worker: Option<(String, AgentId)>,
    /// Why the worker that had it last gave it back.
    pub(super) given_back: Option<Failure>,
}

/// The end of a task.
pub(super) struct Over<T, O> {
    pub(super) at: usize,
    pub(super) number: u64,
    pub(super) task: T,
    pub(super) result: Result<O, Failure>,
    pub(super) errors: Vec<AgentError>,
}

/// What is left of a task whose part takes its end in.
pub(super) struct Left<T> {
    number: u64,
    task: T,
    errors: Vec<AgentError>,
}

impl<T> Open<T> {
    pub(super) fn new(number: u64, task: T, priority: u8, since: Duration) -> Self {
        Self {
            number,
            task,
            priority,
            since,
            began: None,
            tries: Tries::default(),
            spent: Usage::ZERO,
            is_recalled: false,
            worker: None,
            given_back: None,
        }
    }

    /// Why it has no output, as its row says it.
    pub(super) fn failure(&self, failure: Failure, is_again: bool) -> Failure {
        match failure {
            Failure::Failed(error) => Failure::Failed(self.tries.poison(error)),
            // It was its last worker that was stopped, and not the queue.
            Failure::Stopped(error) if !is_again => Failure::Failed(self.tries.poison(error)),
            other => other,
        }
    }

    /// It has ended, as a part and as a task.
    pub(super) fn end<O>(
        self,
        result: Result<O, Failure>,
        cut: Option<Cut>,
        now: Time,
    ) -> (Left<T>, Done<O>) {
        let Self { number, task, began, tries, spent, is_recalled, worker, .. } = self;
        let (agent, id) = worker.unzip();
        let done = Done {
            result,
            agent,
            id,
            attempts: tries.begun,
            // Its row has them.
            errors: Vec::new(),
            cost: Some(spent),
            took: began.map_or(Duration::ZERO, |began| now.since(began)),
            is_recalled,
            stuck: Vec::new(),
            cut,
            inner: None,
        };
        (Left { number, task, errors: tries.errors }, done)
    }
}

impl<T> Left<T> {
    pub(super) fn with<O>(self, at: usize, result: Result<O, Failure>) -> Over<T, O> {
        let Self { number, task, errors } = self;
        Over { at, number, task, result, errors }
    }
}
