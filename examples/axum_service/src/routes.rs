//! Where requests go.

mod insight;
mod reviews;
mod stream;

use axum::Router;
use axum::routing::{get, post};

use std::time::Duration;

use crate::app::App;

/// How long a review may take.
const WITHIN: Duration = Duration::from_secs(120);

pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/tenants/{tenant}/reviews", post(reviews::review))
        .route("/tenants/{tenant}/reviews/stream", post(stream::review))
        .route("/agents", get(insight::agents))
        .route("/costs", get(insight::costs))
        .route("/metrics", get(insight::metrics))
        .route("/models", get(insight::models))
        .with_state(app)
}
