//! Why a part of a pattern has no output.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::{Advice, AgentError, AskError, FailureClass, SpawnError};

/// Why a part has no output. Each error says why, its class, and whether to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Its agent did not start, failed, crashed in every attempt, or was late.
    Failed(AgentError),
    /// Its agent was stopped before it answered, with the rest of the pattern or by somebody else.
    Stopped(AgentError),
    /// The pattern ended before its turn came.
    NotBegun(AgentError),
    /// The others were enough: another was first, the vote was decided. It may have begun. Nothing went wrong.
    NotNeeded(AgentError),
}

impl Failure {
    /// Why.
    #[must_use]
    pub const fn error(&self) -> &AgentError {
        let (Self::Failed(error) | Self::Stopped(error) | Self::NotBegun(error) | Self::NotNeeded(error)) =
            self;
        error
    }

    /// The kind of failure.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        self.error().class()
    }

    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        self.error().advice()
    }

    /// Of an agent that did not come up. What it is about has a name, so the error is said without it.
    pub(crate) fn not_spawned(error: SpawnError) -> Self {
        match &error {
            SpawnError::Fenced { .. } | SpawnError::StaleTurn { .. } => Self::NotBegun(error.into()),
            SpawnError::Stopped { .. } => Self::Stopped(error.into()),
            SpawnError::Start { message, .. } => {
                let text = format!("failed to start: {message}");
                Self::Failed(AgentError::new(FailureClass::Start, text).advise(error.advice()))
            }
            _ => Self::Failed(error.into()),
        }
    }

    /// Of an agent that did not answer, after so long.
    pub(crate) fn not_answered<T>(error: AskError<T>, took: Duration) -> Self {
        let said = |text: String| AgentError::new(error.class(), text).advise(error.advice());
        match &error {
            AskError::Failed(_, own) => Self::Failed(own.clone()),
            AskError::Poisoned { errors, .. } => {
                let last = errors.last().map(ToString::to_string).unwrap_or_default();
                Self::Failed(said(match errors.len() {
                    0 | 1 => last,
                    attempts => format!("failed in {attempts} attempts; the last error: {last}"),
                }))
            }
            AskError::Expired(_) => Self::Failed(said(format!("no answer in {took:.1?}"))),
            AskError::Stopped(..) | AskError::Cancelled(_) => Self::Stopped(error.into()),
            _ => Self::Failed(error.into()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "{error}"),
            Self::Stopped(error) => write!(f, "stopped: {error}"),
            Self::NotBegun(error) => write!(f, "not started: {error}"),
            Self::NotNeeded(error) => write!(f, "not needed: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

/// A part that failed is an error of the agent whose work it was part of, with the same class and advice.
impl From<Failure> for AgentError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.class(), failure.to_string()).advise(failure.advice())
    }
}
