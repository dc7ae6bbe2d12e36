//! The models of a swarm in a lab: as the test or the app gives them, with a fault point at the provider's end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use skep_actors::model::{Chunk, Chunks, ModelError, Prices, Request};
use skep_actors::{Model, Models};
use skep_runtime::Env;
use skep_runtime::effect::Link;
use skep_runtime::fault::{Fault, Phase, arrive};

/// The app's models and the lab's, which take the place of those of the same name.
pub(super) fn provided(app: Option<&Models>, lab: &Models) -> Models {
    let all = app.cloned().unwrap_or_default().and(lab.clone());
    all.wrapped(|name, model| Provided { name: name.to_owned(), model })
}

/// A model whose provider does what the plan says.
struct Provided {
    name: String,
    model: Arc<dyn Model>,
}

impl Model for Provided {
    fn name(&self) -> Option<&str> {
        self.model.name()
    }

    fn prices(&self) -> Option<Prices> {
        self.model.prices()
    }

    fn input_at_most(&self, request: &Request) -> u64 {
        self.model.input_at_most(request)
    }

    fn provider(&self) -> Option<&str> {
        self.model.provider()
    }

    fn limits(&self) -> Vec<Arc<dyn Link>> {
        self.model.limits()
    }

    fn shut_for(&self, tokens: u64, env: &Env) -> Duration {
        self.model.shut_for(tokens, env)
    }

    fn window(&self) -> Option<u64> {
        self.model.window()
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        let answer = || self.model.stream(Arc::clone(&request), env);
        match arrive(Phase::Model, &self.name) {
            Some(Fault::Timeout) => Box::pin(stream::pending()),
            Some(Fault::RateLimited(after)) => fails(ModelError::RateLimited { retry_after: Some(after) }),
            Some(Fault::Unavailable(503 | 529)) => fails(ModelError::Overloaded { retry_after: None }),
            Some(Fault::Unavailable(status)) => fails(ModelError::Failed(format!("status {status}"))),
            Some(Fault::Cut) => Box::pin(answer().filter(|chunk| std::future::ready(is_said(chunk))).take(1)),
            Some(Fault::Garbage) => Box::pin(answer().map(|chunk| chunk.map(garbled))),
            Some(Fault::Slow(pause)) => {
                let (env, answer) = (env.clone(), answer());
                let late = async move {
                    env.sleep_until(env.now() + pause).await;
                    answer
                };
                Box::pin(stream::once(late).flatten())
            }
            _ => answer(),
        }
    }
}

fn fails(error: ModelError) -> Chunks {
    Box::pin(stream::iter([Err(error)]))
}

/// Whether it is a part of what the model says, or why it says nothing.
fn is_said(chunk: &Result<Chunk, ModelError>) -> bool {
    matches!(chunk, Ok(Chunk::Text(_) | Chunk::ToolCall(_)) | Err(_))
}

/// As many characters, and no sense in them: arguments of a tool are not JSON any more.
fn garbled(chunk: Chunk) -> Chunk {
    let garble = |text: &str| "#".repeat(text.chars().count());
    match chunk {
        Chunk::Text(text) => Chunk::Text(garble(&text)),
        Chunk::ToolCall(mut piece) => {
            piece.arguments = garble(&piece.arguments);
            Chunk::ToolCall(piece)
        }
        other => other,
    }
}
