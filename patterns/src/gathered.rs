//! What a fan-out gathers: a row for each item, whatever its result.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::{AgentError, AgentId, Usage};

use crate::failure::Failure;
use crate::parts::{Part, Parts, say};
use crate::pattern::Report;

/// The results of all items, in the items' order. Failures have rows too, and so do items that were stopped or not started.
///
/// `Display` is one line: `3 of 5 completed, failed: style (no such file), tests (not started: another had failed)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "failures are rows in it"]
pub struct Gathered<I, T> {
    name: String,
    rows: Vec<GatheredRow<I, T>>,
    took: Duration,
    stuck: Vec<AgentId>,
    stalls: u32,
    is_cut_by_owner: bool,
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
    /// What attempts have failed with, the last 64 of each try of the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<AgentError>,
    /// What the row's agents and everything below them cost. Exact unless one of them is among [`Gathered::stuck`].
    pub cost: Usage,
    /// When it began, counted from the beginning of the gathering.
    pub began: Duration,
    /// The time from its agent's spawn to its answer or end, over all tries of the row.
    pub took: Duration,
    /// Whether an earlier attempt of the owner's task had begun it, whose answer was taken up.
    pub is_recalled: bool,
    /// The parts of the pattern that it was, if it was one.
    pub inner: Option<Box<Parts>>,
}

impl<I, T> GatheredRow<I, T> {
    pub(crate) fn new(item: I, result: Result<T, Failure>, part: Part) -> Self {
        let Part { name, agent, id, began, took, cost, attempts, errors, is_recalled, inner, .. } = part;
        let agent = agent.unwrap_or(name);
        Self { item, agent, id, result, attempts, errors, cost, began, took, is_recalled, inner }
    }
}

impl<I, T> Gathered<I, T> {
    pub(crate) fn new(rows: Vec<GatheredRow<I, T>>, run: Parts) -> Self {
        let Parts { name, took, stuck, stalls, is_cut_by_owner, .. } = run;
        Self { name, rows, took, stuck, stalls, is_cut_by_owner }
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
            row.errors.extend(new.errors);
            row.cost += new.cost;
            row.took = row.took.saturating_add(new.took);
            row.began = self.took.saturating_add(new.began);
            (row.is_recalled, row.inner) = (new.is_recalled, new.inner);
        }
        self.took = self.took.saturating_add(again.took);
        self.stuck.extend(again.stuck);
        self.stalls = self.stalls.saturating_add(again.stalls);
        self.is_cut_by_owner = again.is_cut_by_owner;
    }
}

/// One line, as that of [`Parts`].
impl<I, T> fmt::Display for Gathered<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failed().filter_map(|row| Some((row.agent.as_str(), row.result.as_ref().err()?)));
        say(f, self.completed(), self.total(), failed, &self.stuck)
    }
}

impl<I: Send, T: Send> Report for Gathered<I, T> {
    type Value = Vec<(I, T)>;

    fn parts(&self) -> Cow<'_, Parts> {
        let part = |row: &GatheredRow<I, T>| Part {
            name: row.agent.clone(),
            agent: Some(row.agent.clone()),
            id: row.id.clone(),
            after: Vec::new(),
            began: row.began,
            took: row.took,
            cost: row.cost,
            attempts: row.attempts,
            errors: row.errors.clone(),
            is_recalled: row.is_recalled,
            failure: row.result.as_ref().err().cloned(),
            inner: row.inner.clone(),
        };
        Cow::Owned(Parts {
            name: self.name.clone(),
            parts: self.rows.iter().map(part).collect(),
            took: self.took,
            stuck: self.stuck.clone(),
            stalls: self.stalls,
            is_cut_by_owner: self.is_cut_by_owner,
        })
    }

    /// All outputs with their items, if all items have one.
    fn into_result(self) -> Result<Vec<(I, T)>, AgentError> {
        if !self.is_complete() {
            return Err(self.parts().error());
        }
        Ok(self.rows.into_iter().filter_map(|row| Some((row.item, row.result.ok()?))).collect())
    }
}
