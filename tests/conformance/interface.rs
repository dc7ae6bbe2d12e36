//! The interface: S10.

use skep::testkit::{Lab, TestResult};
use skep::{Backoff, ChildError, Exit, Restart, Restarted, Shutdown, SpawnError, Stop, Supervisor};

use crate::rig::*;

fn name_of(error: &ChildError) -> &'static str {
    match error {
        ChildError::NotFound { .. } => "not found",
        ChildError::Running { .. } => "running",
        ChildError::Restarting { .. } => "restarting",
        ChildError::StartFailed { .. } => "start failed",
        ChildError::Ending { .. } => "ending",
        _ => "another",
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, ChildError>) -> &'static str {
    name_of(&answer.unwrap_err())
}

/// The whole life cycle of a child through the interface, with every error on the way.
async fn child_adm(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::one_for_one()).await;
    let children = sup.children();
    let spec = || rig.says("a", &[]);

    let child = children.start_child(spec()).await?;
    let SpawnError::AlreadyStarted { agent, .. } = children.start_child(spec()).await.unwrap_err() else {
        panic!("it runs")
    };
    assert_eq!(agent, *child.id(), "the error has its address");
    assert_eq!(refused(children.restart_child("a").await), "running");
    assert_eq!(refused(children.delete_child("a").await), "running");

    children.terminate_child("a").await?;
    children.terminate_child("a").await?;
    assert_eq!(seen(&children), "a nothing");
    let again = children.start_child(spec()).await.unwrap_err();
    assert!(matches!(again, SpawnError::AlreadyPresent { .. }), "{again}");
    assert_eq!(children.restart_child("a").await?, Restarted::Running);
    child.ask(Does::Answer).await?;
    children.terminate_child("a").await?;
    children.delete_child("a").await?;

    assert_eq!(seen(&children), "");
    assert_eq!(refused(children.terminate_child("a").await), "not found");
    assert_eq!(refused(children.restart_child("a").await), "not found");
    assert_eq!(refused(children.delete_child("a").await), "not found");
    assert_eq!(refused(children.which_child("a")), "not found");
    assert_eq!(refused(children.get_childspec("a")), "not found");

    let fails = children.start_child(rig.says("a", &[Says::Error])).await.unwrap_err();
    assert!(matches!(fails, SpawnError::Start { .. }), "{fails}");
    assert_eq!(seen(&children), "", "a start that failed keeps no spec");
    let bad = children.start_child(spec().attempts(0)).await.unwrap_err();
    assert!(matches!(&bad, SpawnError::BadSpec { field, .. } if field == "attempts"), "{bad}");
    children.start_child(spec()).await?;
    assert_eq!(rig.log.take(), "+a -a +a -a ?a +a");
    let temporary = children.start_child(rig.kid("t", Restart::Temporary)).await?;
    children.terminate_child("t").await?;
    assert_eq!(seen(&children), "a running", "a temporary child keeps no spec");
    drop(temporary);
    rig.end().await;
    Ok(())
}

/// The same for dynamic children, which have no spec that could stay.
async fn child_adm_simple(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    let children = sup.children();
    for name in ["a", "b"] {
        children.start_child(rig.says(name, &[])).await?;
    }
    assert!(matches!(children.start_child(rig.says("a", &[])).await, Err(SpawnError::AlreadyStarted { .. })));
    assert_eq!(counted(&children), [1, 2, 0, 2]);
    children.terminate_child("a").await?;
    assert_eq!(refused(children.terminate_child("a").await), "not found");
    assert_eq!(refused(children.restart_child("a").await), "not found");
    assert_eq!(refused(children.delete_child("b").await), "running");
    assert_eq!(counted(&children), [1, 1, 0, 1]);
    children.start_child(rig.says("a", &[])).await?;
    assert_eq!(seen(&children), "b running, a running");
    rig.end().await;
    Ok(())
}

/// What `start` tells the starter: an address that takes tasks at once, and is the same after restarts.
async fn extra_return(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::one_for_one().child(rig.says("a", &[]))).await;
    let child = sup.children().start_child(rig.says("b", &[])).await?;
    child.ask(Does::Answer).await?;
    rig.exit("b", crash()).await;
    child.ask(Does::Answer).await?;
    assert_eq!(sup.children().which_child("b")?.id, *child.id());
    assert_eq!(child.status().incarnation, 2);
    let declared = sup.children().which_child("a")?;
    assert_eq!(declared.id, *rig.child("a").id());
    rig.end().await;
    Ok(())
}

/// The newest first, and each as what it is.
async fn which_children(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let inner = Supervisor::one_for_one().named("inner");
    let spec = Supervisor::one_for_one().child(rig.says("a", &[])).child(inner);
    let sup = rig.start(spec.child(rig.says("c", &[Says::Ignore]))).await;
    sup.children().start_child(rig.says("d", &[])).await?;
    let all = sup.children().which_children();
    let all: Vec<_> = all.iter().map(|child| (child.name.as_str(), child.is_supervisor)).collect();
    assert_eq!(all, [("d", false), ("c", false), ("inner", true), ("a", false)]);
    assert_eq!(seen(&sup.children()), "a running, inner running, c nothing, d running");
    assert_eq!(sup.children().which_child("inner")?.agent_type, "Supervisor");
    rig.end().await;
    Ok(())
}

async fn which_children_simple_one_for_one(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    for name in ["a", "b"] {
        sup.children().start_child(rig.says(name, &[])).await?;
    }
    assert_eq!(seen(&sup.children()), "a running, b running");
    rig.exit("a", crash()).await;
    assert_eq!(seen(&sup.children()), "a running, b running");
    sup.children().terminate_child("b").await?;
    assert_eq!(seen(&sup.children()), "a running");
    rig.end().await;
    Ok(())
}

/// 1,000 and 2,000, exact, with some that have ended.
async fn count_children(lab: Lab) -> TestResult {
    if lab.which_seed() > 1 {
        return Ok(());
    }
    let rig = Rig::new(lab).await;
    let plain = rig.start(Supervisor::one_for_one()).await;
    for number in 0..1_000 {
        plain.children().start_child(rig.says(&format!("a{number}"), &[])).await?;
    }
    assert_eq!(counted(&plain.children()), [1_000, 1_000, 0, 1_000]);
    for number in 0..10 {
        plain.children().terminate_child(&format!("a{number}")).await?;
    }
    assert_eq!(counted(&plain.children()), [1_000, 990, 0, 1_000]);
    let dynamic = rig.swarm.spawn(Supervisor::dynamic().named("dynamic")).await?;
    for number in 0..2_000 {
        dynamic.children().start_child(rig.says(&format!("b{number}"), &[])).await?;
    }
    assert_eq!(counted(&dynamic.children()), [1, 2_000, 0, 2_000]);
    for number in 0..10 {
        dynamic.children().terminate_child(&format!("b{number}")).await?;
    }
    assert_eq!(counted(&dynamic.children()), [1, 1_990, 0, 1_990]);
    rig.end().await;
    Ok(())
}

/// Supervisors and workers are counted whether they run or not.
async fn count_children_supervisor(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_one().child(rig.says("a", &[]).as_supervisor());
    let sup = rig.start(spec.child(rig.says("b", &[])).child(rig.says("c", &[]).as_supervisor())).await;
    let children = sup.children();
    assert_eq!(counted(&children), [3, 3, 2, 1]);
    children.terminate_child("a").await?;
    children.terminate_child("b").await?;
    assert_eq!(counted(&children), [3, 1, 2, 1]);
    children.delete_child("a").await?;
    assert_eq!(counted(&children), [2, 1, 1, 1]);
    rig.end().await;
    Ok(())
}

/// A child whose start fails again and again at its restart: everything is answered meanwhile, and it can be stopped.
async fn hanging_restart_loop(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let says: Vec<_> = std::iter::once(Says::Ok).chain(std::iter::repeat_n(Says::Error, 1_000)).collect();
    let loops = rig.says("loops", &says).backoff(Backoff { min: ms(10), max: ms(10), ..Backoff::default() });
    let spec = Supervisor::one_for_one().intensity(1_000, ms(5_000)).child(loops).child(rig.says("b", &[]));
    let sup = rig.start(spec).await;
    let children = sup.children();
    rig.exit("loops", crash()).await;
    assert_eq!(seen(&children), "loops restarting, b running");
    assert_eq!(counted(&children), [2, 1, 0, 2], "one that is restarting is not active");
    assert_eq!(children.get_childspec("loops")?.restart, Restart::Permanent);
    assert_eq!(refused(children.restart_child("loops").await), "restarting");
    assert_eq!(refused(children.delete_child("loops").await), "restarting");
    let again = children.start_child(rig.says("loops", &[])).await.unwrap_err();
    assert!(matches!(again, SpawnError::AlreadyPresent { .. }), "{again}");
    children.start_child(rig.says("c", &[])).await?;
    children.terminate_child("loops").await?;
    rig.log.take();
    rig.quiet().await;
    assert_eq!(
        (rig.log.take().as_str(), seen(&children).as_str()),
        ("", "loops nothing, b running, c running")
    );
    children.delete_child("loops").await?;
    rig.end().await;
    Ok(())
}

/// Without a pause between the attempts too: they are messages of the supervisor to itself.
async fn hanging_restart_loop_without_a_pause(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let says: Vec<_> = std::iter::once(Says::Ok).chain(std::iter::repeat_n(Says::Error, 100_000)).collect();
    let spec = Supervisor::rest_for_one().intensity(u32::MAX, ms(5_000));
    let spec = spec.child(rig.says("a", &[])).child(rig.says("loops", &says)).child(rig.says("c", &[]));
    let sup = rig.start(spec).await;
    rig.child("loops").kill();
    while rig.child("loops").status().incarnation < 20 {
        tokio::task::yield_now().await;
    }
    let children = sup.children();
    assert_eq!(children.which_child("a")?.state, skep::ChildState::Running);
    children.terminate_child("loops").await?;
    assert_eq!(
        seen(&children),
        "a running, loops nothing, c nothing",
        "whom it would have started stays as it is"
    );
    rig.end().await;
    Ok(())
}

async fn hanging_restart_loop_simple(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let says: Vec<_> = std::iter::once(Says::Ok).chain(std::iter::repeat_n(Says::Error, 1_000)).collect();
    let sup = rig.start(Supervisor::dynamic().intensity(1_000, ms(5_000))).await;
    let children = sup.children();
    let loops = rig.says("loops", &says).backoff(Backoff { min: ms(10), max: ms(10), ..Backoff::default() });
    children.start_child(loops).await?;
    children.start_child(rig.says("b", &[])).await?;
    rig.exit("loops", crash()).await;
    assert_eq!(seen(&children), "loops restarting, b running");
    assert_eq!(counted(&children), [1, 1, 0, 2]);
    children.terminate_child("loops").await?;
    assert_eq!(seen(&children), "b running");
    rig.end().await;
    Ok(())
}

/// A stop reaches a supervisor in the middle of its restarts.
async fn a_restart_loop_can_be_stopped(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let says: Vec<_> = std::iter::once(Says::Ok).chain(std::iter::repeat_n(Says::Error, 100_000)).collect();
    let spec = Supervisor::one_for_all().intensity(u32::MAX, ms(5_000));
    let sup = rig.start(spec.child(rig.says("a", &[])).child(rig.says("loops", &says))).await;
    rig.child("loops").kill();
    while rig.child("loops").status().incarnation < 10 {
        tokio::task::yield_now().await;
    }
    let receipt = sup.stop(skep::Stop::default()).await;
    rig.lab.saw(&receipt);
    assert!(receipt.nothing_left(), "{receipt}");
    rig.end().await;
    Ok(())
}

/// A supervisor that has ended answers that it has.
async fn a_supervisor_that_has_ended_says_so(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::one_for_one().child(rig.says("a", &[]))).await;
    let children = sup.children();
    rig.lab.saw(&sup.stop(skep::Stop::default()).await);
    assert_eq!(refused(children.terminate_child("a").await), "not found");
    assert!(matches!(children.start_child(rig.says("b", &[])).await, Err(SpawnError::Fenced { .. })));
    assert_eq!((seen(&children).as_str(), counted(&children)), ("", [0, 0, 0, 0]));
    rig.end().await;
    Ok(())
}

/// What an ended child has queued goes back to its askers; a restart through the interface takes tasks again.
async fn terminating_a_child_with_a_task(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = rig.says("a", &[]).shutdown(Shutdown::within(ms(100)));
    let sup = rig.start(Supervisor::one_for_one().child(spec)).await;
    let child = rig.child("a");
    let running = tokio::spawn(child.ask(Does::Deaf));
    rig.quiet().await;
    let queued = tokio::spawn(child.ask(Does::Answer));
    rig.quiet().await;
    sup.children().terminate_child("a").await?;
    assert!(matches!(queued.await?, Err(skep::AskError::Stopped(..))));
    assert!(running.await?.is_err());
    sup.children().restart_child("a").await?;
    child.ask(Does::Answer).await?;
    rig.exit("a", Exit::Normal).await;
    rig.end().await;
    Ok(())
}

/// [c1, c2, c3]: c2 crashes, and its next start takes two seconds and fails. Within the attempt and between two of them the
/// supervisor answers the same, and whoever was to be started behind it stays down, as in OTP.
async fn terminating_a_child_within_its_attempt(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    for strategy in [Supervisor::rest_for_one, Supervisor::one_for_all] {
        for within in [true, false] {
            let slow = [Says::Ok, Says::LateError(2_000), Says::LateError(2_000), Says::LateError(2_000)];
            let backoff = Backoff { jitter_permille: 0, ..Backoff::default() };
            let spec = strategy().intensity(9, ms(60_000)).child(rig.says("c1", &[]));
            let spec = spec.child(rig.says("c2", &slow).backoff(backoff)).child(rig.says("c3", &[]));
            let sup = rig.start(spec).await;
            let (children, env) = (sup.children(), rig.swarm.env().clone());
            rig.exit("c2", crash()).await;
            // The pause before it is a second, the attempt two, the pause after it two.
            env.sleep_until(env.now() + if within { ms(2_000) } else { ms(3_500) }).await;
            let seen_then = if within { "starting" } else { "restarting" };
            assert_eq!(seen(&children), format!("c1 running, c2 {seen_then}, c3 nothing"));
            let there = children.start_child(rig.says("c2", &[])).await.unwrap_err();
            assert!(matches!(there, SpawnError::AlreadyPresent { .. }), "{there}");
            children.terminate_child("c2").await?;
            rig.quiet().await;
            assert_eq!(seen(&children), "c1 running, c2 nothing, c3 nothing");
            env.sleep_until(env.now() + ms(10_000)).await;
            assert_eq!(seen(&children), "c1 running, c2 nothing, c3 nothing");
            assert_eq!(children.restart_child("c3").await?, Restarted::Running);
            rig.lab.saw(&sup.stop(Stop::default()).await);
        }
    }
    rig.end().await;
    Ok(())
}

cases! {
    child_adm "S10",
    child_adm_simple "S10",
    extra_return "S10",
    which_children "S10",
    which_children_simple_one_for_one "S10",
    count_children "S10",
    count_children_supervisor "S10",
    hanging_restart_loop "S5 S10",
    hanging_restart_loop_without_a_pause "S5 S10",
    hanging_restart_loop_simple "S5 S10",
    a_restart_loop_can_be_stopped "S5 S8",
    a_supervisor_that_has_ended_says_so "S10",
    terminating_a_child_with_a_task "S6 S10",
    terminating_a_child_within_its_attempt "S5 S10",
}
