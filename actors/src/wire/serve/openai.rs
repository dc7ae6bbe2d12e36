//! OpenAI's side of a chat completion.

use serde_json::{Value, json};

use super::{Gathered, code, content, event, id, settings};
use crate::model::{Chunk, End, Message, ModelError, Request, Tokens, Tool, ToolCall};

const KNOWN: [&str; 7] =
    ["model", "messages", "stream", "stream_options", "max_tokens", "tools", "max_completion_tokens"];

/// Parses a body into a request.
pub(super) fn request(body: &Value) -> Result<Request, &'static str> {
    let messages = body["messages"].as_array().ok_or("`messages` is missing")?;
    let mut request = Request::new();
    for message in messages {
        let text = content(&message["content"]);
        request = match message["role"].as_str() {
            Some("system" | "developer") => request.system(text),
            Some("user") => request.message(Message::user(text)),
            Some("assistant") => {
                let calls = message["tool_calls"].as_array().into_iter().flatten();
                request.message(Message::Assistant { text, tool_calls: calls.map(call).collect() })
            }
            Some("tool") => {
                let call =
                    message["tool_call_id"].as_str().ok_or("a tool's message has no `tool_call_id`")?;
                request.message(Message::Tool { call: call.to_owned(), output: text })
            }
            _ => return Err("a message has no role that is known"),
        };
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        let function = &tool["function"];
        let name = function["name"].as_str().ok_or("a tool has no name")?;
        let about = function["description"].as_str().unwrap_or_default();
        request = request.tool(Tool::new(name, about, function["parameters"].clone()));
    }
    let most = body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64());
    request.max_output_tokens = most.or(Some(crate::defaults::MODEL_OUTPUT));
    request.settings.extend(settings(body, &KNOWN));
    Ok(request)
}

fn call(call: &Value) -> ToolCall {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let function = &call["function"];
    ToolCall { id: text(&call["id"]), name: text(&function["name"]), arguments: text(&function["arguments"]) }
}

pub(super) struct Writer {
    model: String,
}

impl Writer {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned() }
    }

    pub(super) fn write(&self, chunk: &Chunk) -> String {
        let choice = |delta: Value, reason: Option<&str>| json!([{ "index": 0, "delta": delta, "finish_reason": reason }]);
        let (choices, usage) = match chunk {
            Chunk::Text(text) => (choice(json!({ "content": text }), None), None),
            Chunk::ToolCall(piece) => {
                let mut call = json!({ "index": piece.index, "function": { "arguments": piece.arguments } });
                if let Some(id) = &piece.id {
                    call["id"] = id.as_str().into();
                    call["type"] = "function".into();
                }
                if let Some(name) = &piece.name {
                    call["function"]["name"] = name.as_str().into();
                }
                (choice(json!({ "tool_calls": [call] }), None), None)
            }
            Chunk::End(end) => (choice(json!({}), Some(reason(*end))), None),
            Chunk::Usage(tokens) => (json!([]), Some(usage(tokens))),
        };
        let mut data = json!({
            "id": id("chatcmpl"), "object": "chat.completion.chunk", "created": 0, "model": self.model,
            "choices": choices,
        });
        if let Some(usage) = usage {
            data["usage"] = usage;
        }
        event(None, &data)
    }
}

fn usage(tokens: &Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input.saturating_add(tokens.output),
        "prompt_tokens_details": { "cached_tokens": tokens.cached },
    })
}

const fn reason(end: End) -> &'static str {
    match end {
        End::Stop => "stop",
        End::Length => "length",
        End::ToolCalls => "tool_calls",
        End::Filtered => "content_filter",
    }
}

/// An answer that is not streamed.
pub(super) fn whole(model: &str, all: &Gathered) -> Value {
    let mut message = json!({ "role": "assistant", "content": all.text });
    if !all.calls.is_empty() {
        message["tool_calls"] = all.calls.iter().map(|(id, name, arguments)| {
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
        }).collect();
    }
    let reason = all.end.map(reason);
    json!({
        "id": id("chatcmpl"), "object": "chat.completion", "created": 0, "model": model,
        "choices": [{ "index": 0, "message": message, "finish_reason": reason }],
        "usage": usage(&all.tokens),
    })
}

pub(super) fn list(names: &[String]) -> Value {
    let models: Vec<_> = names
        .iter()
        .map(|name| json!({ "id": name, "object": "model", "created": 0, "owned_by": "skep" }))
        .collect();
    json!({ "object": "list", "data": models })
}

pub(super) fn error(error: &ModelError) -> Value {
    json!({ "error": { "message": error.to_string(), "type": code(error), "code": code(error) } })
}
