//! What traces and metrics record of a call of a model or a tool, under OpenTelemetry's names.
//!
//! The span is the effect's, which declares the fields. Prompts and answers are in none of them unless the models enable
//! it ([`Models::content_in_traces`](crate::Models::content_in_traces)).

use std::fmt::Display;
use std::time::Duration;

use skep_runtime::Usage;
use tracing::Span;
use tracing::field::display;

use crate::model::{End, Reply, Request};

/// A call of a model starts.
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

/// The call has its answer.
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

/// A call of a tool starts.
#[cfg(feature = "agent")]
pub(crate) fn tool(name: &str) {
    let span = Span::current();
    record(&span, "otel.name", format_args!("execute_tool {name}"));
    record(&span, "gen_ai.operation.name", "execute_tool");
    record(&span, "gen_ai.tool.name", name);
}

/// A try of a call is over, with its usage, or without an answer. If the feature `metrics` is on, the embedder's recorder
/// counts it. Labels are the role and the model, since there are few of each; an agent's id is not a label.
#[cfg(feature = "metrics")]
pub(crate) fn count(role: &str, model: &str, used: Option<&Usage>, took: Duration) {
    let labels = [("role", role.to_owned()), ("model", model.to_owned())];
    let end = if used.is_some() { "done" } else { "failed" };
    let calls = [("role", role.to_owned()), ("model", model.to_owned()), ("end", end.to_owned())];
    metrics::counter!("skep_model_calls_total", &calls).increment(1);
    metrics::histogram!("skep_model_seconds", &labels).record(took);
    let used = used.copied().unwrap_or_default();
    metrics::counter!("skep_model_input_tokens_total", &labels).increment(used.input_tokens);
    metrics::counter!("skep_model_output_tokens_total", &labels).increment(used.output_tokens);
    // Money is an integer here too.
    metrics::counter!("skep_model_nano_usd_total", &labels).increment(used.money.0);
}

/// Nothing is counted.
#[cfg(not(feature = "metrics"))]
pub(crate) fn count(_: &str, _: &str, _: Option<&Usage>, _: Duration) {}

fn record(span: &Span, field: &str, value: impl Display) {
    span.record(field, display(value));
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use metrics::{
        Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };
    use parking_lot::Mutex;
    use skep_runtime::NanoUsd;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<BTreeMap<String, u64>>>);

    struct Line(Page, String);

    impl CounterFn for Line {
        fn increment(&self, value: u64) {
            *self.0.0.lock().entry(self.1.clone()).or_default() += value;
        }

        fn absolute(&self, _: u64) {}
    }

    impl Recorder for Page {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            let labels: Vec<String> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            Counter::from_arc(Arc::new(Line(self.clone(), format!("{}{{{}}}", key.name(), labels.join(",")))))
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn calls_tokens_and_money_are_counted_by_role_and_model_in_whole_numbers() {
        let page = Page::default();
        metrics::with_local_recorder(&page, || {
            let used = Usage::calls(1).with_tokens(100, 20).with_money(NanoUsd(7));
            count("writer", "gpt", Some(&used), Duration::from_secs(1));
            count("writer", "gpt", Some(&used), Duration::from_secs(1));
            count("writer", "gpt", None, Duration::from_secs(1));
        });
        let page = page.0.lock();
        let of = |name: &str, more: &str| page[&format!("{name}{{role=writer,model=gpt{more}}}")];
        assert_eq!(
            (of("skep_model_calls_total", ",end=done"), of("skep_model_calls_total", ",end=failed")),
            (2, 1)
        );
        assert_eq!(
            (of("skep_model_input_tokens_total", ""), of("skep_model_output_tokens_total", "")),
            (200, 40)
        );
        assert_eq!(of("skep_model_nano_usd_total", ""), 14);
    }
}
