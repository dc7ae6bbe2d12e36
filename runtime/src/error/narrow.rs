//! Why a ceiling could not be narrowed.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::ceiling::BadCeiling;
use crate::id::AgentId;
use crate::policy::FailureClass;

/// Why a ceiling could not be narrowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NarrowError {
    /// It has ended.
    #[error("{agent} has ended: there is nothing to narrow")]
    Ended {
        /// The agent.
        agent: AgentId,
    },
    /// It has no ceiling of its own. One that forbids nothing yet can be narrowed later: `Ceiling::new()`.
    #[error("{agent} has no ceiling of its own: give its spec one, if only `Ceiling::new()`")]
    NoCeiling {
        /// The agent.
        agent: AgentId,
    },
    /// What it was to be narrowed by cannot be used as it was written.
    #[error("{agent} was not narrowed: {bad}")]
    Bad {
        /// The agent.
        agent: AgentId,
        /// What is wrong with it.
        bad: BadCeiling,
    },
}

impl NarrowError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Ended { .. } | Self::NoCeiling { .. } | Self::Bad { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Bad { .. } => 400,
            Self::Ended { .. } | Self::NoCeiling { .. } => 409,
        }
    }
}

impl SkepError for NarrowError {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::Failed, self.to_string()).advise(self.advice())
    }
}
