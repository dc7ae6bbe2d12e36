//! What every report has in common: its parts, without their types.

mod draw;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::text::OneLine;
use skep_runtime::{AgentError, AgentId, End, StopReceipt, Usage};

pub(crate) use self::draw::escaped;
use crate::defaults;
use crate::failure::Failure;

/// One part of a pattern: a row, a stage, a member, a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// The name of the agent that worked on it, if there was one.
    pub agent: Option<String>,
    /// The last agent that worked on it, or the scope of the pattern that it was.
    pub id: Option<AgentId>,
    /// Parts that it had to wait for, by their position.
    pub after: Vec<usize>,
    /// When it began, counted from the beginning of the pattern.
    pub began: Duration,
    /// From its beginning to its answer or end, over all tries.
    pub took: Duration,
    /// What its agents cost, with everything below them, and failed tries too. Exact unless one of them is among
    /// [`Parts::stuck`].
    pub cost: Usage,
    /// Attempts at its task.
    pub attempts: u32,
    /// What attempts have failed with, the last 64 of each run. A part that is done may have some, and a queue's rows have their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<AgentError>,
    /// Whether an earlier attempt of the owner's task had begun it, whose answer was taken up, or a checkpoint had its output.
    pub is_recalled: bool,
    /// Why it has no output; none if it has one.
    pub failure: Option<Failure>,
    /// The parts of the pattern that it was, if it was one.
    pub inner: Option<Box<Parts>>,
}

/// The parts of one run, and what is told of them without their types.
///
/// `Display` is one line: `3 of 5 completed, failed: style (no such file), tests (not started: another had failed)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The pattern's name.
    pub name: String,
    /// The parts, in the pattern's order.
    pub parts: Vec<Part>,
    /// From the beginning until nothing of it was left, over all tries.
    pub took: Duration,
    /// Agents that could not be stopped: they block a thread. They can do nothing more through skep.
    pub stuck: Vec<AgentId>,
    /// How often nothing ended for twice as long as a part takes.
    pub stalls: u32,
    /// The turn that it belonged to was cancelled, so its parts say less than they would.
    pub is_cut_by_owner: bool,
}

impl Part {
    /// One that has not begun.
    pub(crate) const fn new(name: String, after: Vec<usize>) -> Self {
        Self {
            name,
            agent: None,
            id: None,
            after,
            began: Duration::ZERO,
            took: Duration::ZERO,
            cost: Usage::ZERO,
            attempts: 0,
            errors: Vec::new(),
            is_recalled: false,
            failure: None,
            inner: None,
        }
    }

    /// The same part once more: what it cost and took before stays in it.
    pub(crate) fn again(self, earlier: Option<&Self>) -> Self {
        let Some(earlier) = earlier else { return self };
        let (agent, id) = (earlier.agent.clone(), earlier.id.clone());
        let Self { name, after, .. } = self;
        Self { name, after, agent, id, failure: None, ..earlier.clone() }
    }

    /// When it ended, counted from the beginning of the pattern.
    #[must_use]
    pub const fn ended(&self) -> Duration {
        self.began.saturating_add(self.took)
    }
}

impl Parts {
    /// How many parts have an output.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.parts.iter().filter(|part| part.failure.is_none()).count()
    }

    /// Whether all parts have one.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts.iter().all(|part| part.failure.is_none())
    }

    /// The parts without an output.
    pub fn failed(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.failure.is_some())
    }

    /// The part of this name; the first of them.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Whether these are the names of all parts, in their order.
    pub(crate) fn are_named<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        self.parts.iter().map(|part| part.name.as_str()).eq(names)
    }

    /// What all parts cost.
    #[must_use]
    pub fn cost(&self) -> Usage {
        self.parts.iter().fold(Usage::ZERO, |sum, part| sum + part.cost)
    }

    /// The parts that the time went by: from the one that ended last back along what each waited for. To be faster, be faster in
    /// these.
    #[must_use]
    pub fn critical_path(&self) -> Vec<&Part> {
        let last = |among: &mut dyn Iterator<Item = usize>| among.max_by_key(|at| self.parts[*at].ended());
        let begun =
            |at: &usize| self.parts.get(*at).is_some_and(|part| part.attempts > 0 || part.inner.is_some());
        let mut path = Vec::new();
        let mut at = last(&mut (0..self.parts.len()).filter(begun));
        // No part is on it twice, so that this ends, whoever wrote the report.
        let mut is_on_it = vec![false; self.parts.len()];
        while let Some(here) = at {
            path.push(&self.parts[here]);
            is_on_it[here] = true;
            at = last(&mut self.parts[here].after.iter().copied().filter(begun).filter(|at| !is_on_it[*at]));
        }
        path.reverse();
        path
    }

    /// These, and then those of another run, which count their time from the end of these.
    pub(crate) fn followed_by(mut self, next: Self) -> Self {
        let (before, took) = (self.parts.len(), self.took);
        let later = |mut part: Part| {
            part.after.iter_mut().for_each(|after| *after += before);
            part.began = part.began.saturating_add(took);
            part
        };
        self.parts.extend(next.parts.into_iter().map(later));
        self.stuck.extend(next.stuck);
        Self {
            name: next.name,
            took: took.saturating_add(next.took),
            stalls: self.stalls.saturating_add(next.stalls),
            is_cut_by_owner: next.is_cut_by_owner,
            ..self
        }
    }

    /// The whole as an error: what a pattern without a value says.
    pub(crate) fn error(&self) -> AgentError {
        self.error_of(self)
    }

    /// The same in the report's own words. Its class and advice are those of the first part that failed.
    pub(crate) fn error_of(&self, line: &impl fmt::Display) -> AgentError {
        let failures = self.failed().filter_map(|part| part.failure.as_ref());
        let mut failures = failures.filter(|failure| !matches!(failure, Failure::NotNeeded(_)));
        let first = failures.next();
        let text = format!("{}: {line}", OneLine(&self.name));
        match first {
            Some(failure) => AgentError::new(failure.class(), text).advise(failure.advice()),
            None => AgentError::message(text),
        }
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failed().filter_map(|part| Some((part.name.as_str(), part.failure.as_ref()?)));
        say(f, self.completed(), self.parts.len(), failed, &self.stuck)
    }
}

/// The one line of every report.
pub(crate) fn say<'p>(
    f: &mut fmt::Formatter<'_>,
    completed: usize,
    total: usize,
    failed: impl Iterator<Item = (&'p str, &'p Failure)>,
    stuck: &[AgentId],
) -> fmt::Result {
    write!(f, "{completed} of {total} completed")?;
    let (mut needless, mut named, mut unnamed) = (Vec::new(), 0_usize, 0_usize);
    for (name, failure) in failed {
        if let Failure::NotNeeded(_) = failure {
            needless.push(name);
        } else if named < defaults::NAMED_FAILURES {
            let before = if named == 0 { ", failed: " } else { ", " };
            write!(f, "{before}{} ({failure})", OneLine(name))?;
            named += 1;
        } else {
            unnamed += 1;
        }
    }
    if unnamed > 0 {
        write!(f, " and {unnamed} more")?;
    }
    for (at, name) in needless.iter().take(defaults::NAMED_FAILURES).enumerate() {
        write!(f, "{}{}", if at == 0 { ", not needed: " } else { ", " }, OneLine(name))?;
    }
    if let more @ 1.. = needless.len().saturating_sub(defaults::NAMED_FAILURES) {
        write!(f, " and {more} more")?;
    }
    if !stuck.is_empty() {
        let ids: Vec<_> = stuck.iter().map(ToString::to_string).collect();
        write!(f, ", still running: {}", ids.join(", "))?;
    }
    Ok(())
}

/// Those of a stop that could not be stopped.
pub(crate) fn stuck_in(receipt: &StopReceipt) -> impl Iterator<Item = AgentId> {
    receipt.rows().iter().filter(|row| row.end == End::Stuck).map(|row| row.id.clone())
}
