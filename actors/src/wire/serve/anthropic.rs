//! Anthropic's side of a message.

use serde_json::{Value, json};

use super::{Gathered, code, content, event, id, settings};
use crate::model::{Chunk, End, Message, ModelError, Request, Tokens, Tool, ToolCall};

const KNOWN: [&str; 6] = ["model", "messages", "system", "stream", "max_tokens", "tools"];

/// Parses a body into a request.
pub(super) fn request(body: &Value) -> Result<Request, &'static str> {
    let messages = body["messages"].as_array().ok_or("`messages` is missing")?;
    let mut request = Request::new();
    let system = content(&body["system"]);
    if !system.is_empty() {
        request = request.system(system);
    }
    for message in messages {
        let parts: &[Value] = message["content"].as_array().map_or(&[], |parts| parts);
        let of = |kind: &'static str| parts.iter().filter(move |part| part["type"] == kind);
        let text = content(&message["content"]);
        match message["role"].as_str() {
            Some("user") => {
                for result in of("tool_result") {
                    let call = result["tool_use_id"].as_str().ok_or("a result has no `tool_use_id`")?;
                    let output = content(&result["content"]);
                    request = request.message(Message::Tool { call: call.to_owned(), output });
                }
                if of("tool_result").next().is_none() || !text.is_empty() {
                    request = request.message(Message::user(text));
                }
            }
            Some("assistant") => {
                let tool_calls = of("tool_use").map(call).collect();
                request = request.message(Message::Assistant { text, tool_calls });
            }
            _ => return Err("a message has no role that is known"),
        }
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        let name = tool["name"].as_str().ok_or("a tool has no name")?;
        let about = tool["description"].as_str().unwrap_or_default();
        request = request.tool(Tool::new(name, about, tool["input_schema"].clone()));
    }
    request.max_output_tokens = Some(body["max_tokens"].as_u64().ok_or("`max_tokens` is missing")?);
    request.settings.extend(settings(body, &KNOWN));
    Ok(request)
}

fn call(part: &Value) -> ToolCall {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ToolCall { id: text(&part["id"]), name: text(&part["name"]), arguments: part["input"].to_string() }
}

pub(super) struct Writer {
    model: String,
    /// The number of the open block, if there is one, and the call it belongs to, if any.
    open: Option<(u32, Option<u32>)>,
    blocks: u32,
    has_begun: bool,
    /// The end waits for the usage, which is sent with it.
    ends: Option<End>,
}

impl Writer {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), open: None, blocks: 0, has_begun: false, ends: None }
    }

    pub(super) fn write(&mut self, chunk: &Chunk) -> String {
        let mut out = String::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            let message = json!({
                "id": id("msg"), "type": "message", "role": "assistant", "model": self.model, "content": [],
                "stop_reason": null, "stop_sequence": null,
            });
            out.push_str(&named("message_start", json!({ "message": message })));
        }
        match chunk {
            Chunk::Text(text) => {
                let begins = json!({ "type": "text", "text": "" });
                let block = self.block(None, &begins, &mut out);
                let delta = json!({ "type": "text_delta", "text": text });
                out.push_str(&named("content_block_delta", json!({ "index": block, "delta": delta })));
            }
            Chunk::ToolCall(piece) => {
                let (id, name) = (piece.id.as_deref(), piece.name.as_deref());
                let begins = json!({
                    "type": "tool_use", "id": id.unwrap_or_default(), "name": name.unwrap_or_default(), "input": {},
                });
                let block = self.block(Some(piece.index), &begins, &mut out);
                if !piece.arguments.is_empty() {
                    let delta = json!({ "type": "input_json_delta", "partial_json": piece.arguments });
                    out.push_str(&named("content_block_delta", json!({ "index": block, "delta": delta })));
                }
            }
            Chunk::End(end) => {
                self.close(&mut out);
                self.ends = Some(*end);
            }
            Chunk::Usage(tokens) => {
                let reason = self.ends.take().map(reason);
                let (delta, usage) = (json!({ "stop_reason": reason }), usage(tokens));
                out.push_str(&named("message_delta", json!({ "delta": delta, "usage": usage })));
            }
        }
        out
    }

    pub(super) fn end(&mut self) -> String {
        let mut out = String::new();
        if let Some(end) = self.ends.take() {
            out.push_str(&named("message_delta", json!({ "delta": { "stop_reason": reason(end) } })));
        }
        out.push_str(&named("message_stop", json!({})));
        out
    }

    /// The open block of this call, or a new one.
    fn block(&mut self, call: Option<u32>, begins: &Value, out: &mut String) -> u32 {
        if let Some((block, of)) = self.open
            && of == call
        {
            return block;
        }
        self.close(out);
        let block = self.blocks;
        self.blocks += 1;
        self.open = Some((block, call));
        out.push_str(&named("content_block_start", json!({ "index": block, "content_block": begins })));
        block
    }

    fn close(&mut self, out: &mut String) {
        if let Some((block, _)) = self.open.take() {
            out.push_str(&named("content_block_stop", json!({ "index": block })));
        }
    }
}

fn named(name: &str, mut data: Value) -> String {
    data["type"] = name.into();
    event(Some(name), &data)
}

fn usage(tokens: &Tokens) -> Value {
    let fresh = tokens.input.saturating_sub(tokens.cached).saturating_sub(tokens.cache_written);
    json!({
        "input_tokens": fresh,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": tokens.cache_written,
        "output_tokens": tokens.output,
    })
}

const fn reason(end: End) -> &'static str {
    match end {
        End::Stop => "end_turn",
        End::Length => "max_tokens",
        End::ToolCalls => "tool_use",
        End::Filtered => "refusal",
    }
}

/// An answer that is not streamed.
pub(super) fn whole(model: &str, all: &Gathered) -> Value {
    let said = (!all.text.is_empty()).then(|| json!({ "type": "text", "text": all.text }));
    let calls = all.calls.iter().map(|(id, name, arguments)| {
        let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
        json!({ "type": "tool_use", "id": id, "name": name, "input": input })
    });
    let content: Vec<_> = said.into_iter().chain(calls).collect();
    let reason = all.end.map(reason);
    json!({
        "id": id("msg"), "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": reason, "stop_sequence": null, "usage": usage(&all.tokens),
    })
}

pub(super) fn error(error: &ModelError) -> Value {
    json!({ "type": "error", "error": { "type": code(error), "message": error.to_string() } })
}
