//! How a task is over.

use crate::env::theirs::Theirs;
use crate::words::error::AgentError;
use crate::words::event::Outcome;
use crate::words::state::StopReason;

/// An outcome with what belongs to it.
pub(crate) enum Over<O> {
    Done(Theirs<O>),
    /// Done by a turn that a stop had cancelled, so it may be only a part of what was asked: an answer to whoever waits for it,
    /// and nothing for a later attempt.
    Cut(Theirs<O>),
    Failed(AgentError),
    Poisoned,
    Interrupted,
    Withdrawn,
    Expired,
    Stopped(StopReason),
}

impl<O> Over<O> {
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Done(_) | Self::Cut(_) => Outcome::Done,
            Self::Failed(_) => Outcome::Failed,
            Self::Poisoned => Outcome::Poisoned,
            Self::Interrupted => Outcome::Interrupted,
            Self::Withdrawn => Outcome::Withdrawn,
            Self::Expired => Outcome::Expired,
            Self::Stopped(_) => Outcome::Stopped,
        }
    }
}
