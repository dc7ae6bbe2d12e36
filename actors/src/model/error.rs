//! Why a model gave no answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::text::{OneLine, one_line};
use skep_runtime::{Advice, AgentError, EffectError, FailureClass};
use thiserror::Error;

use crate::defaults;

/// Why a model gave no answer, or no whole one.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModelError {
    /// Too many requests: HTTP's 429.
    #[error("the model's rate limit is reached")]
    RateLimited {
        /// When to try again, if the provider says.
        retry_after: Option<Duration>,
    },
    /// The provider has no room: HTTP's 503 and 529.
    #[error("the model is overloaded")]
    Overloaded {
        /// When to try again, if the provider says.
        retry_after: Option<Duration>,
    },
    /// The account has nothing left to spend: HTTP's 402, and a 429 that says so. No waiting helps.
    #[error("the account at the provider has nothing left to spend")]
    QuotaUsedUp,
    /// The key is missing, or may not do this: HTTP's 401 and 403.
    #[error("the provider does not accept the key: {}", OneLine(.0))]
    Unauthorized(String),
    /// The request has more tokens than the model can take.
    #[error("the request is longer than the model's context")]
    ContextTooLong,
    /// There was no connection, or no first word over it: the provider has not seen the request, or has not started on
    /// it.
    #[error("the provider could not be reached: {}", OneLine(.0))]
    Unreachable(String),
    /// The request is wrong in another way: HTTP's 400, 404, 422.
    #[error("the model refused the request: {}", OneLine(.0))]
    Refused(String),
    /// The provider failed.
    #[error("the model failed: {}", OneLine(.0))]
    Failed(String),
    /// The answer broke off.
    #[error("the model's answer was cut off")]
    Cut,
    /// Nothing came for too long a time.
    #[error("the model was silent for {0:?}")]
    Silent(Duration),
    /// The swarm has no model of this name.
    #[error("no model is named {name:?}: {}", list(.known))]
    Unknown {
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// The model's price is unknown, and the swarm does not call such models. Nothing was sent.
    #[error(
        "the price of the model {} is not known: give it some by `.prices(..)` or by a table, `Models::prices(..)`, or say what \
         is to become of such models, `Models::unknown_price(..)`",
        OneLine(.0)
    )]
    Unpriced(String),
    /// The cassette has no answer for the request, or has given all that it had. Nothing was sent.
    #[error("there is no recorded answer: {}", OneLine(.0))]
    Unrecorded(String),
    /// The model has answered, but the answer could not be written to the cassette.
    #[error("the answer could not be recorded: {}", OneLine(.0))]
    NotRecorded(String),
    /// A script has no step for the call.
    #[error("the script has no answer for request {0}")]
    Unscripted(usize),
}

fn list(names: &[String]) -> String {
    match names {
        [] => "the swarm has none; give it some with `.resource(Models::new().with(..))`".to_owned(),
        names => one_line(&format!("there is {}", names.join(", "))),
    }
}

impl ModelError {
    /// Whether to try again.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after } => {
                Advice::After(retry_after.unwrap_or(defaults::MODEL_RETRY_AFTER))
            }
            Self::Failed(_) | Self::Cut | Self::Silent(_) | Self::Unreachable(_) => Advice::Now,
            Self::QuotaUsedUp
            | Self::Unauthorized(_)
            | Self::ContextTooLong
            | Self::Refused(_)
            | Self::Unknown { .. }
            | Self::Unpriced(_)
            | Self::Unrecorded(_)
            | Self::NotRecorded(_)
            | Self::Unscripted(_) => Advice::Never,
        }
    }

    /// Whether an effect failed because the request is longer than the model's context. An effect's error is a value that
    /// can be sent on, so this is recognised by its text.
    #[must_use]
    pub fn is_context_too_long(error: &EffectError) -> bool {
        matches!(error, EffectError::Failed { error, .. } if error.to_string().contains(&Self::ContextTooLong.to_string()))
    }

    /// Whether the provider bills the try: what it rejected before starting is not billed.
    #[must_use]
    pub const fn is_billed(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Cut | Self::Silent(_) | Self::NotRecorded(_))
    }
}

impl From<ModelError> for AgentError {
    fn from(error: ModelError) -> Self {
        let class = match error {
            ModelError::RateLimited { .. } | ModelError::Overloaded { .. } => FailureClass::Overloaded,
            _ => FailureClass::Failed,
        };
        Self::new(class, error.to_string()).advise(error.advice())
    }
}
