//! A review as server-sent events: what the lead does, its summary word by word, and at last the report.

use std::convert::Infallible;
use std::future::{Future, IntoFuture as _};
use std::pin::Pin;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::json;
use skep::RunError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::WITHIN;
use crate::app::App;
use crate::error::ApiError;
use crate::order::{Client, Ordered};
use crate::review::{Lead, Note, Order, Report};
use crate::tenants::Visit;
use crate::words::Words;

pub(super) async fn review(
    State(app): State<App>,
    Client(tenant): Client,
    Ordered(order): Ordered,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let words = app.words(&tenant.name);
    let place = app.admit()?;
    let visit = app.tenants.visit(&tenant).await.map_err(|error| ApiError::spawn(&error, &words))?;
    let (notes, heard) = mpsc::channel(16);
    let spec = Lead::spec(&order, Some(notes)).under(&visit.agent);
    let run = app.swarm.run(spec, order).within(WITHIN).into_future();
    let told = Told { run: Some((run, place, visit)), heard, closing: app.closing.clone(), words };
    Ok(Sse::new(stream::unfold(told, Told::next)).keep_alive(KeepAlive::default()))
}

type Running = Pin<Box<dyn Future<Output = Result<Report, RunError<Order>>> + Send>>;

/// A review that is being told. Dropped, because the client hung up or the service goes down, it drops the run; a run that is
/// over gives its place to the next, however slowly its client reads.
struct Told {
    run: Option<(Running, OwnedSemaphorePermit, Visit)>,
    heard: mpsc::Receiver<Note>,
    closing: CancellationToken,
    words: Words,
}

impl Told {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let (run, ..) = self.run.as_mut()?;
        let event = tokio::select! {
            biased;
            Some(note) = self.heard.recv() => match note {
                Note::Doing(text) => event("doing", &json!(self.words.told(&text))),
                Note::Text(text) => event("text", &json!(text)),
            },
            result = run => {
                self.run = None;
                match result {
                    Ok(report) => event("report", &json!(self.words.report(report))),
                    // The swarm is stopped behind the closing, and may be quicker than this is polled.
                    Err(_) if self.closing.is_cancelled() => closed(),
                    Err(error) => event("failed", &ApiError::run(&error, &self.words).body()),
                }
            }
            // An open stream would keep the server from ever ending.
            () = self.closing.cancelled() => {
                self.run = None;
                closed()
            }
        };
        Some((Ok(event), self))
    }
}

fn closed() -> Event {
    event("closed", &json!("the service is going down"))
}

fn event(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
