//! Why a budget could not be raised.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::budget::BadBudget;
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;

/// Why a budget could not be raised.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrantError {
    /// It has ended.
    #[error("{agent} has ended: nothing can be granted to it")]
    Ended {
        /// The agent.
        agent: AgentId,
    },
    /// It has no budget of its own, so there is nothing to raise.
    #[error("{agent} has no budget of its own")]
    NoBudget {
        /// The agent.
        agent: AgentId,
    },
    /// What is granted is no budget.
    #[error("nothing was granted to {agent}: {bad}")]
    Bad {
        /// The agent.
        agent: AgentId,
        /// What is wrong with it.
        bad: BadBudget,
    },
}

impl GrantError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Ended { .. } | Self::NoBudget { .. } | Self::Bad { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Bad { .. } => 400,
            Self::Ended { .. } | Self::NoBudget { .. } => 409,
        }
    }
}

impl SkepError for GrantError {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::Failed, self.to_string()).advise(self.advice())
    }
}
