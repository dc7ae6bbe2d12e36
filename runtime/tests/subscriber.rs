//! A subscriber is a user's, and what the swarm's clock does is told to it. It is the process's own, so this test is alone here.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]
#![allow(missing_docs, reason = "tests are sentences")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skep_runtime::{Agent, AgentError, AgentSpec, AskError, Context, Stop, Swarm};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Panics at the first event on the control thread.
#[derive(Default)]
struct Full {
    has_panicked: AtomicBool,
}

impl Subscriber for Full {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        if std::thread::current().name() == Some("skep-control")
            && !self.has_panicked.swap(true, Ordering::SeqCst)
        {
            panic!("the disk of the log is full");
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Sleeper;

impl Agent for Sleeper {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        Ok(cx.sleep(Duration::from_secs(3_600)).await?)
    }
}

#[tokio::test]
async fn a_subscriber_that_panics_stops_no_clock() {
    tracing::subscriber::set_global_default(Full::default()).unwrap();
    let swarm = Swarm::builder("s").start().await.unwrap();
    let sleeper = swarm.spawn(AgentSpec::new("sleeper", || Sleeper)).await.unwrap();
    // The deadline of the first is where it panics.
    for _ in 0..3 {
        let ask = sleeper.ask(()).within(Duration::from_millis(20)).into_future();
        let answer = tokio::time::timeout(Duration::from_secs(20), ask).await;
        assert!(matches!(answer, Ok(Err(AskError::Expired(_)))), "{answer:?}");
    }
    let stop = swarm.stop(Stop::within(Duration::from_secs(20)));
    assert!(tokio::time::timeout(Duration::from_secs(40), stop).await.unwrap().nothing_left());
}
