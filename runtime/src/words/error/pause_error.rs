//! Why a subtree could not be paused, or not resumed.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::state::AgentState;

/// Why a subtree could not be paused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PauseError {
    /// It has ended or is being stopped.
    #[error("{agent} cannot be paused: it is {state}")]
    NotLive {
        /// The agent.
        agent: AgentId,
        /// Its state.
        state: AgentState,
    },
}

/// Why a subtree could not be resumed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// No pause holds it.
    #[error("{agent} cannot be resumed: it is {state}, not paused")]
    NotPaused {
        /// The agent.
        agent: AgentId,
        /// Its state.
        state: AgentState,
    },
    /// It is not paused itself, but an agent above it is.
    #[error("{agent} cannot be resumed: it is paused with {above}")]
    HeldAbove {
        /// The agent.
        agent: AgentId,
        /// The nearest paused agent above it.
        above: AgentId,
    },
}

impl PauseError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::NotLive { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::NotLive { .. } => 409,
        }
    }
}

impl ResumeError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::NotPaused { .. } | Self::HeldAbove { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::NotPaused { .. } | Self::HeldAbove { .. } => 409,
        }
    }
}

impl SkepError for PauseError {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::Stopped, self.to_string()).advise(self.advice())
    }
}

impl SkepError for ResumeError {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::Failed, self.to_string()).advise(self.advice())
    }
}
