//! A swarm whose requests are traces in OpenTelemetry.
//!
//! ```text
//!  request ─ turn lead ─┬─ effect model
//!                       └─ turn reviewer ─ effect model      all of it one trace, by OTLP to a collector
//! ```
//!
//! It exports to `OTEL_EXPORTER_OTLP_ENDPOINT`, by default `http://localhost:4318`, as every program does that speaks OTLP. Its
//! guide is `docs/observability.md`.

use std::error::Error;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use skep::{Agent, AgentError, AgentRef, AgentSpec, Context, Stop, Swarm, Usage};
use tracing::Instrument;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

/// The ten lines: spans go to a collector, records to standard error.
fn observe() -> Result<SdkTracerProvider, Box<dyn Error>> {
    let exporter = SpanExporter::builder().with_http().build()?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("reviews").build())
        .build();
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("skep")))
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false))
        .init();
    Ok(provider)
}

/// Reviews a text in an effect, as a model would.
struct Reviewer;

impl Agent for Reviewer {
    type Task = String;
    type Output = usize;

    async fn handle(&mut self, text: &String, cx: &Context) -> Result<usize, AgentError> {
        if text.is_empty() {
            return Err(AgentError::message("there is nothing to review"));
        }
        let words = text.split_whitespace().count();
        let call = cx.effect("model", text).worst_case(Usage::calls(1));
        Ok(call
            .run(move |call| async move {
                call.used(Usage::calls(1));
                Ok(words)
            })
            .await?)
    }
}

/// Has two texts reviewed.
struct Lead(AgentRef<Reviewer>);

impl Agent for Lead {
    type Task = String;
    type Output = usize;

    async fn handle(&mut self, text: &String, cx: &Context) -> Result<usize, AgentError> {
        let known = cx.effect("look_up", text).run(|_| async { Ok(7) }).await?;
        let counted = self.0.ask(text.clone()).await?;
        // What fails here is seen in the trace, and nowhere else.
        let nothing = self.0.ask(String::new()).await.unwrap_or_default();
        Ok(known + counted + nothing)
    }
}

async fn serve() -> Result<usize, Box<dyn Error>> {
    let swarm = Swarm::builder("reviews").start().await?;
    let reviewer = swarm.spawn(AgentSpec::new("reviewer", || Reviewer)).await?;
    let lead = swarm.spawn(AgentSpec::new("lead", move || Lead(reviewer.clone()))).await?;
    let request = tracing::info_span!("request", path = "/reviews");
    let answer = lead.ask("two words".to_owned()).instrument(request).await?;
    let receipt = swarm.stop(Stop::default()).await;
    tracing::info!("{receipt}");
    Ok(answer)
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn main() -> Result<(), Box<dyn Error>> {
    let provider = observe()?;
    let answer = tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve())?;
    println!("{answer}");
    // The last spans go out here.
    provider.shutdown()?;
    Ok(())
}
