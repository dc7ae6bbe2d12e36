//! Why control of an agent did nothing.

use thiserror::Error;

use super::{Advice, AgentError, GrantError, NarrowError, PauseError, ResumeError, SkepError};
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::state::StopReason;

/// Why an agent that was found did not do what [`Control`](crate::Control) asked of it.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// It has ended: there is nothing left to act on. What the journal keeps of it can still be read.
    #[error("{agent} has ended: {reason}")]
    Ended {
        /// The agent.
        agent: AgentId,
        /// Why it ended.
        reason: StopReason,
    },
    /// The root and scopes have no behaviour to kill; they can be stopped.
    #[error("{agent} has no behaviour to kill: stop it instead")]
    NoBehaviour {
        /// The root or the scope.
        agent: AgentId,
    },
    /// It could not be paused.
    #[error(transparent)]
    Pause(#[from] PauseError),
    /// It could not be resumed.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// Its budget could not be raised.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// Its ceiling could not be narrowed.
    #[error(transparent)]
    Narrow(#[from] NarrowError),
}

impl ControlError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Ended { .. } | Self::NoBehaviour { .. } => Advice::Never,
            Self::Pause(error) => error.advice(),
            Self::Resume(error) => error.advice(),
            Self::Grant(error) => error.advice(),
            Self::Narrow(error) => error.advice(),
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Ended { .. } => 410,
            Self::NoBehaviour { .. } => 409,
            Self::Pause(error) => error.http_status(),
            Self::Resume(error) => error.http_status(),
            Self::Grant(error) => error.http_status(),
            Self::Narrow(error) => error.http_status(),
        }
    }
}

impl SkepError for ControlError {
    fn into_agent_error(self) -> AgentError {
        let class = match self {
            Self::Pause(error) => return error.into_agent_error(),
            Self::Resume(error) => return error.into_agent_error(),
            Self::Grant(error) => return error.into_agent_error(),
            Self::Narrow(error) => return error.into_agent_error(),
            Self::Ended { .. } => FailureClass::Stopped,
            Self::NoBehaviour { .. } => FailureClass::Failed,
        };
        AgentError::new(class, self.to_string()).advise(self.advice())
    }
}
