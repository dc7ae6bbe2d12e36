//! What a pattern gathers: a row for each item, whatever its result.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::text::OneLine;
use skep_runtime::{Advice, AgentError, AgentId, FailureClass, Usage};

use crate::defaults;

/// The results of all items, in the items' order. Failures have rows too, and so do items that were stopped or not started.
///
/// `Display` is one line: `3 of 5 completed, failed: style (no such file), tests (not started: another had failed)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "failures are rows in it"]
pub struct Gathered<I, T> {
    rows: Vec<GatheredRow<I, T>>,
    took: Duration,
    stuck: Vec<AgentId>,
}

/// The result of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatheredRow<I, T> {
    /// The item.
    pub item: I,
    /// The name that its agent's spec gives.
    pub agent: String,
    /// The id of the last agent that was spawned for it, if any.
    pub id: Option<AgentId>,
    /// The agent's output, or why there is none.
    pub result: Result<T, Failure>,
    /// Attempts at the task, in all tries of the row.
    pub attempts: u32,
    /// What the row's agents and everything below them cost. Exact unless one of them is among [`Gathered::stuck`].
    pub cost: Usage,
    /// The time from its agent's spawn to its answer or end, over all tries of the row.
    pub took: Duration,
}

/// Why an item has no output. Each error says why, its class, and whether to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Its agent did not start, failed, crashed in every attempt, or was late.
    Failed(AgentError),
    /// Its agent was stopped before it answered, with the rest of the pattern or by somebody else.
    Stopped(AgentError),
    /// The pattern ended before its turn came.
    NotBegun(AgentError),
}

impl Failure {
    /// Why.
    #[must_use]
    pub const fn error(&self) -> &AgentError {
        let (Self::Failed(error) | Self::Stopped(error) | Self::NotBegun(error)) = self;
        error
    }

    /// The kind of failure.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        self.error().class()
    }

    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        self.error().advice()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "{error}"),
            Self::Stopped(error) => write!(f, "stopped: {error}"),
            Self::NotBegun(error) => write!(f, "not started: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl<I, T> Gathered<I, T> {
    pub(crate) const fn new(rows: Vec<GatheredRow<I, T>>, took: Duration, stuck: Vec<AgentId>) -> Self {
        Self { rows, took, stuck }
    }

    /// A row for each item, in the items' order.
    #[must_use]
    pub fn rows(&self) -> &[GatheredRow<I, T>] {
        &self.rows
    }

    /// The rows to keep.
    #[must_use]
    pub fn into_rows(self) -> Vec<GatheredRow<I, T>> {
        self.rows
    }

    /// The items that have an output, with it.
    pub fn ok(&self) -> impl Iterator<Item = (&I, &T)> {
        self.rows.iter().filter_map(|row| Some((&row.item, row.result.as_ref().ok()?)))
    }

    /// The rows without an output.
    pub fn failed(&self) -> impl Iterator<Item = &GatheredRow<I, T>> {
        self.rows.iter().filter(|row| row.result.is_err())
    }

    /// How many items have an output.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.ok().count()
    }

    /// How many items there are.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.rows.len()
    }

    /// Whether all items have an output.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.completed() == self.total()
    }

    /// What all rows cost.
    #[must_use]
    pub fn cost(&self) -> Usage {
        self.rows.iter().fold(Usage::ZERO, |sum, row| sum + row.cost)
    }

    /// The time from the beginning of the gathering until nothing of it was left, over all tries.
    #[must_use]
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// Agents that could not be stopped: they block a thread. They can do nothing more through skep.
    #[must_use]
    pub fn stuck(&self) -> &[AgentId] {
        &self.stuck
    }

    /// Takes another gathering of the failed rows in, row by row.
    pub(crate) fn merge(&mut self, again: Self) {
        let failed = self.rows.iter_mut().filter(|row| row.result.is_err());
        for (row, new) in failed.zip(again.rows) {
            row.id = new.id.or(row.id.take());
            row.agent = new.agent;
            row.result = new.result;
            row.attempts = row.attempts.saturating_add(new.attempts);
            row.cost += new.cost;
            row.took = row.took.saturating_add(new.took);
        }
        self.took = self.took.saturating_add(again.took);
        self.stuck.extend(again.stuck);
    }
}

impl<I, T> fmt::Display for Gathered<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} completed", self.completed(), self.total())?;
        let mut before = ", failed: ";
        for row in self.failed().take(defaults::NAMED_FAILURES) {
            let Err(failure) = &row.result else { continue };
            write!(f, "{before}{} ({failure})", OneLine(&row.agent))?;
            before = ", ";
        }
        let unnamed = self.failed().count().saturating_sub(defaults::NAMED_FAILURES);
        if unnamed > 0 {
            write!(f, " and {unnamed} more")?;
        }
        if !self.stuck.is_empty() {
            let ids: Vec<_> = self.stuck.iter().map(ToString::to_string).collect();
            write!(f, ", still running: {}", ids.join(", "))?;
        }
        Ok(())
    }
}
