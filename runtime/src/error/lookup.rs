//! Why a look-up found no agent.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::policy::FailureClass;
use crate::text::OneLine;

/// Why no agent could be found under a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// Nobody has it.
    #[error("no live agent is named {0:?}")]
    Unknown(String),
    /// More than one agent has it.
    #[error("{1} live agents are named {0:?}: look it up under its parent")]
    Ambiguous(String, usize),
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
            Self::Unknown(_) | Self::Ambiguous(..) | Self::OtherType { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Unknown(_) => 404,
            Self::Ambiguous(..) | Self::OtherType { .. } => 409,
        }
    }
}

impl SkepError for LookupError {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::Failed, self.to_string()).advise(self.advice())
    }
}
