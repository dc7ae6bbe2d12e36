//! A review as one answer.

use axum::Json;
use axum::extract::{Path, State};

use super::WITHIN;
use crate::app::App;
use crate::error::ApiError;
use crate::review::{Lead, Order, Report};

/// Runs a review and answers with its report. If the client hangs up, axum drops this future, and with it the run: the
/// subtree of this request is stopped, and what it asked of models is closed.
pub(super) async fn review(
    State(app): State<App>,
    Path(tenant): Path<String>,
    Json(order): Json<Order>,
) -> Result<Json<Report>, ApiError> {
    let _place = app.admit()?;
    let tenant = app.tenant(&tenant).await?;
    let spec = Lead::spec(&order, None).under(&tenant);
    Ok(Json(app.swarm.run(spec, order).within(WITHIN).await?))
}
