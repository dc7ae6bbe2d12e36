//! Spans have the names that OpenTelemetry has for agents, models and tools, and what was said is in none of them unless told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use skep::actors::tool::tool;
use skep::actors::{ModelAgent, Models, Scripted};
use skep::testkit::{Lab, TestResult};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

type Fields = BTreeMap<String, String>;

/// The fields of each span, in the order of their begins.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<u64, Fields>>>);

struct Reading<'f>(&'f mut Fields);

impl Visit for Reading<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: tracing::Subscriber> Layer<S> for Seen {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::new();
        span.record(&mut Reading(&mut fields));
        self.0.lock().unwrap().insert(id.into_u64(), fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(fields) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(&mut Reading(fields));
        }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct City {
    name: String,
}

/// All spans of a guide that is asked something, looks it up, and answers.
async fn traced(
    lab: &Lab,
    models: impl Fn(Models) -> Models,
) -> Result<Vec<Fields>, Box<dyn std::error::Error + Send + Sync>> {
    let script =
        Scripted::new().calls("weather", &serde_json::json!({ "name": "Oslo" })).says("Take a coat.");
    let models = models(Models::new().with("fast", script));
    let swarm = lab.start_with(|builder| builder.resource(models)).await;
    let weather =
        tool("weather", "The weather.", |city: City, _| async move { Ok(format!("{}: rain", city.name)) });
    let guide =
        swarm.spawn(ModelAgent::new("fast").tool(weather.pure()).max_output_tokens(50).spec("guide")).await?;
    let seen = Seen::default();
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(seen.clone()));
    assert_eq!(guide.ask("The secret question".into()).await?, "Take a coat.");
    lab.end(swarm).await;
    let spans = seen.0.lock().unwrap().values().cloned().collect();
    Ok(spans)
}

fn named<'s>(spans: &'s [Fields], name: &str) -> Vec<&'s Fields> {
    spans.iter().filter(|span| span.get("otel.name").is_some_and(|its| its == name)).collect()
}

#[skep::swarm_test(seeds = 3)]
async fn agents_models_and_tools_are_told_apart_in_a_trace_and_their_tokens_are_in_it(
    lab: Lab,
) -> TestResult {
    let spans = traced(&lab, |models| models).await?;
    let guide = named(&spans, "invoke_agent guide");
    assert!(guide.len() == 1 && guide[0]["gen_ai.agent.name"] == "guide", "{spans:?}");
    let chats = named(&spans, "chat fast");
    assert_eq!(chats.len(), 2, "{spans:?}");
    for chat in &chats {
        assert_eq!((&*chat["gen_ai.operation.name"], &*chat["gen_ai.request.model"]), ("chat", "fast"));
        assert_eq!(chat["gen_ai.request.max_tokens"], "50");
        let tokens = |field: &str| chat[field].parse::<u64>().unwrap();
        assert!(
            tokens("gen_ai.usage.input_tokens") > 0 && tokens("gen_ai.usage.output_tokens") > 0,
            "{chat:?}"
        );
    }
    let reasons: Vec<_> = chats.iter().map(|chat| &*chat["gen_ai.response.finish_reasons"]).collect();
    assert_eq!(reasons, ["tool_calls", "stop"]);
    let tools = named(&spans, "execute_tool weather");
    assert!(tools.len() == 1 && tools[0]["gen_ai.tool.name"] == "weather", "{spans:?}");
    Ok(())
}

#[skep::swarm_test(seeds = 3)]
async fn what_was_said_is_in_a_trace_only_if_the_models_are_told(lab: Lab) -> TestResult {
    let holds = |spans: &[Fields], text: &str| {
        spans.iter().flat_map(BTreeMap::values).any(|value| value.contains(text))
    };
    let silent = traced(&lab, |models| models).await?;
    assert!(!holds(&silent, "secret") && !holds(&silent, "coat") && !holds(&silent, "Oslo"), "{silent:?}");
    let told = traced(&Lab::seed(lab.which_seed()), Models::content_in_traces).await?;
    assert!(holds(&told, "The secret question") && holds(&told, "Take a coat."), "{told:?}");
    Ok(())
}
