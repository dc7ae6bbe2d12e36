//! What reviewers say, and what a review loop gives.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;
use skep_runtime::text::OneLine;

use crate::parts::Parts;
use crate::pattern::Report;

/// What a reviewer says of a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict<F> {
    /// It is good.
    Approved,
    /// What has to be mended, at least one thing: issues without an issue are a failed attempt.
    Issues(Vec<F>),
}

/// No issues are an approval.
impl<F> From<Vec<F>> for Verdict<F> {
    fn from(issues: Vec<F>) -> Self {
        if issues.is_empty() { Self::Approved } else { Self::Issues(issues) }
    }
}

impl<F> Verdict<F> {
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Issues(issues) if issues.is_empty() => {
                Err("issues without an issue: approve, or name one".to_owned())
            }
            Self::Approved | Self::Issues(_) => Ok(()),
        }
    }
}

/// A draft, and what was said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round<D, F> {
    /// What the author gave.
    pub draft: D,
    /// Whether all reviewers have approved it.
    pub is_approved: bool,
    /// The issues, in the order of the reviewers.
    pub raised: Vec<Raised<F>>,
    /// Reviewers that have not given a verdict: their approval is missing.
    pub missing: Vec<String>,
}

impl<D, F> Round<D, F> {
    /// A draft of which none of these has said anything.
    pub(super) fn open<'n>(draft: D, reviewers: impl Iterator<Item = &'n str>) -> Self {
        let missing = reviewers.map(str::to_owned).collect();
        Self { draft, is_approved: false, raised: Vec::new(), missing }
    }
}

impl<D, F: fmt::Display> Round<D, F> {
    /// The issues for whoever mends the draft: a line for each, with the name of the reviewer who raised it.
    #[must_use]
    pub fn issues(&self) -> String {
        let line = |raised: &Raised<F>| format!("{}: {}", raised.by, raised.issue);
        self.raised.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised<F> {
    /// The name of the reviewer who raised it.
    pub by: String,
    /// What has to be mended.
    pub issue: F,
}

/// What a review loop gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "the draft may not be approved"]
pub struct Reviewed<D, F> {
    /// The rounds in which there was a draft; the last has the one that counts.
    pub rounds: Vec<Round<D, F>>,
    /// Authors and reviewers, round by round.
    pub parts: Parts,
}

impl<D, F> Reviewed<D, F> {
    /// Whether all reviewers have approved the last draft.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.rounds.last().is_some_and(|round| round.is_approved)
    }

    /// The last draft, approved or not.
    #[must_use]
    pub fn draft(&self) -> Option<&D> {
        self.rounds.last().map(|round| &round.draft)
    }

    /// The same for good.
    #[must_use]
    pub fn into_draft(mut self) -> Option<D> {
        self.rounds.pop().map(|round| round.draft)
    }

    /// The issues that are open: those that were raised about the last draft.
    #[must_use]
    pub fn open(&self) -> &[Raised<F>] {
        self.rounds.last().map_or(&[], |round| &round.raised)
    }
}

impl<D, F> fmt::Display for Reviewed<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.rounds.len();
        let rounds = if count == 1 { "round" } else { "rounds" };
        match self.rounds.last() {
            None => write!(f, "no draft; {}", self.parts),
            Some(last) if last.is_approved => write!(f, "approved after {count} {rounds}; {}", self.parts),
            Some(last) => {
                write!(f, "not approved after {count} {rounds}: {} open", last.raised.len())?;
                for (at, name) in last.missing.iter().take(crate::defaults::NAMED_FAILURES).enumerate() {
                    write!(f, "{}{}", if at == 0 { ", no verdict of " } else { ", " }, OneLine(name))?;
                }
                write!(f, "; {}", self.parts)
            }
        }
    }
}

/// The value is a draft that all have approved. One that is not approved is in the report, and is no value.
impl<D: Send, F: Send> Report for Reviewed<D, F> {
    type Value = D;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<D, AgentError> {
        let error = self.parts.error_of(&self);
        let is_approved = self.is_approved();
        self.into_draft().filter(|_| is_approved).ok_or(error)
    }
}
