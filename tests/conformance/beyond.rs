//! What OTP does not have: backoff after Akka, a child's own limit, decisions by class of failure.

use skep::testkit::{Lab, TestResult};
use skep::{Backoff, Decision, FailureClass, Restart, SpawnError, Stop, StopReason, Supervisor, What};

use crate::rig::*;

const BACKOFF: Backoff = Backoff {
    min: std::time::Duration::from_millis(200),
    max: std::time::Duration::from_millis(800),
    jitter_permille: 0,
    reset_after: std::time::Duration::from_millis(10_000),
};

/// Akka: each restart waits twice as long as the one before, also after a start that failed; the address and the mailbox are
/// the same, and tasks that come during the pause wait for it.
async fn backoff_doubles_for_failing_starts_and_tasks_wait(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let kid = rig.says("a", &[Says::Ok, Says::Error, Says::Error]).backoff(BACKOFF);
    rig.start(Supervisor::one_for_one().intensity(9, ms(5_000)).child(kid)).await;
    let child = rig.child("a");
    let began = rig.swarm.env().now();
    child.kill();
    tokio::task::yield_now().await;
    child.ask(Does::Answer).await?;
    assert_eq!(rig.swarm.env().now().since(began), ms(200 + 400 + 800), "three pauses");
    rig.log.take();
    rig.exit("a", crash()).await;
    assert_eq!(rig.log.take(), "", "the fourth is as long as the longest");
    rig.swarm.env().sleep_until(rig.swarm.env().now() + ms(800)).await;
    assert_eq!(rig.log.take(), "+a");
    rig.swarm.env().sleep_until(rig.swarm.env().now() + ms(11_000)).await;
    let began = rig.swarm.env().now();
    child.kill();
    tokio::task::yield_now().await;
    child.ask(Does::Answer).await?;
    assert_eq!(rig.swarm.env().now().since(began), ms(200), "quiet for long enough");
    rig.end().await;
    Ok(())
}

/// A child with a limit of its own is counted alone: beyond it, it ends escalated, and the others stay.
async fn a_childs_own_limit(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_one().intensity(1, ms(5_000));
    let limited = rig.says("limited", &[]).limit(3, ms(60_000));
    let sup = rig.start(spec.child(limited).child(rig.says("b", &[]))).await;
    let child = rig.child("limited");
    for _ in 0..3 {
        rig.exit("limited", crash()).await;
    }
    rig.exit("b", crash()).await;
    assert_eq!(
        seen(&sup.children()),
        "limited running, b running",
        "its restarts do not count against the others"
    );
    rig.exit("limited", crash()).await;
    assert!(matches!(child.ended().await, StopReason::Escalated { .. }));
    assert_eq!(seen(&sup.children()), "limited nothing, b running");
    rig.end().await;
    Ok(())
}

/// A class of failure is decided for itself, whatever `restart` says.
async fn decisions_by_class(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let kid = rig
        .kid("a", Restart::Permanent)
        .on_failure(FailureClass::Killed, Decision::Stop)
        .on_failure(FailureClass::Overloaded, Decision::Escalate);
    let sup = rig.start(Supervisor::one_for_one().intensity(9, ms(5_000)).child(kid)).await;
    rig.exit("a", crash()).await;
    assert_eq!(seen(&sup.children()), "a running", "a bug is restarted");
    rig.kill("a").await;
    assert_eq!(seen(&sup.children()), "a nothing");
    sup.children().restart_child("a").await?;
    rig.exit("a", skep::Exit::failed(FailureClass::Overloaded, "too much")).await;
    assert!(matches!(sup.state(), skep::AgentState::Stopped(StopReason::Escalated { .. })));
    rig.end().await;
    Ok(())
}

/// Quarantine: a task that crashes whoever takes it up is set aside after its attempts, with what it failed with; its crashes
/// count once, and the agent lives on with the next task.
async fn a_task_that_keeps_crashing_its_agent_is_set_aside(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::one_for_one().intensity(1, ms(5_000)).child(rig.says("a", &[]))).await;
    let child = rig.child("a");
    let error = child.ask(Does::Panic).await.unwrap_err();
    assert!(matches!(&error, skep::AskError::Poisoned { errors, .. } if errors.len() == 3), "{error}");
    child.ask(Does::Answer).await?;
    assert_eq!(seen(&sup.children()), "a running");
    assert_eq!(rig.swarm.dead_letters().len(), 1);
    assert_eq!(child.status().incarnation, 4, "three crashes");
    rig.end().await;
    Ok(())
}

/// Elixir's `DynamicSupervisor`: the next one is refused, a child between two lives counts, and one that has ended does not.
async fn max_children(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic().max_children(2).intensity(9, ms(5_000))).await;
    let children = sup.children();
    let refused = async |name| match children.start_child(rig.says(name, &[])).await {
        Err(SpawnError::MaxChildren { limit: 2, .. }) => true,
        Ok(_) => false,
        Err(error) => panic!("{error}"),
    };
    children.start_child(rig.says("a", &[]).backoff(BACKOFF)).await?;
    children.start_child(rig.says("b", &[])).await?;
    assert!(refused("c").await);
    rig.exit("a", crash()).await;
    assert_eq!(seen(&children), "a restarting, b running");
    assert!(refused("c").await, "one that waits for its restart has its place");
    rig.swarm.env().sleep_until(rig.swarm.env().now() + ms(200)).await;
    assert_eq!(seen(&children), "a running, b running");
    children.terminate_child("b").await?;
    children.delete_child("b").await.ok();
    assert!(!refused("c").await, "a place is free");
    assert!(refused("d").await);
    rig.end().await;
    Ok(())
}

/// Children that were added come back with their supervisor, which OTP's do not. So one whose start fails for good then is given
/// up alone and reported, as a start that fails would leave nothing to come back in OTP.
async fn an_added_child_that_does_not_come_back(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    for strategy in [Supervisor::one_for_one, Supervisor::rest_for_one, Supervisor::one_for_all] {
        let inner = strategy().named("inner").intensity(0, ms(5_000)).child(rig.says("declared", &[]));
        let top = rig.start(Supervisor::one_for_one().intensity(1, ms(60_000)).child(inner)).await;
        let inner = rig.swarm.agent::<Supervisor>("inner")?;
        let children = inner.children();
        let fails = [Says::Ok, Says::Error, Says::Panic, Says::Error, Says::Error, Says::Error];
        children.start_child(rig.says("added", &fails)).await?;
        children.start_child(rig.says("another", &[])).await?;
        rig.log.take();
        inner.kill();
        rig.quiet().await;
        assert_eq!((inner.status().incarnation, top.status().incarnation), (2, 1));
        assert_eq!(seen(&children), "declared running, added nothing, another running");
        // What was killed is dropped aside, whenever a thread comes to it.
        let log = rig.log.take();
        let starts: Vec<_> = log.split(' ').filter(|word| !word.starts_with('!')).collect();
        assert_eq!(starts.join(" "), "+declared ?added +another ?added ?added", "{log}");
        let events = rig.lab.events();
        let told = events.iter().filter_map(|event| match &event.what {
            What::SupervisorReport(report) if report.spec.id == "added" => Some(report.context),
            _ => None,
        });
        let failed = told.filter(|context| *context == skep::supervision::Context::StartError);
        assert_eq!(failed.count() % 3, 0, "each of its starts is reported");
        assert!(children.restart_child("added").await.is_err(), "its spec stays");
        rig.lab.saw(&top.stop(Stop::default()).await);
    }
    rig.end().await;
    Ok(())
}

/// One that comes up at the next try is a child like any other.
async fn an_added_child_that_comes_back_late(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let inner = Supervisor::one_for_one().named("inner").intensity(1, ms(5_000));
    rig.start(Supervisor::one_for_one().child(inner)).await;
    let inner = rig.swarm.agent::<Supervisor>("inner")?;
    let children = inner.children();
    children.start_child(rig.says("added", &[Says::Ok, Says::LateError(500)]).backoff(BACKOFF)).await?;
    rig.swarm.spawn(rig.says("spawned", &[Says::Ok, Says::Error]).under(&inner)).await?;
    inner.kill();
    rig.quiet().await;
    assert_eq!(seen(&children), "added starting, spawned nothing", "one after another");
    rig.swarm.env().sleep_until(rig.swarm.env().now() + ms(500)).await;
    assert_eq!(seen(&children), "added restarting, spawned running", "the pause is its own affair");
    rig.swarm.env().sleep_until(rig.swarm.env().now() + ms(200)).await;
    assert_eq!(seen(&children), "added running, spawned running");
    rig.exit("added", crash()).await;
    assert_eq!(
        (seen(&children).as_str(), inner.status().incarnation),
        ("added restarting, spawned running", 2)
    );
    rig.end().await;
    Ok(())
}

cases! {
    max_children "Elixir",
    backoff_doubles_for_failing_starts_and_tasks_wait "Akka",
    a_childs_own_limit "S4, ours",
    decisions_by_class "S2, ours",
    a_task_that_keeps_crashing_its_agent_is_set_aside "S4, ours",
    an_added_child_that_does_not_come_back "S1, ours",
    an_added_child_that_comes_back_late "S1 S5, ours",
}
