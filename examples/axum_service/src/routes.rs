//! Where requests go.

mod agents;
mod chat;
mod insight;
mod reviews;
mod stream;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::app::App;
use crate::error::ApiError;
use crate::order::BODY;

/// How long a review or an answer may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(120);

pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/tenants/{tenant}/reviews", post(reviews::review))
        .route("/tenants/{tenant}/reviews/stream", post(stream::review))
        .route("/tenants/{tenant}/chat", post(chat::chat))
        .route("/agents", get(insight::agents))
        .route("/costs", get(insight::costs))
        .route("/metrics", get(insight::metrics))
        .route("/models", get(insight::models))
        .merge(agents::routes())
        .fallback(|| async { ApiError::client(StatusCode::NOT_FOUND, "there is nothing at this path") })
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(app)
}
