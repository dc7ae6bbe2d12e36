//! Live change: S12. Old children stay, the new policy holds from then on, a bad one is refused and changes nothing.

use skep::error::ChangeError;
use skep::testkit::{Lab, TestResult};
use skep::{
    AgentState, Decision, FailureClass, Orphans, Restart, Shutdown, SpawnError, Stop, StopReason, Strategy,
    Supervisor, SupervisorFlags, What,
};

use crate::rig::*;

/// Strategy, intensity and period change; nobody is stopped or started for it.
async fn code_change(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_one().child(rig.says("a", &[])).child(rig.says("b", &[]));
    let sup = rig.start(spec).await;
    let children = sup.children();
    rig.log.take();
    children.change(|policy| {
        policy.strategy = Strategy::OneForAll;
        policy.intensity.restarts = 2;
        policy.intensity.period = ms(60_000);
    })?;
    assert_eq!((rig.log.take().as_str(), seen(&children).as_str()), ("", "a running, b running"));
    rig.exit("a", crash()).await;
    assert_eq!(rig.log.take(), "-b +a +b");

    let before = children.policy();
    let error = children.change(|policy| policy.intensity.period = std::time::Duration::ZERO).unwrap_err();
    assert!(matches!(error, ChangeError::Policy { .. }) && error.to_string().contains("period"), "{error}");
    assert_eq!(children.policy(), before);

    children.change(|policy| policy.strategy = Strategy::RestForOne)?;
    rig.exit("b", crash()).await;
    assert_eq!(rig.log.take(), "+b");
    rig.quiet().await;
    rig.exit("b", crash()).await;
    assert!(
        matches!(sup.state(), skep::AgentState::Stopped(StopReason::Escalated { .. })),
        "the third in a minute"
    );
    let late = children.change(|policy| policy.strategy = Strategy::OneForOne);
    assert!(matches!(late, Err(ChangeError::Ended { .. })), "{late:?}");
    rig.end().await;
    Ok(())
}

/// The same, as flags that were read from a file.
async fn code_change_map(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::one_for_one().child(rig.says("a", &[])).child(rig.says("b", &[]))).await;
    let children = sup.children();
    rig.log.take();
    let flags: SupervisorFlags = toml::from_str("strategy = 'one_for_all'\nintensity = 7\nperiod = 60")?;
    children.change(|policy| *policy = flags.policy())?;
    assert_eq!((children.policy().intensity.restarts, children.policy().intensity.period), (7, ms(60_000)));
    rig.exit("a", crash()).await;
    assert_eq!(rig.log.take(), "-b +a +b");
    let bad: SupervisorFlags = toml::from_str("period = 0")?;
    assert!(children.change(|policy| *policy = bad.policy()).is_err());
    assert_eq!(children.policy().strategy, Strategy::OneForAll, "nothing has changed");
    rig.end().await;
    Ok(())
}

fn changed(what: &What) -> Option<String> {
    match what {
        What::PolicyChanged(policy) => Some(format!("{} restarts", policy.intensity.restarts)),
        What::ChildPolicyChanged(policy) => Some(format!("{:?}", policy.restart)),
        _ => None,
    }
}

/// The policy of a dynamic supervisor and of the instances that run.
async fn code_change_simple(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    let children = sup.children();
    for name in ["a", "b"] {
        children.start_child(rig.says(name, &[])).await?;
    }
    children.change(|policy| policy.intensity.restarts = 5)?;
    children.change_child("b", |child| child.restart = Restart::Temporary)?;
    for _ in 0..3 {
        rig.exit("a", crash()).await;
    }
    rig.exit("b", crash()).await;
    assert_eq!(seen(&children), "a running");
    let error = children.change_child("a", |child| child.dynamic = false).unwrap_err();
    assert!(error.to_string().contains("dynamic"), "{error}");
    let changes: Vec<_> = rig.lab.events().iter().filter_map(|event| changed(&event.what)).collect();
    assert_eq!(changes, ["5 restarts", "Temporary"], "what is refused is no change");
    rig.end().await;
    Ok(())
}

async fn code_change_simple_map(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    let children = sup.children();
    children.start_child(rig.says("a", &[])).await?;
    let flags: SupervisorFlags =
        toml::from_str("strategy = 'simple_one_for_one'\nintensity = 4\nperiod = 9")?;
    children.change(|policy| *policy = flags.policy())?;
    let bad: SupervisorFlags =
        toml::from_str("strategy = 'simple_one_for_one'\nauto_shutdown = 'any_significant'")?;
    assert!(children.change(|policy| *policy = bad.policy()).is_err());
    for _ in 0..4 {
        rig.exit("a", crash()).await;
    }
    assert_eq!(seen(&children), "a running");
    rig.end().await;
    Ok(())
}

/// A child's restart and shutdown change; the life that is there ends by the new ones.
async fn a_changed_child_is_stopped_and_restarted_by_its_new_policy(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_all().child(rig.hook("a", Hook::Hangs)).child(rig.says("b", &[]));
    let sup = rig.start(spec).await;
    let children = sup.children();
    children.change_child("a", |child| {
        child.shutdown = Shutdown::Brutal;
        child.restart = Restart::Temporary;
    })?;
    assert_eq!(children.get_childspec("a")?.shutdown, Shutdown::Brutal);
    rig.log.take();
    let began = rig.swarm.env().now();
    rig.exit("b", crash()).await;
    assert_eq!(rig.swarm.env().now().since(began), ms(100), "nobody waited for its hook");
    assert_eq!(seen(&children), "b running");
    let log = rig.log.take();
    assert!(log.contains("!a") && !log.contains("-a"), "{log}");
    rig.end().await;
    Ok(())
}

/// What holds for a child has one home, its supervisor's table: lists, reports, stops and restarts all go by it, also when it
/// was changed and then adopted.
async fn a_changed_child_is_the_same_wherever_it_is_looked_at(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let top = rig.start(Supervisor::one_for_one().intensity(9, ms(60_000))).await;
    let parent = rig.kid("parent", Restart::Temporary).intensity(0, ms(60_000)).under(&top);
    let parent = rig.swarm.spawn(parent).await?;
    let orphan = || rig.hook("orphan", Hook::Takes(3_000)).when_orphaned(Orphans::UntilDone);
    let orphan = rig.swarm.spawn(orphan().under(&parent)).await?;
    parent.children().change_child("orphan", |child| {
        child.supervisor = true;
        child.shutdown = Shutdown::within(ms(500));
        child.on_failure = vec![(FailureClass::Bug, Decision::Restart)];
    })?;
    let child = parent.children().which_child("orphan")?;
    assert_eq!((child.is_supervisor, counted(&parent.children())), (true, [1, 1, 1, 0]));
    // One that lets its parent give up.
    orphan.tell(Does::Deaf)?;
    rig.quiet().await;
    rig.swarm.spawn(rig.says("bad", &[]).under(&parent)).await?;
    rig.exit("bad", crash()).await;
    assert!(matches!(parent.state(), AgentState::Stopped(StopReason::Escalated { .. })));

    let children = top.children();
    let held = children.get_childspec("orphan")?;
    assert_eq!((held.restart, held.shutdown), (Restart::Temporary, Shutdown::within(ms(500))));
    let child = children.which_child("orphan")?;
    assert!(child.is_supervisor && held.supervisor && held.on_failure.is_empty(), "{child:?} {held:?}");
    children.change_child("orphan", |child| child.shutdown = Shutdown::within(ms(1_000)))?;
    let began = rig.swarm.env().now();
    orphan.kill();
    rig.quiet().await;
    assert!(rig.swarm.env().now().since(began) < ms(3_000));
    let events = rig.lab.events();
    let report = events.iter().rev().find_map(|event| match &event.what {
        What::SupervisorReport(report) if report.spec.id == "orphan" => Some(report.clone()),
        _ => None,
    });
    let spec = report.expect("it was killed").spec;
    assert_eq!((spec.restart, spec.shutdown), (Restart::Temporary, Some(Shutdown::within(ms(1_000)))));
    assert_eq!(seen(&children), "", "the last task that it had is over");
    rig.end().await;
    Ok(())
}

/// A name is known by what holds now: by what its spec had said it is another agent.
async fn a_spawn_of_a_changed_child_goes_by_what_holds_now(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let top = rig.start(Supervisor::one_for_one()).await;
    let spec = || rig.says("a", &[]).under(&top);
    let a = rig.swarm.spawn(spec()).await?;
    let brutal = || spec().shutdown(Shutdown::Brutal);
    assert!(matches!(rig.swarm.spawn(brutal()).await.unwrap_err(), SpawnError::NameTaken { .. }));
    top.children().change_child("a", |child| child.shutdown = Shutdown::Brutal)?;
    assert_eq!(rig.swarm.spawn(brutal()).await?.id(), a.id());
    assert!(matches!(rig.swarm.spawn(spec()).await.unwrap_err(), SpawnError::NameTaken { .. }));
    let decides = brutal().on_failure(FailureClass::Bug, Decision::Stop);
    assert!(matches!(rig.swarm.spawn(decides).await.unwrap_err(), SpawnError::NameTaken { .. }));
    rig.end().await;
    Ok(())
}

/// A stop of the supervisor reads how its children are stopped where it reads who they are.
async fn a_stop_goes_by_what_was_changed(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let top = rig.start(Supervisor::one_for_one().child(rig.hook("a", Hook::Takes(2_000)))).await;
    top.children().change_child("a", |child| child.shutdown = Shutdown::within(ms(500)))?;
    let receipt = top.stop(Stop::within(ms(10_000))).await;
    rig.lab.saw(&receipt);
    assert!(receipt.took() < ms(1_000), "{receipt}");
    rig.end().await;
    Ok(())
}

cases! {
    code_change "S12",
    code_change_map "S12",
    code_change_simple "S12",
    code_change_simple_map "S12",
    a_changed_child_is_the_same_wherever_it_is_looked_at "S12, ours",
    a_spawn_of_a_changed_child_goes_by_what_holds_now "S12, ours",
    a_stop_goes_by_what_was_changed "S6 S12",
    a_changed_child_is_stopped_and_restarted_by_its_new_policy "S6 S12",
}
