//! Why a dead letter was not replayed.

use thiserror::Error;

use super::Advice;
use crate::words::id::{AgentId, TaskId};
use crate::words::text::OneLine;

/// Why a dead letter could not be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no such letter: the task is not a dead letter, or it was dropped to make room for newer ones.
    #[error("there is no dead letter of task {0}")]
    Unknown(TaskId),
    /// Its payload could not be serialised when the letter was made.
    #[error("the payload of dead letter {0} was not kept: it cannot be written as JSON")]
    NotKept(TaskId),
    /// Its payload is not a task of the agent that should replay it.
    #[error("the payload of dead letter {letter} is not a task of {agent}: {}", OneLine(.message))]
    OtherTask {
        /// The letter.
        letter: TaskId,
        /// The agent that it was to be replayed to.
        agent: AgentId,
        /// Why not.
        message: String,
    },
}

impl ReplayError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        Advice::Never
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Unknown(_) => 404,
            Self::NotKept(_) | Self::OtherTask { .. } => 409,
        }
    }
}
