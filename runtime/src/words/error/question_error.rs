//! Why a question that goes up has no answer.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// Nobody above answers.
    #[error("no agent above {from} answers its question; passed up by {}", join(.path))]
    Unanswered {
        /// Who asked.
        from: AgentId,
        /// Who had it, the nearest first, the session's root last.
        path: Vec<AgentId>,
    },
    /// An `on_question` failed or panicked.
    #[error("{0} failed to answer: {1}")]
    Failed(AgentId, AgentError),
    /// It was not answered within the deadline.
    #[error("the question of {0} was not answered within its deadline")]
    Expired(AgentId),
    /// The turn that asked was cancelled or is over.
    #[error("the turn of {0} that asked the question was cancelled")]
    Cancelled(AgentId),
    /// An agent above takes no question: it is stopping, or between two incarnations.
    #[error("{0} accepts no questions: it is stopping")]
    Stopping(AgentId),
}

fn join(path: &[AgentId]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl QuestionError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Failed(_, error) => error.advice(),
            Self::Expired(_) => Advice::Now,
            Self::Unanswered { .. } | Self::Cancelled(_) | Self::Stopping(_) => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Failed(_, error) => error.http_status(),
            Self::Expired(_) => 504,
            Self::Unanswered { .. } => 500,
            Self::Cancelled(_) | Self::Stopping(_) => 503,
        }
    }

    /// The kind of failure that this is to the agent that asked.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Failed(_, error) => error.class(),
            Self::Expired(_) => FailureClass::Deadline,
            Self::Cancelled(_) => FailureClass::Interrupted,
            Self::Stopping(_) => FailureClass::Stopped,
            Self::Unanswered { .. } => FailureClass::Failed,
        }
    }
}

impl SkepError for QuestionError {
    fn into_agent_error(self) -> AgentError {
        let said = AgentError::new(self.class(), self.to_string()).advise(self.advice());
        match self {
            Self::Failed(_, inner) => said.caused_as(inner),
            _ => said,
        }
    }
}
