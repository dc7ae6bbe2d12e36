//! What the people who run the service look at.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use skep::actors::model::Traffic;
use skep::{Metrics, Status};

use crate::app::App;

/// What each live agent is and does right now.
pub(super) async fn agents(State(app): State<App>) -> Json<Vec<Status>> {
    Json(app.swarm.status())
}

/// The bill, agent by agent.
pub(super) async fn costs(State(app): State<App>) -> String {
    app.swarm.costs().tree()
}

/// The swarm in numbers, for Prometheus.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], app.swarm.metrics().text())
}

/// How many streams the model has open, and what became of the others.
pub(super) async fn models(State(app): State<App>) -> Json<Traffic> {
    Json(app.model.traffic())
}
