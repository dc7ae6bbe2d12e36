//! Why a run has no output.

use std::fmt;

use thiserror::Error;

use super::{Advice, AgentError, AskError, SkepError, SpawnError};
use crate::words::policy::FailureClass;

/// Why `swarm.run` has no output.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RunError<T> {
    /// The agent could not be spawned; the task comes back.
    #[error("{0}")]
    Spawn(SpawnError, Box<T>),
    /// The task had no output.
    #[error(transparent)]
    Ask(#[from] AskError<T>),
}

impl<T> fmt::Debug for RunError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn(error, _) => write!(f, "Spawn({error})"),
            Self::Ask(error) => write!(f, "Ask({error})"),
        }
    }
}

impl<T> RunError<T> {
    /// Whether to try again.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Spawn(error, _) => error.advice(),
            Self::Ask(error) => error.advice(),
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Spawn(error, _) => error.http_status(),
            Self::Ask(error) => error.http_status(),
        }
    }

    /// The kind of failure that this is to an agent that ran.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Spawn(error, _) => error.class(),
            Self::Ask(error) => error.class(),
        }
    }
}

impl<T> SkepError for RunError<T> {
    fn into_agent_error(self) -> AgentError {
        match self {
            Self::Spawn(error, _) => error.into(),
            Self::Ask(error) => error.into(),
        }
    }
}
