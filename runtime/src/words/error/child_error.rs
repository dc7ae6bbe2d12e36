//! Why a supervisor did not do what it was asked about a child.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::child::BadChild;
use crate::words::child_interface::InterfaceError;
use crate::words::defaults;
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::supervisor::BadPolicy;
use crate::words::text::OneLine;

/// Why a call about a child failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChildError {
    /// There is no such child.
    #[error("{supervisor} has no child named {name:?}")]
    NotFound {
        /// Whose child it would be.
        supervisor: AgentId,
        /// The name.
        name: String,
    },
    /// It runs; terminate it first.
    #[error("{name:?} under {supervisor} is running: terminate it first")]
    Running {
        /// Whose child it is.
        supervisor: AgentId,
        /// Its name.
        name: String,
    },
    /// It is being restarted; terminate it first, which cancels the attempt.
    #[error("{name:?} under {supervisor} is restarting: terminate it first")]
    Restarting {
        /// Whose child it is.
        supervisor: AgentId,
        /// Its name.
        name: String,
    },
    /// Its start failed: nothing runs for it and its spec stays.
    #[error("{name:?} under {supervisor} failed to start: {}", OneLine(.message))]
    StartFailed {
        /// Whose child it is.
        supervisor: AgentId,
        /// Its name.
        name: String,
        /// One line.
        message: String,
    },
    /// The supervisor is ending, or is down between two incarnations.
    #[error("{supervisor} is ending")]
    Ending {
        /// The supervisor.
        supervisor: AgentId,
    },
}

impl ChildError {
    pub(crate) fn new(supervisor: AgentId, name: &str, error: InterfaceError) -> Self {
        let name = name.to_owned();
        match error {
            InterfaceError::NotFound => Self::NotFound { supervisor, name },
            InterfaceError::Running => Self::Running { supervisor, name },
            InterfaceError::Restarting => Self::Restarting { supervisor, name },
            InterfaceError::StartFailed(message) => Self::StartFailed { supervisor, name, message },
            InterfaceError::Ending => Self::Ending { supervisor },
        }
    }

    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::StartFailed { .. } => Advice::Now,
            Self::Restarting { .. } => Advice::After(defaults::RETRY),
            Self::NotFound { .. } | Self::Running { .. } | Self::Ending { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::Running { .. } | Self::Restarting { .. } => 409,
            Self::StartFailed { .. } => 500,
            Self::Ending { .. } => 503,
        }
    }
}

impl SkepError for ChildError {
    fn into_agent_error(self) -> AgentError {
        let class = match &self {
            Self::StartFailed { .. } => FailureClass::Start,
            Self::Ending { .. } => FailureClass::Stopped,
            _ => FailureClass::Failed,
        };
        AgentError::new(class, self.to_string()).advise(self.advice())
    }
}

/// Why a live change of policy was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The supervisor's own policy is invalid.
    #[error("{supervisor}: {why}")]
    Policy {
        /// The supervisor.
        supervisor: AgentId,
        /// The field and what is wrong with it.
        why: BadPolicy,
    },
    /// The child's policy is invalid.
    #[error("{name:?} under {supervisor}: {why}")]
    Child {
        /// Whose child it is.
        supervisor: AgentId,
        /// Its name.
        name: String,
        /// The field and what is wrong with it.
        why: BadChild,
    },
    /// There is no such child.
    #[error("{supervisor} has no child named {name:?}")]
    NotFound {
        /// Whose child it would be.
        supervisor: AgentId,
        /// The name.
        name: String,
    },
    /// The supervisor has ended.
    #[error("{supervisor} has ended")]
    Ended {
        /// The supervisor.
        supervisor: AgentId,
    },
}

impl ChangeError {
    /// Whether to try again: the same change is refused again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Policy { .. } | Self::Child { .. } | Self::NotFound { .. } | Self::Ended { .. } => {
                Advice::Never
            }
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Policy { .. } | Self::Child { .. } => 400,
            Self::NotFound { .. } => 404,
            Self::Ended { .. } => 503,
        }
    }
}

impl SkepError for ChangeError {
    fn into_agent_error(self) -> AgentError {
        let class =
            if matches!(self, Self::Ended { .. }) { FailureClass::Stopped } else { FailureClass::Failed };
        AgentError::new(class, self.to_string()).advise(self.advice())
    }
}
