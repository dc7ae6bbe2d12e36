//! Why a ceiling could not be narrowed.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::ceiling::BadCeiling;
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;

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
    /// It has no ceiling of its own. Give its spec `Ceiling::new()`, which forbids nothing yet, to narrow it later.
    #[error("{agent} has no ceiling of its own: give its spec one, for example `Ceiling::new()`")]
    NoCeiling {
        /// The agent.
        agent: AgentId,
    },
    /// The new ceiling is not valid as written.
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
