//! Why a look-up found no agent.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::state::StopReason;
use crate::words::text::OneLine;

/// Why no agent could be found by an id or a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// No agent has it, and none is known to have had it.
    #[error("no agent has the id or name {0:?}")]
    Unknown(String),
    /// More than one agent has the name.
    #[error("{1} agents are named {0:?}: use the id of the one you mean")]
    Ambiguous(String, usize),
    /// It has ended.
    #[error("{agent} has ended: {reason}")]
    Ended {
        /// The agent.
        agent: AgentId,
        /// Why it ended.
        reason: StopReason,
    },
    /// It ended so long ago that the journal no longer knows it.
    #[error("{agent} ended longer ago than the journal goes back")]
    Forgotten {
        /// The agent.
        agent: AgentId,
    },
    /// Its type is another.
    #[error("the agent named {name:?} is a {}, not a {}", OneLine(.found), OneLine(.wanted))]
    OtherType {
        /// The name.
        name: String,
        /// The type it has.
        found: String,
        /// The type that was asked for.
        wanted: String,
    },
}

impl LookupError {
    /// Whether to try again: the same look-up finds the same.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Unknown(_)
            | Self::Ambiguous(..)
            | Self::Ended { .. }
            | Self::Forgotten { .. }
            | Self::OtherType { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Unknown(_) => 404,
            Self::Ended { .. } | Self::Forgotten { .. } => 410,
            Self::Ambiguous(..) | Self::OtherType { .. } => 409,
        }
    }
}

impl SkepError for LookupError {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::Failed, self.to_string()).advise(self.advice())
    }
}
