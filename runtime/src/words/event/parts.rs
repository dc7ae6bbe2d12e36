//! The words that events are made of: what an agent is to its parent, how things end, what a turn waits for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::id::{AgentId, TaskId};
use crate::words::reach::Reach;
use crate::words::refusal::Refusal;
use crate::words::text::OneLine;

/// What an agent is to its parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The session's root.
    Root,
    /// A child with a spec of its own, in the list of its supervisor.
    Static,
    /// One of a dynamic supervisor's instances.
    Dynamic,
    /// A child of one of the parent's tasks.
    Task(TaskId),
    /// A scope, or what was begun in one.
    Scope,
}

/// What an effect calls and reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct On {
    /// What it calls, in a word: a model's name, a tool's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What it is done to.
    pub reach: Reach,
}

/// How a task ended; it has exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// `handle` returned an output.
    Done,
    /// `handle` returned an error.
    Failed,
    /// It crashed its agent in every attempt it had.
    Poisoned,
    /// Its turn was interrupted.
    Interrupted,
    /// Its asker no longer waits for it.
    Withdrawn,
    /// Its deadline passed.
    Expired,
    /// The agent was stopped first.
    Stopped,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Poisoned => "poisoned",
            Self::Interrupted => "interrupted",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
        })
    }
}

/// An effect that does not fit a budget which pauses its subtree and asks.
///
/// `Display` is one line: `s.1.2 needs more for model: s.1 has $0.12 left of its budget, and $0.40 is wanted`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Need {
    /// Whose effect it is.
    pub agent: AgentId,
    /// Its kind.
    pub kind: String,
    /// Whose budget it is, what is wanted and what is left.
    pub refusal: Refusal,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} needs more for {}: {}", self.agent, OneLine(&self.kind), self.refusal)
    }
}

/// How an effect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectEnd {
    /// With a result.
    Done,
    /// With an error, after the last try.
    Failed,
    /// Its deadline passed.
    Expired,
    /// It was cancelled or dropped.
    Cancelled,
    /// A pause cut it short; it runs again after the resume.
    Paused,
}

impl EffectEnd {
    /// The word for it, as it stands in a journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Paused => "paused",
        }
    }
}

/// How an agent is done with a question from below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionEnd {
    /// It has answered.
    Answered,
    /// It has no answer: the question goes up.
    PassedUp,
    /// It failed or panicked.
    Failed,
    /// Whoever asked was cancelled, or could wait no longer.
    Dropped,
}

/// What a turn can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// An answer of another agent.
    Ask,
    /// An answer from above.
    Parent,
    /// The start or the end of a child.
    Child,
    /// A permit or another link of an effect's chain.
    Admission,
    /// An approval of an effect.
    Approval,
    /// A time.
    Sleep,
    /// Work on another thread.
    Blocking,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ask => "waits for an answer",
            Self::Parent => "waits for an answer from above",
            Self::Child => "waits for a child",
            Self::Admission => "waits for a permit",
            Self::Approval => "waits for an approval",
            Self::Sleep => "sleeps",
            Self::Blocking => "works on another thread",
        })
    }
}
