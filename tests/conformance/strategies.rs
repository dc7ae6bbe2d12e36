//! Whom a restart concerns, and when a supervisor gives up: S3, S4, S5.

use skep::testkit::{Lab, TestResult};
use skep::{AgentRef, AgentSpec, Exit, Restart, StopReason, Supervisor};

use crate::rig::*;

async fn three(rig: &Rig, spec: AgentSpec<Supervisor>) -> AgentRef<Supervisor> {
    let spec = ["a", "b", "c"].iter().fold(spec, |spec, name| spec.child(rig.says(name, &[])));
    let sup = rig.start(spec).await;
    assert_eq!(rig.log.take(), "+a +b +c");
    sup
}

fn gave_up(sup: &AgentRef<Supervisor>) -> bool {
    matches!(sup.state(), skep::AgentState::Stopped(StopReason::Escalated { .. }))
}

async fn one_for_one(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = three(&rig, Supervisor::one_for_one()).await;
    rig.exit("b", crash()).await;
    assert_eq!(rig.log.take(), "+b");
    assert_eq!(seen(&sup.children()), "a running, b running, c running", "each keeps its place");
    rig.end().await;
    Ok(())
}

async fn one_for_all(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    three(&rig, Supervisor::one_for_all()).await;
    rig.exit("b", crash()).await;
    assert_eq!(rig.log.take(), "-c -a +a +b +c");
    rig.end().await;
    Ok(())
}

async fn rest_for_one(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    three(&rig, Supervisor::rest_for_one()).await;
    rig.exit("b", crash()).await;
    assert_eq!(rig.log.take(), "-c +b +c");
    rig.end().await;
    Ok(())
}

/// More restarts than it bears: it stops all in reverse order and ends escalated, which the level above never takes for an
/// orderly end, also where the child's own end was one.
async fn one_for_one_escalation(lab: Lab) -> TestResult {
    escalation(lab, Supervisor::one_for_one(), "+a", "-c -b").await
}

async fn one_for_all_escalation(lab: Lab) -> TestResult {
    escalation(lab, Supervisor::one_for_all(), "-c -b +a +b +c", "-c -b").await
}

async fn rest_for_one_escalation(lab: Lab) -> TestResult {
    escalation(lab, Supervisor::rest_for_one(), "-c -b +a +b +c", "-c -b").await
}

async fn escalation(lab: Lab, spec: AgentSpec<Supervisor>, restart: &str, last: &str) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = spec.named("inner").restart(Restart::Transient).intensity(1, ms(5_000));
    let inner = ["a", "b", "c"].iter().fold(spec, |spec, name| spec.child(rig.says(name, &[])));
    let outer = rig.start(Supervisor::one_for_one().child(inner)).await;
    rig.log.take();
    rig.exit("a", Exit::Normal).await;
    assert_eq!(rig.log.take(), restart);
    rig.exit("a", Exit::Normal).await;
    assert_eq!(
        rig.log.take(),
        format!("{last} +a +b +c"),
        "a transient supervisor that gave up is started again"
    );
    assert_eq!(seen(&outer.children()), "inner running");
    let history = rig.end().await;
    assert_eq!(history.incarnations("inner"), 2);
    Ok(())
}

async fn simple_one_for_one(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    let children = sup.children();
    for name in ["a", "b", "c"] {
        children.start_child(rig.says(name, &[])).await?;
    }
    rig.exit("b", crash()).await;
    assert_eq!(rig.log.take(), "+a +b +c +b");
    assert_eq!(counted(&children), [1, 3, 0, 3]);
    rig.end().await;
    Ok(())
}

/// An instance comes back with the arguments it was started with: here its factory's own.
async fn simple_one_for_one_extra(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic().intensity(5, ms(5_000))).await;
    let children = sup.children();
    for (name, says) in [("a", [Says::Ok, Says::Error]), ("b", [Says::Ok, Says::Ok])] {
        children.start_child(rig.says(name, &says)).await?;
    }
    rig.log.take();
    rig.exit("a", crash()).await;
    rig.exit("b", crash()).await;
    assert_eq!(rig.log.take(), "?a +a +b", "each its own");
    rig.end().await;
    Ok(())
}

async fn simple_one_for_one_escalation(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    for name in ["a", "b", "c"] {
        sup.children().start_child(rig.says(name, &[])).await?;
    }
    rig.exit("a", crash()).await;
    rig.log.take();
    rig.exit("b", crash()).await;
    assert!(gave_up(&sup), "{:?}", sup.state());
    let log = rig.log.take();
    assert!(["-a", "-c"].iter().all(|stop| log.contains(stop)) && log.len() == 5, "{log}");
    rig.end().await;
    Ok(())
}

/// With intensity 0 the first failure is fatal; and a permanent child's orderly end counts like any other.
async fn with_intensity_0_nothing_is_borne(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = three(&rig, Supervisor::one_for_one().intensity(0, ms(5_000))).await;
    rig.exit("b", Exit::Normal).await;
    assert!(gave_up(&sup), "{:?}", sup.state());
    assert_eq!(rig.log.take(), "-c -a");
    rig.end().await;
    Ok(())
}

/// A restart exactly as old as the period counts, one a millisecond older does not.
async fn the_window_includes_its_period(lab: Lab) -> TestResult {
    let is_within = lab.which_seed().is_multiple_of(2);
    let rig = Rig::new(lab).await;
    let sup = three(&rig, Supervisor::one_for_one()).await;
    let env = rig.swarm.env().clone();
    let first = env.now();
    rig.child("a").kill();
    let later = ms(if is_within { 5_000 } else { 5_001 });
    env.sleep_until(first + later).await;
    rig.kill("a").await;
    assert_eq!(gave_up(&sup), is_within);
    rig.end().await;
    Ok(())
}

/// A start that fails at a restart is tried again at once, and each attempt counts.
async fn failed_restarts_count_each(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let says = [Says::Ok, Says::Error, Says::Panic];
    let spec = Supervisor::one_for_one().intensity(3, ms(5_000)).child(rig.says("a", &says));
    let sup = rig.start(spec).await;
    rig.exit("a", crash()).await;
    assert_eq!(rig.log.take(), "+a ?a ?a +a");
    rig.exit("a", crash()).await;
    assert!(gave_up(&sup), "one more than three in all");
    rig.end().await;
    Ok(())
}

/// The next attempt of `one_for_all` does all again, that of `rest_for_one` keeps those restarted before the failing one.
async fn the_next_attempt_of_each_strategy(lab: Lab) -> TestResult {
    let is_all = lab.which_seed().is_multiple_of(2);
    let rig = Rig::new(lab).await;
    let spec = if is_all { Supervisor::one_for_all() } else { Supervisor::rest_for_one() };
    let spec = spec.intensity(3, ms(5_000)).child(rig.says("a", &[])).child(rig.says("b", &[]));
    rig.start(spec.child(rig.says("c", &[Says::Ok, Says::Error]))).await;
    rig.log.take();
    rig.exit("a", crash()).await;
    let expected = if is_all { "-c -b +a +b ?c -b -a +a +b +c" } else { "-c -b +a +b ?c +c" };
    assert_eq!(rig.log.take(), expected);
    rig.end().await;
    Ok(())
}

/// An ignore at an automatic restart is no failure: nothing runs for the child, its spec stays, and the restart goes on.
async fn an_ignored_restart_is_no_failure(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_all().child(rig.says("a", &[Says::Ok, Says::Ignore]));
    let sup = rig.start(spec.child(rig.says("b", &[]))).await;
    rig.log.take();
    rig.exit("b", crash()).await;
    assert_eq!(rig.log.take(), "-a ~a +b");
    assert_eq!(seen(&sup.children()), "a nothing, b running");
    rig.end().await;
    Ok(())
}

/// A temporary sibling stopped on the way is deleted; one that had ended is started with the others.
async fn siblings_in_scope(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_all().child(rig.kid("temporary", Restart::Temporary));
    let spec = spec.child(rig.kid("ended", Restart::Transient)).child(rig.says("c", &[]));
    let sup = rig.start(spec).await;
    rig.exit("ended", Exit::Normal).await;
    assert_eq!(seen(&sup.children()), "temporary running, ended nothing, c running");
    rig.log.take();
    rig.exit("c", crash()).await;
    assert_eq!(rig.log.take(), "-temporary +ended +c");
    assert_eq!(seen(&sup.children()), "ended running, c running");
    rig.end().await;
    Ok(())
}

cases! {
    one_for_one "S3",
    one_for_one_escalation "S4",
    one_for_all "S3",
    one_for_all_escalation "S4",
    rest_for_one "S3",
    rest_for_one_escalation "S4",
    simple_one_for_one "S3",
    simple_one_for_one_extra "S3, Elixir",
    simple_one_for_one_escalation "S4 S7",
    with_intensity_0_nothing_is_borne "S4",
    the_window_includes_its_period "S4",
    failed_restarts_count_each "S4 S5",
    the_next_attempt_of_each_strategy "S5",
    an_ignored_restart_is_no_failure "S1 S5",
    siblings_in_scope "S3",
}
