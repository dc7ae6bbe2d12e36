//! What traces and metrics are told of a model's call and a tool's, under the names that OpenTelemetry has for them.
//!
//! The span is the effect's, which declares the fields. What was said stands in none of them unless the models are told to
//! ([`Models::content_in_traces`](crate::Models::content_in_traces)).

use std::fmt::Display;

use tracing::Span;
use tracing::field::display;

use crate::model::{End, Reply, Request};

/// A call of a model begins.
pub(crate) fn chat(provider: Option<&str>, model: &str, request: &Request, shows_content: bool) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    record(&span, "otel.name", format_args!("chat {model}"));
    record(&span, "gen_ai.operation.name", "chat");
    record(&span, "gen_ai.request.model", model);
    if let Some(provider) = provider {
        record(&span, "gen_ai.provider.name", provider);
    }
    if let Some(most) = request.max_output_tokens {
        span.record("gen_ai.request.max_tokens", most);
    }
    if shows_content {
        let said = serde_json::to_string(&request.messages).unwrap_or_default();
        record(&span, "gen_ai.input.messages", said);
    }
}

/// It has its answer.
pub(crate) fn answered(reply: &Reply, shows_content: bool) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("gen_ai.usage.input_tokens", reply.tokens.input);
    span.record("gen_ai.usage.output_tokens", reply.tokens.output);
    let reason = match reply.end {
        End::Stop => "stop",
        End::Length => "length",
        End::ToolCalls => "tool_calls",
        End::Filtered => "content_filter",
    };
    record(&span, "gen_ai.response.finish_reasons", reason);
    if shows_content {
        let said = serde_json::to_string(&[reply.message()]).unwrap_or_default();
        record(&span, "gen_ai.output.messages", said);
    }
}

/// A call of a tool begins.
#[cfg(feature = "agent")]
pub(crate) fn tool(name: &str) {
    let span = Span::current();
    record(&span, "otel.name", format_args!("execute_tool {name}"));
    record(&span, "gen_ai.operation.name", "execute_tool");
    record(&span, "gen_ai.tool.name", name);
}

fn record(span: &Span, field: &str, value: impl Display) {
    span.record(field, display(value));
}
