//! A chat as server-sent events: the answer piece by piece, and at last as a whole.

use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use super::WITHIN;
use super::stream::{Told, event};
use crate::app::App;
use crate::chat::Host;
use crate::error::ApiError;
use crate::notes::Notes;
use crate::order::{Asked, Client};
use crate::words::Words;

/// Answers a chat. If the client hangs up, the server drops the stream, and with it the run: the model's stream is closed, so that
/// nobody pays for the rest.
pub(super) async fn chat(
    State(app): State<App>,
    Client(tenant): Client,
    Asked(chat): Asked,
) -> Result<impl IntoResponse, ApiError> {
    let words = app.words(&tenant.name).about("the chat");
    let place = app.admit()?;
    let visit = app.tenants.visit(&tenant).await.map_err(|error| ApiError::spawn(&error, &words))?;
    let (notes, heard) = Notes::heard();
    let run = app.swarm.run(Host::spec(&chat, notes).under(&visit.agent), chat).within(WITHIN);
    let last = |answered, _: &Words| event("answer", &json!(answered));
    Ok(Told::of(&app, run, (place, visit), heard, words, last))
}
