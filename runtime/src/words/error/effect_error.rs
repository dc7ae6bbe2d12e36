//! Why an effect has no result.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::ceiling::Beyond;
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::refusal::Refusal;
use crate::words::text::OneLine;

/// Why an effect has no result.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum EffectError {
    /// The call failed in its last try.
    #[error("{} of {agent} failed: {error}", OneLine(.kind))]
    Failed {
        /// Whose effect it was.
        agent: AgentId,
        /// The effect's kind.
        kind: String,
        /// What the call said.
        error: AgentError,
    },
    /// A budget has no room for the worst case.
    #[error("{} of {agent} was refused: {refusal}", OneLine(.kind))]
    OverBudget {
        /// Whose effect it was.
        agent: AgentId,
        /// The effect's kind.
        kind: String,
        /// Which ancestor refused, and what is left. Boxed, so that an error is small.
        refusal: Box<Refusal>,
    },
    /// A link of the chain refused it.
    #[error("{} of {agent} was refused by {}: {}", OneLine(.kind), OneLine(.link), OneLine(.message))]
    Refused {
        /// Whose effect it was.
        agent: AgentId,
        /// The effect's kind.
        kind: String,
        /// The link.
        link: String,
        /// Why.
        message: String,
        /// Whether to try again, as the link says.
        advice: Advice,
        /// The kind of failure that it is.
        class: FailureClass,
    },
    /// It is beyond a ceiling that limits the turn: that of its agent, of an agent above, or of an agent that it works for.
    #[error("{} of {agent} is beyond the ceiling of {of}: {why}", OneLine(.kind))]
    BeyondCeiling {
        /// Whose effect it was.
        agent: AgentId,
        /// The effect's kind.
        kind: String,
        /// Whose ceiling it is.
        of: AgentId,
        /// What the ceiling does not allow.
        why: Beyond,
    },
    /// The agent may not do it itself: its grants are narrower than its ceiling.
    #[error("{} of {agent} is not within the grants of {of}: {why}", OneLine(.kind))]
    NotGranted {
        /// Whose effect it was.
        agent: AgentId,
        /// The effect's kind.
        kind: String,
        /// Whose grants they are: its own, or those of the agent that it has them from.
        of: AgentId,
        /// What they do not allow.
        why: Beyond,
    },
    /// Its deadline passed.
    #[error("{} of {agent} did not end within its deadline", OneLine(.kind))]
    Expired {
        /// Whose effect it was.
        agent: AgentId,
        /// The effect's kind.
        kind: String,
    },
    /// The turn is cancelled, over, or of an earlier incarnation.
    #[error("{} of {agent} was cancelled with its turn", OneLine(.kind))]
    Cancelled {
        /// Whose effect it was.
        agent: AgentId,
        /// The effect's kind.
        kind: String,
    },
}

impl EffectError {
    /// Whether to try again.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Failed { error, .. } => error.advice(),
            Self::OverBudget { refusal, .. } => refusal.advice(),
            Self::Expired { .. } => Advice::Now,
            Self::Refused { advice, .. } => *advice,
            Self::BeyondCeiling { .. } | Self::NotGranted { .. } | Self::Cancelled { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Failed { error, .. } => error.http_status(),
            Self::OverBudget { refusal, .. } => refusal.http_status(),
            Self::Refused { class: FailureClass::Overloaded, .. } => 429,
            Self::Refused { .. } | Self::BeyondCeiling { .. } | Self::NotGranted { .. } => 403,
            Self::Expired { .. } => 504,
            Self::Cancelled { .. } => 503,
        }
    }

    /// The kind of failure that this is to the turn.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Failed { error, .. } => error.class(),
            Self::OverBudget { .. } => FailureClass::OverBudget,
            Self::Refused { class, .. } => *class,
            Self::BeyondCeiling { .. } | Self::NotGranted { .. } => FailureClass::Failed,
            Self::Expired { .. } => FailureClass::Deadline,
            Self::Cancelled { .. } => FailureClass::Interrupted,
        }
    }
}

impl SkepError for EffectError {
    fn into_agent_error(self) -> AgentError {
        let said = AgentError::new(self.class(), self.to_string()).advise(self.advice());
        match self {
            Self::Failed { error, .. } => said.caused_as(error),
            _ => said,
        }
    }
}
