//! A chat: a model agent answers, and what it says is passed on as it comes.

use serde::{Deserialize, Serialize};
use skep::actors::ModelAgent;
use skep::actors::agent::{Piece, Prompt, StreamPieces as _};
use skep::actors::model::Message;
use skep::{Agent, AgentError, AgentSpec, Budget, Context, NanoUsd};

use crate::notes::{Note, Notes};
use crate::routes::WITHIN;

/// What a client says; `order.rs` has what it may be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chat {
    pub(crate) text: String,
    /// What was said before, oldest first: the client keeps the conversation, not the service.
    #[serde(default)]
    pub(crate) before: Vec<Said>,
    /// What this answer may cost, in dollars.
    #[serde(default = "crate::review::five_cents")]
    pub(crate) cap: String,
}

/// Something that was said before, as `{"user": "…"}` or `{"model": "…"}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    User(String),
    Model(String),
}

impl From<&Chat> for Prompt {
    fn from(chat: &Chat) -> Self {
        let message = |said: &Said| match said {
            Said::User(text) => Message::user(text),
            Said::Model(text) => Message::assistant(text),
        };
        Self { text: chat.text.clone(), before: chat.before.iter().map(message).collect() }
    }
}

/// The whole answer: the pieces put together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) text: String,
    pub(crate) cost: NanoUsd,
}

/// Has a model agent answer, and passes its pieces on.
pub(crate) struct Host {
    notes: Notes,
}

impl Host {
    pub(crate) fn spec(chat: &Chat, notes: Notes) -> AgentSpec<Self> {
        AgentSpec::new("chat", move || Self { notes: notes.clone() }).budget(Budget::usd(&chat.cap))
    }
}

impl Agent for Host {
    type Task = Chat;
    type Output = Answered;

    async fn handle(&mut self, chat: &Chat, cx: &Context) -> Result<Answered, AgentError> {
        let talker = ModelAgent::new("fast").system("You are friendly and brief.").max_output_tokens(300);
        let talker = cx.spawn(talker.spec("talker")).await?;
        // Dropped with this turn, the stream withdraws the task, and with it the call of the model.
        let mut pieces = cx.ask(&talker, Prompt::from(chat)).within(WITHIN).pieces();
        while let Some(piece) = pieces.next().await {
            match piece {
                Piece::Text(text) => self.notes.say(Note::Text(text)).await,
                Piece::Again => self.notes.say(Note::Again).await,
                _ => {}
            }
        }
        let text = pieces.output().await?;
        Ok(Answered { text, cost: talker.cost().spent.money })
    }
}
