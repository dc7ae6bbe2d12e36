//! A review as one answer.

use axum::Json;
use axum::extract::State;

use super::WITHIN;
use crate::app::App;
use crate::error::ApiError;
use crate::notes::Notes;
use crate::order::{Client, Ordered};
use crate::review::Lead;
use crate::words::Answer;

/// Runs a review and answers with its report. If the client hangs up, the server drops this future, and with it the run: the
/// subtree of this request is stopped, and what it asked of models is closed.
pub(super) async fn review(
    State(app): State<App>,
    Client(tenant): Client,
    Ordered(order): Ordered,
) -> Result<Json<Answer>, ApiError> {
    let words = app.words(&tenant.name);
    let _place = app.admit()?;
    let visit = app.tenants.visit(&tenant).await.map_err(|error| ApiError::spawn(&error, &words))?;
    let spec = Lead::spec(&order, Notes::default()).under(&visit.agent);
    let ran = app.swarm.run(spec, order).within(WITHIN).await;
    Ok(Json(words.report(ran.map_err(|error| ApiError::run(&error, &words))?)))
}
