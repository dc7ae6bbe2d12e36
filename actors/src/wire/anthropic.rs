//! Anthropic's messages, as described at <https://docs.anthropic.com/en/api/messages>.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::refusal::ProviderError;
use super::{count, odd, text};
use crate::model::{Chunk, ContextCache, End, Message, ModelError, Request, Tokens, ToolPiece};

/// The body of a request. There the user says the results of tools, and all results for one answer are a single message.
pub(super) fn body(model: &str, request: &Request) -> Value {
    let mut messages: Vec<Value> = Vec::new();
    for message in &request.messages {
        let (role, mut parts) = parts(message);
        match messages.last_mut() {
            Some(last) if last["role"] == role => {
                if let Some(before) = last["content"].as_array_mut() {
                    before.append(&mut parts);
                }
            }
            _ => messages.push(json!({ "role": role, "content": parts })),
        }
    }
    let mut body = json!({
        "model": model,
        "stream": true,
        "max_tokens": request.max_output_tokens.unwrap_or(crate::defaults::MODEL_OUTPUT),
        "messages": messages,
    });
    if let Some(system) = &request.system {
        body["system"] = system.as_str().into();
    }
    if !request.tools.is_empty() {
        let tool = |tool: &crate::model::Tool| json!({ "name": tool.name, "description": tool.description, "input_schema": tool.schema });
        body["tools"] = request.tools.iter().map(tool).collect();
    }
    if let Some(cache) = request.context_cache {
        keep(&mut body, cache);
    }
    for (name, value) in &request.settings {
        // OpenAI's name for it.
        let name = if name == "stop" { "stop_sequences" } else { name };
        body[name] = value.clone();
    }
    body
}

/// Marks where cached contexts end: before the conversation, and at the current end of the conversation.
fn keep(body: &mut Value, cache: ContextCache) {
    let ttl = match cache {
        ContextCache::FiveMinutes => "5m",
        ContextCache::Hour => "1h",
    };
    let mark = json!({ "type": "ephemeral", "ttl": ttl });
    if let Some(text) = body["system"].as_str() {
        body["system"] = json!([{ "type": "text", "text": text, "cache_control": mark }]);
    } else if let Some(tool) = body["tools"].as_array_mut().and_then(|tools| tools.last_mut()) {
        tool["cache_control"] = mark.clone();
    }
    let last = body["messages"].as_array_mut().and_then(|messages| messages.last_mut());
    if let Some(part) = last.and_then(|last| last["content"].as_array_mut()?.last_mut()) {
        part["cache_control"] = mark;
    }
}

fn parts(message: &Message) -> (&'static str, Vec<Value>) {
    let said = |text: &str| (!text.is_empty()).then(|| json!({ "type": "text", "text": text }));
    match message {
        Message::User { text } => ("user", vec![json!({ "type": "text", "text": text })]),
        Message::Assistant { text, tool_calls } => {
            let calls = tool_calls.iter().map(|call| {
                // Arguments that the model got wrong cannot be sent back.
                let input = serde_json::from_str(&call.arguments).ok().filter(Value::is_object);
                let input = input.unwrap_or_else(|| json!({}));
                json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
            });
            ("assistant", said(text).into_iter().chain(calls).collect())
        }
        Message::Tool { call, output } => {
            ("user", vec![json!({ "type": "tool_result", "tool_use_id": call, "content": output })])
        }
    }
}

#[derive(Default)]
pub(super) struct Reader {
    /// The counts at the start of the message; later ones do not repeat them.
    tokens: Tokens,
    has_ended: bool,
    /// The index of each block that is a tool call.
    blocks: Vec<u64>,
}

impl Reader {
    pub(super) fn read(&mut self, data: &str, chunks: &mut VecDeque<Chunk>) -> Result<(), ModelError> {
        let event: Value = serde_json::from_str(data).map_err(|_| odd("an event that is not JSON"))?;
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => self.usage(&event["message"]["usage"], chunks),
            "content_block_start" => self.block(&event["index"], &event["content_block"], chunks),
            "content_block_delta" => {
                let delta = &event["delta"];
                chunks.extend(text(&delta["text"]).map(Chunk::Text));
                if let Some(arguments) = text(&delta["partial_json"])
                    && let Some(index) = self.index(&event["index"])
                {
                    chunks.push_back(Chunk::ToolCall(ToolPiece { index, arguments, ..ToolPiece::default() }));
                }
            }
            "message_delta" => {
                self.end(&event["delta"]["stop_reason"], chunks);
                self.usage(&event["usage"], chunks);
            }
            "error" => return Err(ProviderError::of(&event).in_stream()),
            // A ping, the end of a block or of the message, or any future event.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn whole(&mut self, answer: &Value, chunks: &mut VecDeque<Chunk>) -> Result<(), ModelError> {
        if answer["type"] == "error" {
            return Err(ProviderError::of(answer).in_stream());
        }
        let Some(content) = answer["content"].as_array() else {
            return Err(odd("an answer without content"));
        };
        for (index, block) in content.iter().enumerate() {
            let index = Value::from(index);
            self.block(&index, block, chunks);
            if let Some(index) = self.index(&index) {
                let arguments = block["input"].to_string();
                chunks.push_back(Chunk::ToolCall(ToolPiece { index, arguments, ..ToolPiece::default() }));
            }
        }
        self.end(&answer["stop_reason"], chunks);
        self.usage(&answer["usage"], chunks);
        Ok(())
    }

    fn block(&mut self, index: &Value, block: &Value, chunks: &mut VecDeque<Chunk>) {
        chunks.extend(text(&block["text"]).map(Chunk::Text));
        if block["type"] == "tool_use" {
            self.blocks.push(count(index));
            let (id, name) = (text(&block["id"]), text(&block["name"]));
            let index = u32::try_from(self.blocks.len() - 1).unwrap_or(u32::MAX);
            chunks.push_back(Chunk::ToolCall(ToolPiece { index, id, name, arguments: String::new() }));
        }
    }

    /// Which of the answer's calls a block belongs to.
    fn index(&self, block: &Value) -> Option<u32> {
        let at = self.blocks.iter().rposition(|known| *known == count(block))?;
        u32::try_from(at).ok()
    }

    /// Later counts replace earlier ones, field by field.
    fn usage(&mut self, usage: &Value, chunks: &mut VecDeque<Chunk>) {
        if !usage.is_object() {
            return;
        }
        let Tokens { input, cached, cache_written, output } = self.tokens;
        let fresh = input.saturating_sub(cached).saturating_sub(cache_written);
        let now = |field: &str, before: u64| usage.get(field).and_then(Value::as_u64).unwrap_or(before);
        self.tokens = Tokens::exclusive(
            now("input_tokens", fresh),
            now("cache_read_input_tokens", cached),
            now("cache_creation_input_tokens", cache_written),
            now("output_tokens", output),
        );
        chunks.push_back(Chunk::Usage(self.tokens));
    }

    fn end(&mut self, reason: &Value, chunks: &mut VecDeque<Chunk>) {
        let Some(reason) = reason.as_str().filter(|_| !std::mem::replace(&mut self.has_ended, true)) else {
            return;
        };
        chunks.push_back(Chunk::End(match reason {
            "max_tokens" | "model_context_window_exceeded" => End::Length,
            "tool_use" => End::ToolCalls,
            "refusal" => End::Filtered,
            _ => End::Stop,
        }));
    }
}
