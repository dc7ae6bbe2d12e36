//! Traces: who works for whom.

use std::time::Duration;

use skep_runtime::{Agent, AgentError, AgentRef, AgentSpec, Context, Restart, Stop, Swarm};
use tracing::Instrument;

use crate::recorder::{Recorder, Span};

/// Has its work done by the next, in an effect and in a child of its task.
struct Link {
    next: Option<AgentRef<Link>>,
}

impl Agent for Link {
    type Task = u32;
    type Output = u32;

    async fn handle(&mut self, depth: &u32, cx: &Context) -> Result<u32, AgentError> {
        cx.effect("look", depth).run(|_| async { Ok(()) }).await?;
        if *depth == 0 && cx.attempt() == 1 {
            return Err(AgentError::crash("once"));
        }
        if let Some(next) = &self.next {
            next.ask(depth - 1).await?;
            // Asked from elsewhere, in the turn's name.
            let asked = next.ask(depth - 1);
            tokio::spawn(cx.ask(next, depth - 1)).await.unwrap()?;
            asked.await?;
            let child = cx.spawn(link("child", None)).await?;
            child.ask(9).await?;
        }
        Ok(*depth)
    }
}

fn link(name: &str, next: Option<AgentRef<Link>>) -> AgentSpec<Link> {
    AgentSpec::new(name, move || Link { next: next.clone() }).restart(Restart::Transient)
}

async fn bears_crashes() -> Swarm {
    Swarm::builder("s").intensity(100, Duration::from_secs(5)).start().await.unwrap()
}

#[tokio::test]
async fn one_request_is_one_trace() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let swarm = bears_crashes().await;
    let last = swarm.spawn(link("last", None)).await.unwrap();
    let first = swarm.spawn(link("first", Some(last))).await.unwrap();
    first.ask(1).instrument(tracing::info_span!("request")).await.unwrap();
    let _ = swarm.stop(Stop::default()).await;
    let spans = recorder.spans();
    let of = |name: &'static str| spans.iter().filter(move |span| span.name == name);
    let request = of("request").next().unwrap().id;
    let first: Vec<&Span> = of("turn").filter(|span| span.fields["name"] == "first").collect();
    assert_eq!(first.iter().map(|span| span.parent).collect::<Vec<_>>(), [Some(request)]);
    assert_eq!(first[0].fields["outcome"], "done");
    let last: Vec<&Span> = of("turn").filter(|span| span.fields["name"] != "first").collect();
    assert!(last.len() >= 5, "three asks, one of them twice, and the child's: {last:?}");
    for turn in last {
        assert_eq!(recorder.above(Some(turn.id)), ["turn", "turn", "request"], "{turn:?}");
    }
    for effect in of("effect") {
        let above = recorder.above(Some(effect.id));
        assert!(above.starts_with(&["effect", "turn"]) && above.ends_with(&["request"]), "{above:?}");
        assert_eq!(effect.fields["kind"], "look");
    }
}

#[tokio::test]
async fn the_library_underneath_leaves_nothing_in_a_trace() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let swarm = bears_crashes().await;
    let last = swarm.spawn(link("last", None)).await.unwrap();
    last.ask(0).await.unwrap();
    let first = swarm.spawn(link("first", Some(last))).await.unwrap();
    first.ask(1).await.unwrap();
    let _ = swarm.stop(Stop::default()).await;
    let ours = ["start", "turn", "effect", "stop", "question"];
    let foreign: Vec<_> = recorder.spans().into_iter().filter(|span| !ours.contains(&span.name)).collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
    for said in recorder.said() {
        assert!(recorder.above(said.within).iter().all(|name| ours.contains(name)), "{said:?}");
    }
    let restarted = recorder.said().into_iter().any(|said| said.text.starts_with("last (s.1) crashed: once"));
    assert!(restarted, "{:#?}", recorder.warnings());
}
