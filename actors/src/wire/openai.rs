//! OpenAI's chat completions, as described at <https://platform.openai.com/docs/api-reference/chat> and as compatible
//! servers speak them.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::refusal::ProviderError;
use super::{Bound, count, odd, text};
use crate::model::{Chunk, End, Message, ModelError, Request, Tokens, ToolPiece};

/// The body of a request.
pub(super) fn body(model: &str, request: &Request, bound: Bound) -> Value {
    let system = request.system.iter().map(|text| json!({ "role": "system", "content": text }));
    let messages: Vec<_> = system.chain(request.messages.iter().map(message)).collect();
    let mut body = json!({
        "model": model,
        "stream": true,
        "stream_options": { "include_usage": true },
        "messages": messages,
    });
    // A model accepts one of the two, and a caller who sets one knows which.
    const BOUNDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];
    let is_set = BOUNDS.iter().any(|name| request.settings.contains_key(*name));
    if let Some(most) = request.max_output_tokens.filter(|_| !is_set) {
        let name = match bound {
            Bound::MaxTokens => BOUNDS[0],
            Bound::MaxCompletionTokens => BOUNDS[1],
        };
        body[name] = most.into();
    }
    if !request.tools.is_empty() {
        body["tools"] = request
            .tools
            .iter()
            .map(|tool| {
                let function =
                    json!({ "name": tool.name, "description": tool.description, "parameters": tool.schema });
                json!({ "type": "function", "function": function })
            })
            .collect();
    }
    for (name, value) in &request.settings {
        body[name] = value.clone();
    }
    body
}

fn message(message: &Message) -> Value {
    match message {
        Message::User { text } => json!({ "role": "user", "content": text }),
        Message::Assistant { text, tool_calls } if tool_calls.is_empty() => {
            json!({ "role": "assistant", "content": text })
        }
        Message::Assistant { text, tool_calls } => {
            let calls: Vec<_> = tool_calls
                .iter()
                .map(|call| {
                    let function = json!({ "name": call.name, "arguments": call.arguments });
                    json!({ "id": call.id, "type": "function", "function": function })
                })
                .collect();
            let content = if text.is_empty() { Value::Null } else { text.as_str().into() };
            json!({ "role": "assistant", "content": content, "tool_calls": calls })
        }
        Message::Tool { call, output } => json!({ "role": "tool", "tool_call_id": call, "content": output }),
    }
}

#[derive(Default)]
pub(super) struct Reader {
    /// How many tool calls have started: some servers do not number them.
    calls: u32,
}

impl Reader {
    pub(super) fn read(&mut self, data: &str, chunks: &mut VecDeque<Chunk>) -> Result<(), ModelError> {
        if data.trim() == "[DONE]" {
            return Ok(());
        }
        let event: Value = serde_json::from_str(data).map_err(|_| odd("an event that is not JSON"))?;
        self.take(&event, "delta", chunks)
    }

    pub(super) fn whole(&mut self, answer: &Value, chunks: &mut VecDeque<Chunk>) -> Result<(), ModelError> {
        if answer.get("choices").is_none() && answer.get("error").is_none() {
            return Err(odd("an answer without choices"));
        }
        self.take(answer, "message", chunks)
    }

    fn take(&mut self, event: &Value, part: &str, chunks: &mut VecDeque<Chunk>) -> Result<(), ModelError> {
        if event.get("error").is_some_and(|error| !error.is_null()) {
            return Err(ProviderError::of(event).in_stream());
        }
        // There is only one, since no more are requested.
        if let Some(choice) = event["choices"].get(0) {
            let said = &choice[part];
            chunks.extend(text(&said["content"]).map(Chunk::Text));
            for call in said["tool_calls"].as_array().into_iter().flatten() {
                chunks.push_back(Chunk::ToolCall(self.piece(call)));
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                chunks.push_back(Chunk::End(end(reason)));
            }
        }
        // Usage comes independently of the rest: some servers send it with the last choice, some in an event of its own.
        if let Some(usage) = event.get("usage").filter(|usage| usage.is_object()) {
            let cached = count(&usage["prompt_tokens_details"]["cached_tokens"]);
            let (input, output) = (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]));
            chunks.push_back(Chunk::Usage(Tokens::inclusive(input, cached, output)));
        }
        Ok(())
    }

    fn piece(&mut self, call: &Value) -> ToolPiece {
        let (id, name) = (text(&call["id"]), text(&call["function"]["name"]));
        let index = match call["index"].as_u64() {
            Some(index) => u32::try_from(index).unwrap_or(u32::MAX),
            // A piece without a number starts a new call if it has a name.
            None => self.calls.saturating_sub(u32::from(name.is_none())),
        };
        if name.is_some() {
            self.calls = self.calls.max(index).saturating_add(1);
        }
        let arguments = match &call["function"]["arguments"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            // Some servers send JSON instead of text.
            other => other.to_string(),
        };
        ToolPiece { index, id, name, arguments }
    }
}

fn end(reason: &str) -> End {
    match reason {
        "length" | "max_tokens" => End::Length,
        "tool_calls" | "function_call" => End::ToolCalls,
        "content_filter" => End::Filtered,
        _ => End::Stop,
    }
}
