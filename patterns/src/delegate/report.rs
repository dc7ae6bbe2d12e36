//! What a delegation gives.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;
use skep_runtime::text::OneLine;

use crate::defaults;
use crate::parts::Parts;
use crate::pattern::Report;

/// What a delegation gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "there may be no value"]
pub struct Delegated<T, O> {
    /// What the whole task came to.
    pub value: Option<O>,
    /// All tasks, each behind the one that it is a part of.
    pub tasks: Vec<DelegatedTask<T, O>>,
    /// What was assessed, solved and merged, in the order in which it came up.
    pub parts: Parts,
}

/// One task of a delegation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelegatedTask<T, O> {
    /// Its place: the second part of the first part of the whole is `1.1.2`, and the whole is `1`.
    pub path: String,
    /// The task.
    pub task: T,
    /// How it was handled.
    pub handling: Handling,
    /// What it came to, unless that was merged into what it is a part of, or is the value.
    pub output: Option<O>,
}

impl<T, O> DelegatedTask<T, O> {
    /// Before anybody has looked at it.
    pub(super) const fn open(path: String, task: T) -> Self {
        Self { path, task, handling: Handling::Open, output: None }
    }
}

/// How a task was handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// It was not assessed, or that failed.
    Open,
    /// It was solved, as it was assessed to be.
    Direct,
    /// It was split into so many parts.
    Split(usize),
    /// It lies at the depth limit, so it was solved without being assessed.
    AtDepth,
    /// Its split would have been more tasks than it may have, so it was solved.
    AtLimit,
    /// Its split was no progress, for this reason.
    NoProgress(String),
}

impl<T, O> Delegated<T, O> {
    /// The tasks that were not split because of a limit, or because their split was no progress.
    pub fn limited(&self) -> impl Iterator<Item = &DelegatedTask<T, O>> {
        self.tasks.iter().filter(|task| {
            matches!(task.handling, Handling::AtDepth | Handling::AtLimit | Handling::NoProgress(_))
        })
    }
}

/// One line: that of its parts, and which tasks a limit kept whole.
impl<T, O> fmt::Display for Delegated<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)?;
        let mut before = "; not split: ";
        for task in self.limited().take(defaults::NAMED_FAILURES) {
            write!(f, "{before}{} ({})", task.path, task.handling)?;
            before = ", ";
        }
        match self.limited().count().saturating_sub(defaults::NAMED_FAILURES) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Direct => f.write_str("direct"),
            Self::Split(parts) => write!(f, "{parts} parts"),
            Self::AtDepth => f.write_str("depth limit"),
            Self::AtLimit => f.write_str("limit of tasks"),
            Self::NoProgress(why) => write!(f, "no progress: {}", OneLine(why)),
        }
    }
}

impl<T: Send, O: Send> Report for Delegated<T, O> {
    type Value = O;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<O, AgentError> {
        self.value.ok_or_else(|| self.parts.error())
    }
}
