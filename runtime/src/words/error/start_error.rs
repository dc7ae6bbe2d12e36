//! Why a swarm did not start.

use thiserror::Error;

use super::Advice;
use crate::words::text::OneLine;

/// Why a swarm could not start.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting of the builder is invalid.
    #[error("the swarm cannot start: {} is wrong: {}", OneLine(.field), OneLine(.message))]
    BadField {
        /// The field.
        field: String,
        /// What is wrong with it, and how to fix it.
        message: String,
    },
    /// It was started outside a tokio runtime.
    #[error(
        "the swarm cannot start outside a tokio runtime: call `start` from async code, or enter a runtime first"
    )]
    NoRuntime,
    /// The tokio runtime that it was started on has no timers.
    #[error(
        "the swarm cannot start on a runtime without timers: build it with `enable_time` or `enable_all`"
    )]
    NoTimers,
}

impl StartError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::BadField { .. } | Self::NoRuntime | Self::NoTimers => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with: a swarm is described by its author.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::BadField { .. } | Self::NoRuntime | Self::NoTimers => 500,
        }
    }
}
