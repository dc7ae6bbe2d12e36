//! Why a pattern ends before all of its parts have.

use std::fmt;
use std::time::Duration;

use skep_runtime::text::OneLine;
use skep_runtime::{Advice, AgentError, FailureClass};

use crate::failure::Failure;

/// What cut a pattern short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// As many parts failed as it bears.
    Failures(usize),
    /// The deadline of the whole.
    Deadline(Duration),
    /// The owner's turn was cancelled.
    Owner,
    /// The owner takes no such scope.
    Refused(AgentError),
    /// Its end is known already, so what goes on is not needed: the reason, as a row says it.
    Decided(&'static str),
    /// The same where all is well.
    Enough(&'static str),
}

impl Cut {
    /// As the error of the parts that it concerns.
    pub(crate) fn error(&self) -> AgentError {
        let (class, advice) = match self {
            Self::Refused(error) => return error.clone(),
            Self::Failures(_) => (FailureClass::Stopped, Advice::Now),
            Self::Deadline(_) => (FailureClass::Deadline, Advice::Now),
            Self::Owner | Self::Decided(_) | Self::Enough(_) => (FailureClass::Stopped, Advice::Never),
        };
        AgentError::new(class, self.to_string()).advise(advice)
    }

    /// What the failure of a part means that the cut has ended.
    pub(crate) fn of(&self, failure: &Failure) -> Failure {
        match (self, failure) {
            (Self::Enough(_), _) => Failure::NotNeeded(self.error()),
            (_, Failure::NotBegun(_)) => Failure::NotBegun(self.error()),
            (_, Failure::Failed(_) | Failure::Stopped(_) | Failure::NotNeeded(_)) => {
                Failure::Stopped(self.error())
            }
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failures(1) => f.write_str("another had failed"),
            Self::Failures(count) => write!(f, "{count} others had failed"),
            Self::Deadline(limit) => write!(f, "the limit of {limit:?} for all of them was reached"),
            Self::Owner => f.write_str("the turn that it belongs to was cancelled"),
            Self::Refused(error) => error.fmt(f),
            Self::Decided(why) | Self::Enough(why) => write!(f, "{}", OneLine(why)),
        }
    }
}
