//! Why an ask has no output.

use std::fmt;

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::defaults;
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::state::StopReason;

/// Why an ask has no output. The error returns the task if it was not consumed.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum AskError<T> {
    /// `handle` returned an error.
    #[error("{0} failed: {1}")]
    Failed(AgentId, AgentError),
    /// The task failed in every attempt; the errors in order, at most the last 64.
    #[error("{agent} failed in every attempt: {}", last(.errors))]
    Poisoned {
        /// The agent.
        agent: AgentId,
        /// What each attempt failed with, in order.
        errors: Vec<AgentError>,
    },
    /// The turn was interrupted.
    #[error("{0} was interrupted")]
    Interrupted(AgentId),
    /// The deadline passed.
    #[error("{0} did not answer within its deadline")]
    Expired(AgentId),
    /// The mailbox is full; `ask` would wait, `try_ask` does not.
    #[error("the mailbox of {0} is full")]
    MailboxFull(AgentId, T),
    /// The agent has ended or is stopping. The task is returned if no turn had begun it.
    #[error("{0} accepts no tasks: {1}")]
    Stopped(AgentId, StopReason, Option<T>),
    /// The asker's own turn was cancelled.
    #[error("the turn that asked {0} was cancelled")]
    Cancelled(AgentId),
    /// The agent's turn already waits for the asker's turn, directly or through others, so none of them could ever go on.
    /// The task is returned if it was not accepted.
    #[error("the ask would close a cycle of waiting turns: {}", circle(.path))]
    Cycle {
        /// Who waits for whom, from the asker by way of the agent that it asked back to the asker.
        path: Vec<AgentId>,
        /// The task.
        task: Option<T>,
    },
}

fn last(errors: &[AgentError]) -> String {
    errors.last().map(ToString::to_string).unwrap_or_default()
}

fn circle(path: &[AgentId]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> ")
}

/// Without the task, whose type need not be printable and whose content is nobody's business.
impl<T> fmt::Debug for AskError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Failed(..) => "Failed",
            Self::Poisoned { .. } => "Poisoned",
            Self::Interrupted(..) => "Interrupted",
            Self::Expired(..) => "Expired",
            Self::MailboxFull(..) => "MailboxFull",
            Self::Stopped(..) => "Stopped",
            Self::Cancelled(..) => "Cancelled",
            Self::Cycle { .. } => "Cycle",
        };
        write!(f, "{name}({self})")
    }
}

impl<T> AskError<T> {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Failed(_, error) => error.advice(),
            Self::Expired(_) => Advice::Now,
            // At once would only find it full again.
            Self::MailboxFull(..) => Advice::After(defaults::RETRY),
            Self::Poisoned { .. }
            | Self::Interrupted(_)
            | Self::Stopped(..)
            | Self::Cancelled(_)
            | Self::Cycle { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with. A full mailbox is the service's own overload, whoever sent how much: 503
    /// and not 429, with the advice as `Retry-After`.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Failed(_, error) => error.http_status(),
            Self::Poisoned { .. } | Self::Cycle { .. } => 500,
            Self::Expired(_) => 504,
            Self::MailboxFull(..) | Self::Interrupted(_) | Self::Stopped(..) | Self::Cancelled(_) => 503,
        }
    }

    /// The kind of failure that this is to the agent that asked.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Failed(_, error) => error.class(),
            Self::Poisoned { .. } => FailureClass::Poisoned,
            Self::Interrupted(_) | Self::Cancelled(_) => FailureClass::Interrupted,
            Self::Expired(_) => FailureClass::Deadline,
            Self::MailboxFull(..) => FailureClass::Overloaded,
            Self::Stopped(..) => FailureClass::Stopped,
            Self::Cycle { .. } => FailureClass::Failed,
        }
    }
}

impl<T> SkepError for AskError<T> {
    fn into_agent_error(self) -> AgentError {
        let said = AgentError::new(self.class(), self.to_string()).advise(self.advice());
        match self {
            Self::Failed(_, inner) => said.caused_as(inner),
            _ => said,
        }
    }
}
