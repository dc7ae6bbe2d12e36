//! A review as server-sent events: what the lead does, its summary word by word, and at last the report.

use std::convert::Infallible;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use serde_json::json;
use skep::RunError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::WITHIN;
use crate::app::App;
use crate::error::ApiError;
use crate::notes::{Note, Notes};
use crate::order::{Client, Ordered};
use crate::review::Lead;
use crate::tenants::Visit;
use crate::words::Words;

pub(super) async fn review(
    State(app): State<App>,
    Client(tenant): Client,
    Ordered(order): Ordered,
) -> Result<impl IntoResponse, ApiError> {
    let words = app.words(&tenant.name);
    let place = app.admit()?;
    let visit = app.tenants.visit(&tenant).await.map_err(|error| ApiError::spawn(&error, &words))?;
    let (notes, heard) = Notes::heard();
    let run = app.swarm.run(Lead::spec(&order, notes).under(&visit.agent), order).within(WITHIN);
    let last = |report, words: &Words| event("report", &json!(words.report(report)));
    Ok(Told::of(&app, run, (place, visit), heard, words, last))
}

type Running = Pin<Box<dyn Future<Output = Event> + Send>>;
type Held = (OwnedSemaphorePermit, Visit);

/// A run that is being told. Dropped, because the client hung up or the service shuts down, it drops the run; a run that is
/// over gives its place to the next, however slowly its client reads.
pub(super) struct Told {
    run: Option<(Running, Held)>,
    heard: mpsc::Receiver<Note>,
    closing: CancellationToken,
    words: Words,
}

impl Told {
    /// Tells a run as events, and at its end what `last` makes of its output.
    pub(super) fn of<R, O, T>(
        app: &App,
        run: R,
        held: Held,
        heard: mpsc::Receiver<Note>,
        words: Words,
        last: fn(O, &Words) -> Event,
    ) -> impl IntoResponse + use<R, O, T>
    where
        R: IntoFuture<Output = Result<O, RunError<T>>>,
        R::IntoFuture: Send + 'static,
        O: 'static,
        T: 'static,
    {
        let (run, words_at_end, closing) = (run.into_future(), words.clone(), app.closing.clone());
        let run: Running = Box::pin(async move {
            match run.await {
                Ok(output) => last(output, &words_at_end),
                // The swarm is stopped behind the closing, and may be quicker than this is polled.
                Err(_) if closing.is_cancelled() => closed(),
                Err(error) => event("failed", &ApiError::run(&error, &words_at_end).body()),
            }
        });
        let told = Self { run: Some((run, held)), heard, closing: app.closing.clone(), words };
        Sse::new(stream::unfold(told, Self::next)).keep_alive(KeepAlive::default())
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let (run, _) = self.run.as_mut()?;
        let event = tokio::select! {
            biased;
            Some(note) = self.heard.recv() => match note {
                Note::Doing(text) => event("doing", &json!(self.words.told(&text))),
                Note::Text(text) => event("text", &json!(text)),
                Note::Again => event("again", &json!("the text so far is void")),
            },
            last = run => {
                self.run = None;
                last
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
    event("closed", &json!("the service is shutting down"))
}

pub(super) fn event(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
