//! A call that an agent has no grant for, made by an agent above it.
//!
//! The call goes up as a question. The first agent above that takes up calls, has a tool of that name and holds the grant
//! makes the call, under its own name and on its own bill. The asking agent's ceilings apply there too: what an agent's
//! ceiling forbids, nobody does for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::{AgentError, Answer, Context, EffectError, Question, QuestionError};

use super::{Output, Toolset};

/// The topic of the question.
const ABOUT: &str = "skep.tool";

/// The call that is handed up.
#[derive(Debug, Serialize, Deserialize)]
struct HandedUp {
    name: String,
    arguments: String,
}

/// The tools that an agent lends to those below it: a resource of its spec. An agent that lends none sets this to `None`;
/// otherwise it would inherit the value of an agent above it.
#[derive(Clone, Debug)]
pub(crate) struct TakesUp(pub(crate) Option<Toolset>);

/// Hands a call up. `why` says what its own agent has no grant for.
pub(super) async fn hand_up(
    cx: &Context,
    (name, within): (&str, Duration),
    arguments: &str,
    why: &str,
) -> Output {
    let handed = HandedUp { name: name.to_owned(), arguments: arguments.to_owned() };
    let question = match Question::about(ABOUT).with(handed) {
        Ok(question) => question,
        Err(error) => return Output::error(error.to_string()),
    };
    let refused = |more: String| Output::error(format!("you may not do that: {why}; {more}"));
    match cx.ask_parent(question).within(within).await {
        Ok(answer) => answer.read().unwrap_or_else(|error| refused(error.to_string())),
        Err(QuestionError::Unanswered { .. }) => refused("nobody above you does it for you".to_owned()),
        // The call may have been made.
        Err(error) => Output::error(format!("it was handed up, and what became of it is unknown: {error}")),
    }
}

/// Makes a call that was handed up, if it is allowed here; otherwise the call goes further up.
pub(crate) async fn take_up(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
    if question.topic() != ABOUT {
        return Ok(None);
    }
    let takes = cx.get::<TakesUp>();
    let Some(tools) = takes.as_ref().and_then(|takes| takes.0.as_ref()) else { return Ok(None) };
    let HandedUp { name, arguments } = question.read()?;
    if !tools.names().any(|known| known == name) {
        return Ok(None);
    }
    match tools.make(&cx, &name, &arguments).await {
        Err(EffectError::BeyondCeiling { .. } | EffectError::NotGranted { .. }) => Ok(None),
        Err(error @ (EffectError::OverBudget { .. } | EffectError::Cancelled { .. })) => Err(error.into()),
        made => Ok(Some(Answer::of(Toolset::told(made)?)?)),
    }
}
