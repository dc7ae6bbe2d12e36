//! What a client is told when something is not done: the runtime's own status and advice, as HTTP.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use skep::{Advice, ControlError, LookupError, RunError, SpawnError};

use crate::words::Words;

/// A refusal or a failure: a status, a line, and when to come again.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// Not now: too much is going on.
    pub(crate) fn unavailable(message: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: message.to_owned(),
            retry_after: Some(Duration::from_secs(1)),
        }
    }

    /// Something that the client has to mend.
    pub(crate) fn client(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned(), retry_after: None }
    }

    /// A refusal of a tenant's agent, told in the tenant's words.
    pub(crate) fn spawn(error: &SpawnError, words: &Words) -> Self {
        Self::new(error.http_status(), error.advice(), words.told(&error.to_string()))
    }

    /// Why a review has no report, told in the tenant's words.
    pub(crate) fn run<T>(error: &RunError<T>, words: &Words) -> Self {
        Self::new(error.http_status(), error.advice(), words.told(&error.to_string()))
    }

    fn new(status: u16, advice: Advice, message: String) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, message, retry_after: advice.retry_after() }
    }

    /// As data, for a client that has its `200` already and listens to events.
    pub(crate) fn body(&self) -> serde_json::Value {
        serde_json::json!({ "status": self.status.as_u16(), "error": self.message })
    }
}

impl From<LookupError> for ApiError {
    fn from(error: LookupError) -> Self {
        Self::new(error.http_status(), error.advice(), error.to_string())
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        Self::new(error.http_status(), error.advice(), error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // Whole seconds, and none too early.
        let seconds = |pause: Duration| pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        let retry: Option<[(HeaderName, String); 1]> =
            self.retry_after.map(|pause| [(header::RETRY_AFTER, seconds(pause).to_string())]);
        let body = Json(self.body());
        match retry {
            Some(retry) => (self.status, retry, body).into_response(),
            None => (self.status, body).into_response(),
        }
    }
}
