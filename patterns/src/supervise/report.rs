//! What a supervision gives.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;
use skep_runtime::text::OneLine;

use super::table::{Answered, Assigned};
use crate::parts::Parts;
use crate::pattern::Report;

/// What a supervision gives: the value if the decider was done, or its question, or neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "there may be no value"]
pub struct Supervised<T, O, R> {
    /// What the decider made of it.
    pub value: Option<R>,
    /// What a person has to say before it goes on: the decider's question, or that too much has failed.
    pub asks: Option<String>,
    /// All tasks, by number.
    pub tasks: Vec<Assigned<T, O>>,
    /// How many decisions there were.
    pub rounds: u32,
    /// What a person has answered.
    pub answers: Vec<Answered>,
    /// The decisions, and a part for each time that a worker was given a task, in the order in which they began.
    pub parts: Parts,
}

impl<T, O, R> Supervised<T, O, R> {
    pub(super) fn new() -> Self {
        let (value, asks, rounds) = (None, None, 0);
        Self { value, asks, tasks: Vec::new(), rounds, answers: Vec::new(), parts: Parts::default() }
    }

    /// The tasks that are done, with their results.
    pub fn done(&self) -> impl Iterator<Item = (&T, &O)> {
        self.tasks.iter().filter_map(|task| Some((&task.task, task.done()?)))
    }
}

impl<T, O, R> fmt::Display for Supervised<T, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, tasks, rounds) = (self.done().count(), self.tasks.len(), self.rounds);
        match (&self.value, &self.asks) {
            (Some(_), _) => write!(
                f,
                "reached in {rounds} rounds with {done} of {tasks} tasks done, {} in all",
                self.parts.cost()
            ),
            (None, Some(question)) => {
                write!(
                    f,
                    "{done} of {tasks} tasks done in {rounds} rounds, and it asks: {}",
                    OneLine(question)
                )
            }
            (None, None) => self.parts.fmt(f),
        }
    }
}

impl<T: Send, O: Send, R: Send> Report for Supervised<T, O, R> {
    type Value = R;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<R, AgentError> {
        let Self { value: None, asks: Some(question), parts, .. } = &self else {
            return self.value.ok_or_else(|| self.parts.error());
        };
        let error = parts.error();
        let text = format!("{error}; it asks: {}", OneLine(question));
        Err(AgentError::new(error.class(), text).advise(error.advice()))
    }
}
