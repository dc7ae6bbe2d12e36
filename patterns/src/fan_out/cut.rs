//! Why a fan-out ends before all of its rows have.

use std::fmt;
use std::time::Duration;

use skep_runtime::text::OneLine;
use skep_runtime::{Advice, AgentError, FailureClass};

/// What cut a fan-out short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// As many rows failed as it bears.
    Failures(usize),
    /// The deadline of the whole.
    Deadline(Duration),
    /// The owner's turn was cancelled.
    Owner(String),
    /// The owner takes no such scope.
    Refused(AgentError),
}

impl Cut {
    /// As the error of the rows that it concerns.
    pub(super) fn error(&self) -> AgentError {
        let (class, advice) = match self {
            Self::Refused(error) => return error.clone(),
            Self::Failures(_) => (FailureClass::Stopped, Advice::Now),
            Self::Deadline(_) => (FailureClass::Deadline, Advice::Now),
            Self::Owner(_) => (FailureClass::Stopped, Advice::Never),
        };
        AgentError::new(class, self.to_string()).advise(advice)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failures(1) => f.write_str("another had failed"),
            Self::Failures(count) => write!(f, "{count} others had failed"),
            Self::Deadline(limit) => write!(f, "the limit of {limit:?} for all of them was reached"),
            Self::Owner(why) => write!(f, "{}", OneLine(why)),
            Self::Refused(error) => error.fmt(f),
        }
    }
}
