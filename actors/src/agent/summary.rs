//! A short summary of what was left out of a conversation: one call of a model, kept for the next attempt like any
//! effect.

use skep_runtime::{AgentError, Context, EffectError};

use super::context::{Conversation, bytes_of, cut, leave_out, to_leave_out};
use crate::defaults;
use crate::model::{CallModel as _, Message, Request};

/// The instructions for the model that summarises.
const TOLD: &str = "You are given the older part of the work of an agent. Write down, briefly and in full sentences, what somebody needs \
                    who goes on with it: what was asked, what was found out, what was decided, what is still to be done. Names, paths \
                    and numbers stay as they are. Write nothing else.";
/// The line before a summary.
const BEFORE: &str = "What was done before this, in short:";
/// How many bytes of each message are given to be summarised: its beginning says what it is about.
const EACH: usize = 4_096;

/// Replaces the oldest exchanges with a summary, as many as needed for the rest to fit into `room` bytes. At most
/// `longest` bytes of them are given to be summarised. If there is no summary, the conversation stays as it is, to be
/// pruned later.
pub(super) async fn summarise(
    cx: &Context,
    by: &str,
    longest: usize,
    mut talk: Conversation,
    room: usize,
) -> Result<Conversation, AgentError> {
    // The summary needs room too.
    let most = usize::try_from(defaults::SUMMARY_OUTPUT * 4).unwrap_or(usize::MAX);
    let gone = to_leave_out(&talk, room.saturating_sub(most.min(room / 2)));
    let Some(place) = gone.first().copied() else { return Ok(talk) };
    let old: Vec<Message> = gone.iter().map(|at| talk.messages[*at].clone()).collect();
    let request = Request::from(transcript(&old, longest)).system(TOLD);
    match cx.model(by).max_output_tokens(defaults::SUMMARY_OUTPUT).ask(request).await {
        Ok(reply) => {
            let mut text = format!("{BEFORE}\n{}", reply.text.trim());
            // It must not be longer than what it replaces.
            cut(&mut text, most.min(bytes_of(&old)));
            leave_out(&mut talk, &gone);
            talk.messages.insert(place, Message::user(text));
            talk.task += usize::from(place <= talk.task);
            Ok(talk)
        }
        Err(error @ (EffectError::OverBudget { .. } | EffectError::Cancelled { .. })) => Err(error.into()),
        Err(_) => Ok(talk),
    }
}

/// The messages as one text; the latest get room first.
fn transcript(messages: &[Message], room: usize) -> String {
    let mut left = room;
    let mut parts = Vec::new();
    for message in messages.iter().rev() {
        let mut part = match message {
            Message::User { text } => format!("User: {text}"),
            Message::Assistant { text, tool_calls } => {
                let calls: Vec<_> =
                    tool_calls.iter().map(|call| format!("[{} {}]", call.name, call.arguments)).collect();
                format!("Agent: {text} {}", calls.join(" "))
            }
            Message::Tool { output, .. } => format!("Result: {output}"),
        };
        cut(&mut part, EACH);
        if part.len() > left {
            parts.push("[What was before this is too long to be shown.]".to_owned());
            break;
        }
        left -= part.len();
        parts.push(part);
    }
    parts.reverse();
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ToolCall;

    #[test]
    fn a_transcript_has_the_latest_whole_and_says_what_it_lacks() {
        let call = ToolCall { id: "1".into(), name: "read".into(), arguments: "{\"path\":\"a\"}".into() };
        let messages = [
            Message::user("x".repeat(300)),
            Message::Assistant { text: "Let me see.".into(), tool_calls: vec![call.clone()] },
            Message::tool(&call, "y".repeat(9_000)),
        ];
        let all = transcript(&messages, 100_000);
        assert!(all.starts_with("User: xxx") && all.contains("Agent: Let me see. [read {\"path\":\"a\"}]"));
        assert!(all.len() < 300 + EACH + 200 && all.contains("were cut to make room"));
        let short = transcript(&messages, EACH + 100);
        assert!(short.starts_with("[What was before this is too long") && short.contains("Let me see"));
        assert_eq!(transcript(&[], 9), "");
    }
}
