//! Failures in the error, the event and the log.

use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{AgentError, AskError, Event, Panic, Stop, Swarm, What};

use crate::recorder::{Recorder, Said};
use crate::troubled::{In, line_of, troubled};

fn place(part: In) -> String {
    format!("runtime/tests/observability/troubled.rs:{}:", line_of(part))
}

fn panics(events: &[Arc<Event>]) -> Vec<(&str, &Panic)> {
    let mut found = Vec::new();
    for event in events {
        if let What::Panicked { part, panic } = &event.what {
            found.push((part.as_str(), &**panic));
        }
    }
    found
}

async fn recorded(run: impl AsyncFnOnce(&Swarm)) -> (Recorder, Vec<Arc<Event>>) {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let swarm = Swarm::builder("s").backtraces(false).start().await.unwrap();
    run(&swarm).await;
    let _ = swarm.stop(Stop::within(Duration::from_secs(30))).await;
    let events = swarm.events_so_far();
    (recorder, events)
}

#[tokio::test]
async fn a_panic_is_in_error_event_and_log_with_its_place_and_all_that_it_said() {
    let mut answer = String::new();
    let (recorder, events) = recorded(async |swarm| {
        let worker = swarm.spawn(troubled("worker", In::Handle)).await.unwrap();
        answer = worker.ask(()).await.unwrap();
    })
    .await;
    // The next attempt has the error, on one line that has it all.
    let said =
        "assertion `left == right` failed: the sum of\\n\\u{1b}[31mone and one\\n  left: 2\\n right: 3";
    assert!(answer.starts_with(&format!("after panicked at {}", place(In::Handle))), "{answer}");
    assert!(answer.ends_with(said), "{answer}");
    let panics = panics(&events);
    let [("handle", panic)] = panics[..] else { panic!("{panics:?}") };
    assert!(panic.place().is_some_and(|at| at.starts_with(&place(In::Handle))), "{panic:?}");
    let lines: Vec<_> = panic.message().lines().collect();
    assert_eq!(
        lines,
        ["assertion `left == right` failed: the sum of", "\u{1b}[31mone and one", "  left: 2", " right: 3"]
    );
    for event in events.iter().filter(|event| event.what.name() == "agent_exited") {
        let text = serde_json::to_string(&event.what).unwrap();
        assert!(text.contains(&place(In::Handle)) && text.contains("right: 3"), "{text}");
    }
    let warned = recorder.warnings();
    let about = |said: &&Said| said.text.contains(&place(In::Handle)) && said.text.ends_with("right: 3");
    let about: Vec<_> = warned.iter().filter(about).collect();
    let [panicked, crashed] = about[..] else { panic!("{warned:#?}") };
    assert!(panicked.text.starts_with("worker (s.1) handle panicked at "), "{panicked:?}");
    assert!(crashed.text.starts_with("worker (s.1) crashed: panicked at "), "{crashed:?}");
    assert!(panicked.fields["place"].contains(&place(In::Handle)));
    assert!(!panicked.fields.contains_key("backtrace"), "nobody asked for it");
    assert_eq!((&*crashed.fields["agent"], &*crashed.fields["name"]), ("s.1", "worker"));
}

#[tokio::test]
async fn every_part_of_an_agent_that_panics_is_told_of_where_it_was() {
    let (recorder, events) = recorded(async |swarm| {
        let start = swarm.spawn(troubled("a", In::Start)).await.unwrap_err();
        assert!(start.to_string().contains(&place(In::Start)), "{start}");
        swarm.spawn(troubled("b", In::Stop)).await.unwrap();
        let blocking = swarm.spawn(troubled("c", In::Blocking)).await.unwrap();
        assert!(blocking.ask(()).await.unwrap().contains(&place(In::Blocking)));
        let helpless = swarm.spawn(troubled("d", In::Help)).await.unwrap();
        let Err(AskError::Poisoned { errors, .. }) = helpless.ask(()).await else { panic!("it is") };
        let last: &AgentError = errors.last().unwrap();
        assert_eq!(last.panic().unwrap().message(), "beyond\nhelp");
        let desk = swarm.spawn(troubled("e", In::Question)).await.unwrap();
        let below = swarm.spawn(troubled("f", In::Question).under(&desk)).await.unwrap();
        let Err(AskError::Failed(_, error)) = below.ask(()).await else { panic!("it is") };
        assert_eq!(error.panic().unwrap().message(), "no\nanswer");
        let dropped = swarm.spawn(troubled("g", In::Drop)).await.unwrap();
        let Err(AskError::Poisoned { errors, .. }) = dropped.ask(()).await else { panic!("it is") };
        assert!(errors[0].to_string().contains(&place(In::Drop)), "{errors:?}");
        let picky = swarm.spawn(troubled("h", In::Stop)).await.unwrap();
        let refuses = |_: &String| -> Result<(), String> { panic!("no\ntaste") };
        let Err(AskError::Poisoned { errors, .. }) = picky.ask(()).accept(refuses).await else {
            panic!("it is")
        };
        assert_eq!(errors[0].panic().unwrap().message(), "no\ntaste");
    })
    .await;
    let parts = [
        ("start", In::Start, "a (s.1) "),
        ("stop", In::Stop, "b (s.2) "),
        ("handle", In::Blocking, "c (s.3) "),
        ("on_help", In::Help, "d (s.4) "),
        ("on_question", In::Question, "e (s.5) "),
        ("handle", In::Drop, "g (s.6) "),
    ];
    let found = panics(&events);
    for (part, which, who) in parts {
        let place = place(which);
        let is_it = |panic: &Panic| panic.place().is_some_and(|at| at.starts_with(&place));
        assert!(found.iter().any(|(of, panic)| *of == part && is_it(panic)), "{part}: {found:?}");
        let said = format!("{who}{part} panicked at {place}");
        let warned = recorder.warnings();
        assert!(warned.iter().any(|warned| warned.text.starts_with(&said)), "{said}: {warned:#?}");
    }
    assert!(found.iter().any(|(part, panic)| *part == "accept" && panic.message() == "no\ntaste"));
}

#[tokio::test]
async fn a_backtrace_is_kept_where_the_swarm_wants_it() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let swarm = Swarm::builder("s").backtraces(true).start().await.unwrap();
    for (name, part) in [("worker", In::Handle), ("reader", In::Blocking), ("mute", In::Start)] {
        if let Ok(agent) = swarm.spawn(troubled(name, part)).await {
            agent.ask(()).await.unwrap();
        }
    }
    let _ = swarm.stop(Stop::default()).await;
    let events = swarm.events_so_far();
    let found = panics(&events);
    assert_eq!(found.len(), 3, "{found:?}");
    for (part, panic) in found {
        assert!(panic.backtrace().is_some_and(|trace| trace.contains("troubled")), "{part}: {panic:?}");
    }
    let traces = recorder.warnings().iter().filter(|said| said.fields.contains_key("backtrace")).count();
    assert_eq!(traces, 3);
}

#[tokio::test]
async fn nothing_is_told_above_debug_as_a_debug_value_and_each_record_is_one_line() {
    let (recorder, _) = recorded(async |swarm| {
        let worker = swarm.spawn(troubled("worker", In::Handle)).await.unwrap();
        worker.ask(()).await.unwrap();
    })
    .await;
    let said = recorder.said();
    for said in said.iter().filter(|said| said.fields.contains_key("event")) {
        assert!(!said.text.contains('\n') && said.text.contains("(s"), "{said:?}");
        let is_loud = said.level <= tracing::Level::INFO;
        assert!(!is_loud || !said.fields.contains_key("what"), "{said:?}");
    }
    assert!(said.iter().any(|said| said.text == "s (s) has ended its session: nothing is left running"));
}
