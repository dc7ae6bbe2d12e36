//! Loops, gates and people: a workflow that stands still goes on from where it stands.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::json;
use skep::workflow::{Blocker, Worked};
use skep::workflow::{Capabilities, Gate};
use skep::{AgentError, Failure, FailureClass, Report as _, Work as _, workflow};

use super::{LOOP, Log, TWO, asked, echoes, read, says};
use crate::rig::{millis, swarm};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Review {
    approved: bool,
    issues: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Coding {
    brief: String,
    review: Option<Review>,
}

/// A reviewer that approves the n-th patch.
fn coding<'a>(log: &Log, approves: usize) -> Capabilities<'a> {
    let (coded, reviewed) = (Arc::clone(log), Arc::clone(log));
    echoes(log, &["ship"])
        .can("code", move |input: Coding| {
            let next = input.review.map_or(1, |review| review.issues.len() + 1);
            (says(&coded, "code", |n, _| Ok(n.clone())), json!(next)).map(|n| n)
        })
        .can("review", move |patch: usize| {
            let issues: Vec<_> = (0..patch).map(|n| n.to_string()).collect();
            let review = Review { approved: patch >= approves, issues };
            let agent = says(&reviewed, "review", |review, _| Ok(review.clone()));
            (agent, serde_json::to_value(review).unwrap()).try_map(|review| Review::deserialize(review))
        })
}

#[tokio::test(start_paused = true)]
async fn a_loop_goes_on_with_what_the_last_round_gave_until_it_holds() {
    let (swarm, log) = (swarm().await, Log::default());
    let looping = workflow(&swarm, read(LOOP).with("brief", "b"), coding(&log, 2)).unwrap();
    let estimate = looping.estimate();
    assert_eq!((estimate.calls, estimate.agents), (3 * (3 + 1) + 3, 7));
    assert_eq!(estimate.unbounded, ["ship"]);
    let worked = looping.run().await;
    assert_eq!(worked.to_string(), "5 of 5 completed");
    let names: Vec<_> = worked.parts.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["patch", "review", "patch (round 2)", "review (round 2)", "ship"]);
    let after: Vec<_> = worked.parts.parts.iter().map(|part| part.after.clone()).collect();
    assert_eq!(after, [vec![], vec![0], vec![1], vec![2], vec![3]]);
    assert!(worked.of::<Review>("review").unwrap().approved);
    assert_eq!(worked.values["patch"], 2);
    assert_eq!(asked(&log).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_does_not_hold_is_blocked_and_can_go_on_or_be_let_pass() {
    let (swarm, log) = (swarm().await, Log::default());
    let looping = workflow(&swarm, read(LOOP).with("brief", "b"), coding(&log, 5)).unwrap();
    let mut worked = looping.run().await;
    assert_eq!(
        worked.to_string(),
        "6 of 7 completed, blocked in \"build\": \"review.approved\" is not true after 3 rounds"
    );
    assert_eq!(worked.blocked.as_ref().unwrap().by, Blocker::Loop);
    assert_eq!(worked.values["patch"], 3, "what there is, is there");
    assert!(worked.clone().into_result().unwrap_err().to_string().contains("after 3 rounds"));
    let mut by_hand = worked.clone();
    assert_eq!(asked(&log).len(), 6);

    looping.retry_failed(&mut worked).await;
    assert_eq!(worked.to_string(), "11 of 11 completed");
    assert_eq!(worked.values["patch"], 5);
    assert_eq!(asked(&log).len(), 5, "two rounds more, and what comes after");

    looping.advance(&mut by_hand, "build").await.unwrap();
    assert_eq!(by_hand.to_string(), "7 of 7 completed");
    assert_eq!(asked(&log), ["ship 3"]);
    assert_eq!(by_hand.parts.parts.last().unwrap().after, [5]);
    let error = looping.advance(&mut by_hand, "build").await.unwrap_err();
    assert_eq!(error.to_string(), "phase \"build\" is not blocked: there is nothing to let pass");
}

const GATED: &str = r#"
    name = "gated"
    [[phase]]
    name = "plan"
    steps = [{ name = "plan", by = "x" }]
    after = ["retro", "checks", "pulse"]
    [[phase]]
    name = "build"
    steps = [{ name = "patch", by = "x", needs = "plan" }]
    after = ["pulse"]
"#;

fn hooks<'a>(
    log: &Log,
    gate: impl Fn() -> Result<Gate, AgentError> + Clone + Send + Sync + 'static,
) -> Capabilities<'a> {
    let (one, two, three) = (Arc::clone(log), Arc::clone(log), Arc::clone(log));
    echoes(log, &["x"])
        .reflect("retro", move |end| (says(&one, "retro", |end, _| Ok(end["phase"].clone())), json!(end)))
        .gate("checks", move |end| {
            let gate = gate.clone();
            let agent = says(&two, "checks", move |_, _| Ok(serde_json::to_value(gate()?).unwrap()));
            (agent, json!(end.rounds)).try_map(|gate| Gate::deserialize(gate))
        })
        .health("pulse", move |end| {
            (
                says(&three, "pulse", |end, _| Ok(end.clone())),
                json!([end.is_done, end.blocked, end.parts.len()]),
            )
        })
}

#[tokio::test(start_paused = true)]
async fn a_gate_lets_pass_and_other_hooks_note_what_they_saw() {
    let (swarm, log) = (swarm().await, Log::default());
    let gated = workflow(&swarm, read(GATED), hooks(&log, || Ok(Gate::Pass))).unwrap();
    assert_eq!(gated.estimate().calls, (2 + 4) * 3);
    let worked = gated.await;
    assert_eq!(worked.to_string(), "6 of 6 completed");
    let names: Vec<_> = worked.parts.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(
        names,
        ["plan", "retro after plan", "checks after plan", "pulse after plan", "patch", "pulse after build"]
    );
    let notes: Vec<_> = worked.notes.iter().map(|note| (&*note.phase, &*note.hook, &note.note)).collect();
    let pulse = json!([true, null, 1]);
    assert_eq!(
        notes,
        [("plan", "retro", &json!("plan")), ("plan", "pulse", &pulse), ("build", "pulse", &pulse)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_blocks_stops_what_comes_next_until_it_passes_or_is_overruled() {
    let (swarm, log) = (swarm().await, Log::default());
    let thin = Arc::new(Mutex::new(true));
    let is_thin = Arc::clone(&thin);
    let gate =
        move || Ok(if *is_thin.lock().unwrap() { Gate::Block("too\nthin".into()) } else { Gate::Pass });
    let gated = workflow(&swarm, read(GATED), hooks(&log, gate)).unwrap();
    let mut worked = gated.run().await;
    assert_eq!(worked.to_string(), "3 of 5 completed, blocked after \"plan\" by \"checks\": too\\nthin");
    let told = gated.complete(&mut worked, "patch", 1).await.unwrap_err().to_string();
    assert!(told.ends_with("has to wait: blocked after \"plan\" by \"checks\": too\\nthin"), "{told}");
    let error = worked.clone().into_result().unwrap_err();
    assert_eq!(error.class(), FailureClass::Failed);
    let not_begun = worked.parts.part("patch").unwrap().failure.clone().unwrap();
    assert!(matches!(&not_begun, Failure::NotBegun(_)), "{not_begun}");
    assert_eq!(worked.notes.last().unwrap().note[1], "blocked after \"plan\" by \"checks\": too\\nthin");
    assert_eq!(asked(&log).len(), 4, "the pulse hears of what is blocked");

    let mut by_hand = worked.clone();
    gated.retry_failed(&mut worked).await;
    assert!(worked.blocked.is_some());
    assert_eq!(
        asked(&log),
        ["checks 1", r#"pulse [true,"blocked after \"plan\" by \"checks\": too\\nthin",1]"#]
    );
    *thin.lock().unwrap() = false;
    gated.retry_failed(&mut worked).await;
    assert_eq!(worked.to_string(), "6 of 6 completed");
    assert_eq!(worked.parts.part("checks after plan").unwrap().attempts, 3);

    let error = gated.advance(&mut by_hand, "build").await.unwrap_err().to_string();
    assert_eq!(error, "phase \"build\" is not what is blocked: that is \"plan\"");
    asked(&log);
    gated.advance(&mut by_hand, "plan").await.unwrap();
    assert_eq!(asked(&log).len(), 3, "the pulse, the patch, the pulse");
    assert_eq!(by_hand.to_string(), "5 of 6 completed, failed: checks after plan (too\\nthin)");
    assert!(by_hand.into_result().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_fails_is_closed_and_a_hook_that_fails_is_a_row() {
    let (swarm, log) = (swarm().await, Log::default());
    let gated = workflow(&swarm, read(GATED), hooks(&log, || Err(AgentError::message("no tool")))).unwrap();
    let worked = gated.run().await;
    let line = worked.to_string();
    assert_eq!(line, "3 of 5 completed, blocked after \"plan\" by \"checks\": it has failed: no tool");
    let can = hooks(&log, || Ok(Gate::Pass));
    let pulse = |_: &skep::workflow::PhaseEnd| {
        (says(&Log::default(), "p", |_, _| Err(AgentError::message("deaf"))), json!(0))
    };
    let file = read(&GATED.replace("\"pulse\"", "\"deaf\""));
    let worked = workflow(&swarm, file, can.health("deaf", pulse)).unwrap().await;
    assert_eq!(worked.standing, None);
    assert_eq!(
        worked.to_string(),
        "4 of 6 completed, failed: deaf after plan (deaf), deaf after build (deaf)"
    );
}

const PEOPLE: &str = r#"
    name = "people"
    inputs = ["brief"]
    [[phase]]
    name = "draft"
    parallel = true
    steps = [
      { name = "text", by = "x", needs = "brief" },
      { name = "photo", by = "person" },
      { name = "page", by = "x", needs = ["text", "photo"] },
    ]
    [[phase]]
    name = "release"
    steps = [{ name = "sign-off", by = "approval", needs = "page" }, { name = "out", by = "x", needs = "page" }]
"#;

#[tokio::test(start_paused = true)]
async fn what_people_do_is_waited_for_without_an_agent_and_gone_on_from_in_another_process() {
    let (first, log) = (swarm().await, Log::default());
    let people = workflow(&first, read(PEOPLE).with("brief", "b"), echoes(&log, &["x"])).unwrap();
    let worked = people.run().await;
    assert_eq!(worked.to_string(), "1 of 5 completed, waits for photo");
    assert_eq!(
        worked.parts.part("photo").unwrap().failure.as_ref().unwrap().to_string(),
        "not started: waits for a person"
    );
    assert_eq!(
        worked.parts.part("page").unwrap().failure.as_ref().unwrap().to_string(),
        "not started: waits for photo"
    );
    let text = serde_json::to_string(&worked).unwrap();
    assert_eq!(asked(&log).len(), 1);

    let other = swarm().await;
    let people = workflow(&other, read(PEOPLE).with("brief", "another"), echoes(&log, &["x"])).unwrap();
    let mut worked: Worked = serde_json::from_str(&text).unwrap();
    let bad = |error: Result<(), skep::workflow::BadWorkflow>| error.unwrap_err().to_string();
    let told = bad(people.complete(&mut worked, "foto", 1).await);
    assert_eq!(told, "step \"foto\" is no step of it; its steps: text, photo, page, sign-off, out");
    let told = bad(people.complete(&mut worked, "text", 1).await);
    assert_eq!(told, "phase \"draft\": step \"text\" is done already");
    let told = bad(people.complete(&mut worked, "page", 1).await);
    assert_eq!(told, "phase \"draft\": step \"page\" comes after photo: do that first");
    let told = bad(people.complete(&mut worked, "sign-off", true).await);
    assert_eq!(told, "phase \"release\": step \"sign-off\" has to wait: its phase is not reached");
    assert_eq!(serde_json::to_string(&worked).unwrap(), text, "nothing has changed by that");

    people.complete(&mut worked, "photo", "p.jpg").await.unwrap();
    assert_eq!(worked.to_string(), "3 of 5 completed, waits for sign-off");
    assert_eq!(asked(&log), [r#"x {"photo":"p.jpg","text":"x"}"#]);
    assert_eq!(worked.values["brief"], "b", "the report's inputs are what counts");
    let told = bad(people.complete(&mut worked, "sign-off", 7).await);
    assert_eq!(
        told,
        "phase \"release\": step \"sign-off\" is an approval: give true, false or a reason, and not 7"
    );
    people.complete(&mut worked, "sign-off", "the photo is dark").await.unwrap();
    assert_eq!(
        worked.to_string(),
        "3 of 5 completed, waits for sign-off, \"sign-off\" was not approved: the photo is dark"
    );
    let told = bad(people.advance(&mut worked, "release").await);
    assert_eq!(told, "phase \"release\" waits for an approval: complete the step \"sign-off\"");
    people.complete(&mut worked, "sign-off", true).await.unwrap();
    assert_eq!(worked.to_string(), "5 of 5 completed");
    assert_eq!(asked(&log).len(), 1);
    let path: Vec<_> =
        worked.parts.part("out").unwrap().after.iter().map(|at| &*worked.parts.parts[*at].name).collect();
    assert_eq!(path, ["sign-off"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_can_be_gone_on_from_its_report() {
    let (swarm, log) = (swarm().await, Log::default());
    let two =
        workflow(&swarm, read(TWO).with("brief", "b"), echoes(&log, &["scout", "count", "close"])).unwrap();
    let mut worked = two.run().await;
    worked.standing = None;
    let mut fresh = two.within(millis(1)).run().await;
    assert_eq!(fresh.parts.completed(), 0);
    asked(&log);
    let two =
        workflow(&swarm, read(TWO).with("brief", "b"), echoes(&log, &["scout", "count", "close"])).unwrap();
    tokio::select! {
        biased;
        () = two.retry_failed(&mut fresh) => panic!("it takes longer"),
        () = tokio::time::sleep(millis(150)) => {}
    }
    assert_eq!(fresh.values["map"], "scout");
    two.retry_failed(&mut fresh).await;
    assert_eq!(fresh.standing, None);
    let asked: Vec<_> = asked(&log).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(asked, ["scout", "count", "count", "close"]);
}

#[tokio::test(start_paused = true)]
async fn a_report_of_another_workflow_is_told_from_ones_own() {
    let (swarm, log) = (swarm().await, Log::default());
    let people = workflow(&swarm, read(PEOPLE).with("brief", "b"), echoes(&log, &["x"])).unwrap();
    let two =
        workflow(&swarm, read(TWO).with("brief", "b"), echoes(&log, &["scout", "count", "close"])).unwrap();
    let mut worked = people.run().await;
    asked(&log);
    two.retry_failed(&mut worked).await;
    let line = worked.to_string();
    assert!(
        line.ends_with("blocked: the report stands in \"draft\", a phase that this workflow has not"),
        "{line}"
    );
    assert!(two.complete(&mut worked, "map", 1).await.is_err());
    assert!(two.advance(&mut worked, "draft").await.is_err());
    assert_eq!(asked(&log), [""; 0]);
}
