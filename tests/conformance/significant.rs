//! Significant children and auto-shutdown: S9, and its live change: S12.

use skep::testkit::{Lab, TestResult};
use skep::{AgentRef, AgentSpec, AutoShutdown, Exit, Restart, SpawnError, StopReason, Supervisor};

use crate::rig::*;

use AutoShutdown::{AllSignificant, AnySignificant, Never};

/// A supervisor with two children of this kind and a bystander.
async fn with_two(
    rig: &Rig,
    auto: AutoShutdown,
    restart: Restart,
    significant: bool,
) -> AgentRef<Supervisor> {
    let spec = Supervisor::one_for_one().auto_shutdown(auto);
    let kid = |name| {
        let kid = rig.kid(name, restart);
        if significant { kid.significant() } else { kid }
    };
    let sup = rig.start(spec.child(kid("a")).child(kid("b")).child(rig.says("by", &[]))).await;
    rig.log.take();
    sup
}

fn has_shut_down(sup: &AgentRef<Supervisor>) -> bool {
    matches!(sup.state(), skep::AgentState::Stopped(StopReason::Stopped))
}

/// After how many ends of `a` and `b` the supervisor has shut down, if it has.
async fn ends_after(rig: &Rig, sup: &AgentRef<Supervisor>, exit: Exit) -> Option<usize> {
    for (number, name) in (1..).zip(["a", "b"]) {
        rig.exit(name, exit.clone()).await;
        if has_shut_down(sup) {
            let log = rig.log.take();
            assert!(log.contains("-by"), "the others are stopped: {log}");
            return Some(number);
        }
    }
    None
}

async fn nonsignificant(lab: Lab, restart: Restart) -> TestResult {
    let auto = [Never, AnySignificant, AllSignificant][lab.which_seed() as usize % 3];
    let rig = Rig::new(lab).await;
    let sup = with_two(&rig, auto, restart, false).await;
    assert_eq!(ends_after(&rig, &sup, Exit::Normal).await, None);
    rig.end().await;
    Ok(())
}

async fn nonsignificant_temporary(lab: Lab) -> TestResult {
    nonsignificant(lab, Restart::Temporary).await
}

async fn nonsignificant_transient(lab: Lab) -> TestResult {
    nonsignificant(lab, Restart::Transient).await
}

/// A temporary one counts however it ends by itself; not when it is stopped through the interface.
async fn significant_temporary(lab: Lab) -> TestResult {
    let seed = lab.which_seed();
    let (auto, expected) = if seed.is_multiple_of(2) { (AnySignificant, 1) } else { (AllSignificant, 2) };
    let exit = [Exit::Normal, crash(), Exit::Shutdown][seed as usize % 3].clone();
    let rig = Rig::new(lab).await;
    let sup = with_two(&rig, auto, Restart::Temporary, true).await;
    assert_eq!(ends_after(&rig, &sup, exit).await, Some(expected));
    rig.end().await;
    Ok(())
}

/// A transient one counts when it ends in order; a failure restarts it; its stop through the interface does not count, but
/// it is not active then.
async fn significant_transient(lab: Lab) -> TestResult {
    let is_any = lab.which_seed().is_multiple_of(2);
    let rig = Rig::new(lab).await;
    let auto = if is_any { AnySignificant } else { AllSignificant };
    let sup = with_two(&rig, auto, Restart::Transient, true).await;
    rig.exit("a", crash()).await;
    assert_eq!(seen(&sup.children()), "a running, b running, by running");
    sup.children().terminate_child("a").await?;
    rig.quiet().await;
    assert_eq!(seen(&sup.children()), "a nothing, b running, by running");
    rig.exit("b", Exit::Normal).await;
    assert!(has_shut_down(&sup), "b was the first to end by itself, and the last active");
    rig.end().await;
    Ok(())
}

/// The last to end may be stopped through the interface: then the supervisor stays.
async fn significant_stopped_last(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = with_two(&rig, AllSignificant, Restart::Transient, true).await;
    rig.exit("a", Exit::Normal).await;
    sup.children().terminate_child("b").await?;
    rig.quiet().await;
    assert_eq!(seen(&sup.children()), "a nothing, b nothing, by running");
    rig.end().await;
    Ok(())
}

/// What cannot be: significant and permanent, significant where nothing follows, and auto-shutdown with dynamic children.
async fn significant_simple(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let field = |result: Result<AgentRef<Supervisor>, SpawnError>| match result {
        Err(SpawnError::BadSpec { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let under = |auto, kid: AgentSpec<Kid>| Supervisor::one_for_one().auto_shutdown(auto).child(kid);
    let permanent = under(AnySignificant, rig.kid("a", Restart::Permanent).significant());
    assert_eq!(field(rig.swarm.spawn(permanent).await), "significant");
    let never = under(Never, rig.kid("a", Restart::Transient).significant());
    assert_eq!(field(rig.swarm.spawn(never).await), "significant");
    for auto in [AnySignificant, AllSignificant] {
        assert_eq!(field(rig.swarm.spawn(Supervisor::dynamic().auto_shutdown(auto)).await), "auto_shutdown");
    }
    let sup = rig.start(Supervisor::dynamic()).await;
    let error = sup.children().start_child(rig.kid("a", Restart::Transient).significant()).await.unwrap_err();
    assert!(matches!(&error, SpawnError::BadSpec { field, .. } if field == "significant"), "{error}");
    assert!(sup.children().change(|policy| policy.auto_shutdown = AnySignificant).is_err());
    assert_eq!(sup.children().policy().auto_shutdown, Never);
    rig.end().await;
    Ok(())
}

/// Changed while it runs: the new policy holds from then on, for the children that are there.
async fn upgrade(lab: Lab, from: AutoShutdown, to: AutoShutdown, expected: Option<usize>) -> TestResult {
    let rig = Rig::new(lab).await;
    let is_significant = from != Never;
    let sup = with_two(&rig, from, Restart::Transient, is_significant).await;
    let children = sup.children();
    children.change(|policy| policy.auto_shutdown = to)?;
    if !is_significant {
        for name in ["a", "b"] {
            children.change_child(name, |child| child.significant = true)?;
        }
    }
    assert_eq!(seen(&children), "a running, b running, by running", "old children stay");
    assert_eq!(ends_after(&rig, &sup, Exit::Normal).await, expected);
    rig.end().await;
    Ok(())
}

async fn significant_upgrade_never_any(lab: Lab) -> TestResult {
    upgrade(lab, Never, AnySignificant, Some(1)).await
}

async fn significant_upgrade_any_never(lab: Lab) -> TestResult {
    upgrade(lab, AnySignificant, Never, None).await
}

async fn significant_upgrade_never_all(lab: Lab) -> TestResult {
    upgrade(lab, Never, AllSignificant, Some(2)).await
}

async fn significant_upgrade_all_never(lab: Lab) -> TestResult {
    upgrade(lab, AllSignificant, Never, None).await
}

async fn significant_upgrade_any_all(lab: Lab) -> TestResult {
    upgrade(lab, AnySignificant, AllSignificant, Some(2)).await
}

async fn significant_upgrade_all_any(lab: Lab) -> TestResult {
    upgrade(lab, AllSignificant, AnySignificant, Some(1)).await
}

/// A child's spec changes: one that becomes significant counts, one that is no longer does not, and a bad change is refused.
async fn significant_upgrade_child(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = with_two(&rig, AnySignificant, Restart::Transient, false).await;
    let children = sup.children();
    children.change_child("a", |child| child.significant = true)?;
    let error = children.change_child("by", |child| child.significant = true).unwrap_err();
    assert!(error.to_string().contains("significant"), "{error}");
    assert!(!children.get_childspec("by")?.significant, "nothing has changed");
    rig.exit("b", Exit::Normal).await;
    assert!(!has_shut_down(&sup));
    children.change_child("a", |child| child.significant = false)?;
    children.change_child("a", |child| child.significant = true)?;
    rig.exit("a", Exit::Normal).await;
    assert!(has_shut_down(&sup));
    rig.end().await;
    Ok(())
}

cases! {
    nonsignificant_temporary "S9",
    nonsignificant_transient "S9",
    significant_temporary "S9",
    significant_transient "S9",
    significant_stopped_last "S9",
    significant_simple "S9",
    significant_upgrade_never_any "S9 S12",
    significant_upgrade_any_never "S9 S12",
    significant_upgrade_never_all "S9 S12",
    significant_upgrade_all_never "S9 S12",
    significant_upgrade_any_all "S9 S12",
    significant_upgrade_all_any "S9 S12",
    significant_upgrade_child "S9 S12",
}
