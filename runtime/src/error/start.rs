//! Why a swarm did not start.

use thiserror::Error;

use super::Advice;

/// Why a swarm could not start.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something in the builder cannot be.
    #[error("the swarm cannot start, {field} is wrong: {message}")]
    BadField {
        /// The field.
        field: String,
        /// What is wrong with it, and how to mend it.
        message: String,
    },
}

impl StartError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::BadField { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with: a swarm is described by its author.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::BadField { .. } => 500,
        }
    }
}
