//! Control of any agent by its id or its name: for the people and programs that run the service, not for its clients.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use skep::children::Child;
use skep::control::Interrupted;
use skep::pause::{PauseReceipt, ResumeReceipt};
use skep::{Breakdown, Budget, Control, Event, Pause, Status, Stop, StopReceipt};

use crate::app::App;
use crate::error::ApiError;

/// So many of the latest events of an agent are shown.
const EVENTS: usize = 500;

type Answer<T> = Result<Json<T>, ApiError>;

/// How much time something has, if the request says so.
#[derive(Default, Deserialize)]
struct Within {
    within_ms: Option<u64>,
}

impl Within {
    fn or(body: Option<Json<Self>>, default: Duration) -> Duration {
        let within = body.and_then(|Json(body)| body.within_ms);
        within.map_or(default, Duration::from_millis)
    }
}

/// What is granted on top of a budget.
#[derive(Deserialize)]
struct More {
    usd: String,
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/agents/{id}", get(status))
        .route("/agents/{id}/children", get(children))
        .route("/agents/{id}/costs", get(costs))
        .route("/agents/{id}/history", get(history))
        .route("/agents/{id}/stop", post(stop))
        .route("/agents/{id}/drain", post(drain))
        .route("/agents/{id}/kill", post(kill))
        .route("/agents/{id}/interrupt", post(interrupt))
        .route("/agents/{id}/pause", post(pause))
        .route("/agents/{id}/resume", post(resume))
        .route("/agents/{id}/grant", post(grant))
}

/// Whoever has this id or this name; one that has ended answers what the journal still knows.
fn found(app: &App, id: &str) -> Result<Control, ApiError> {
    Ok(app.swarm.control(id)?)
}

async fn status(State(app): State<App>, Path(id): Path<String>) -> Answer<Status> {
    Ok(Json(found(&app, &id)?.status()))
}

async fn children(State(app): State<App>, Path(id): Path<String>) -> Answer<Vec<Child>> {
    Ok(Json(found(&app, &id)?.children()?.which_children()))
}

async fn costs(State(app): State<App>, Path(id): Path<String>) -> Answer<Breakdown> {
    Ok(Json(found(&app, &id)?.costs()))
}

async fn history(State(app): State<App>, Path(id): Path<String>) -> Answer<Vec<Event>> {
    let events = found(&app, &id)?.events_so_far();
    let latest = &events[events.len().saturating_sub(EVENTS)..];
    Ok(Json(latest.iter().map(|event| Event::clone(event)).collect()))
}

async fn stop(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Option<Json<Within>>,
) -> Answer<StopReceipt> {
    let within = Within::or(body, Duration::from_secs(10));
    Ok(Json(found(&app, &id)?.stop(Stop::within(within)).await?))
}

async fn drain(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Option<Json<Within>>,
) -> Answer<StopReceipt> {
    let within = Within::or(body, Duration::from_secs(60));
    Ok(Json(found(&app, &id)?.drain(within).await?))
}

async fn kill(State(app): State<App>, Path(id): Path<String>) -> Answer<()> {
    Ok(Json(found(&app, &id)?.kill()?))
}

async fn interrupt(State(app): State<App>, Path(id): Path<String>) -> Answer<Interrupted> {
    Ok(Json(found(&app, &id)?.interrupt()?))
}

async fn pause(
    State(app): State<App>,
    Path(id): Path<String>,
    body: Option<Json<Within>>,
) -> Answer<PauseReceipt> {
    let within = Within::or(body, Duration::from_secs(10));
    Ok(Json(found(&app, &id)?.pause(Pause::at_next_await().within(within)).await?))
}

async fn resume(State(app): State<App>, Path(id): Path<String>) -> Answer<ResumeReceipt> {
    Ok(Json(found(&app, &id)?.resume()?))
}

async fn grant(State(app): State<App>, Path(id): Path<String>, Json(more): Json<More>) -> Answer<()> {
    Ok(Json(found(&app, &id)?.grant(Budget::usd(&more.usd))?))
}
