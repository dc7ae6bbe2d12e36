//! How a supervisor starts: S1.

use skep::testkit::{Lab, TestResult};
use skep::{AgentSpec, ChildError, Restart, SpawnError, Supervisor};

use crate::rig::*;

/// Children start in order, each after the one before.
async fn sup_start_normal(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_one().child(rig.says("a", &[Says::Late(50)]));
    let sup = rig.start(spec.child(rig.says("b", &[]))).await;
    assert_eq!(rig.log.take(), "+a +b");
    assert_eq!(seen(&sup.children()), "a running, b running");
    rig.end().await;
    Ok(())
}

/// A supervisor whose own start says *ignore*: nothing runs, and none of its children was started.
async fn sup_start_ignore_init(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec: AgentSpec<Kid> = rig.says("sup", &[Says::Ignore]).as_supervisor();
    let error = rig.swarm.spawn(spec.child(rig.says("a", &[]))).await.unwrap_err();
    assert!(matches!(error, SpawnError::Ignored { .. }), "{error}");
    assert_eq!((rig.log.take().as_str(), seen(&rig.swarm.children()).as_str()), ("~sup", ""));
    rig.end().await;
    Ok(())
}

/// A child that ignores keeps its spec, with nothing running; the next is started.
async fn sup_start_ignore_child(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_one().child(rig.says("a", &[Says::Ignore])).child(rig.says("b", &[]));
    let sup = rig.start(spec).await;
    let children = sup.children();
    let error = children.start_child(rig.says("c", &[Says::Ignore])).await.unwrap_err();
    assert!(matches!(error, SpawnError::Ignored { .. }), "{error}");
    assert_eq!(rig.log.take(), "~a +b ~c");
    assert_eq!(seen(&children), "a nothing, b running, c nothing");
    assert_eq!(counted(&children), [3, 1, 0, 3]);
    rig.end().await;
    Ok(())
}

/// A temporary one that ignores is not there.
async fn sup_start_ignore_temporary_child(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let ignores = |name| rig.says(name, &[Says::Ignore]).restart(Restart::Temporary);
    let sup = rig.start(Supervisor::one_for_one().child(ignores("a")).child(rig.says("b", &[]))).await;
    let children = sup.children();
    assert!(matches!(children.start_child(ignores("c")).await, Err(SpawnError::Ignored { .. })));
    assert_eq!(seen(&children), "b running");
    assert_eq!(counted(&children), [1, 1, 0, 1]);
    rig.end().await;
    Ok(())
}

/// A supervisor whose own start returns an error has not started.
async fn sup_start_error_return(lab: Lab) -> TestResult {
    own_start_fails(lab, Says::Error).await
}

/// Nor has one whose start panics.
async fn sup_start_fail(lab: Lab) -> TestResult {
    own_start_fails(lab, Says::Panic).await
}

async fn own_start_fails(lab: Lab, says: Says) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = rig.says("sup", &[says]).as_supervisor().child(rig.says("a", &[]));
    let error = rig.swarm.spawn(spec).await.unwrap_err();
    assert!(matches!(&error, SpawnError::Start { message, .. } if message.contains("told to")), "{error}");
    assert_eq!((rig.log.take().as_str(), seen(&rig.swarm.children()).as_str()), ("?sup", ""));
    rig.end().await;
    Ok(())
}

/// The first failed start stops those before in reverse order; the supervisor fails with the child's name and reason, and
/// nothing is tried again.
async fn sup_start_child_returns_error(lab: Lab) -> TestResult {
    let says = if lab.which_seed().is_multiple_of(2) { Says::Error } else { Says::Panic };
    let rig = Rig::new(lab).await;
    let spec = Supervisor::one_for_all().child(rig.says("a", &[])).child(rig.says("b", &[]));
    let spec = spec.child(rig.says("c", &[says])).child(rig.says("d", &[]));
    let error = rig.swarm.spawn(spec.named("sup")).await.unwrap_err();
    let SpawnError::Start { message, .. } = &error else { panic!("{error}") };
    assert!(message.contains("c failed to start") && message.contains("told to"), "{message}");
    rig.quiet().await;
    assert_eq!(rig.log.take(), "+a +b ?c -b -a");
    assert_eq!(seen(&rig.swarm.children()), "");
    rig.end().await;
    Ok(())
}

/// A start by `restart_child` that fails is an error; the spec stays, with nothing running, and nothing is tried again.
async fn sup_start_restart_child_returns_error(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::one_for_one().child(rig.says("a", &[Says::Ok, Says::Error]))).await;
    let children = sup.children();
    children.terminate_child("a").await?;
    let error = children.restart_child("a").await.unwrap_err();
    assert!(
        matches!(&error, ChildError::StartFailed { message, .. } if message.contains("told to")),
        "{error}"
    );
    rig.quiet().await;
    assert_eq!(rig.log.take(), "+a -a ?a");
    assert_eq!(seen(&children), "a nothing");
    children.restart_child("a").await?;
    assert_eq!(seen(&children), "a running");
    rig.end().await;
    Ok(())
}

/// A dynamic child whose start fails leaves nothing behind.
async fn sup_start_child_returns_error_simple(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    let children = sup.children();
    for says in [Says::Error, Says::Panic] {
        let error = children.start_child(rig.says("a", &[says])).await.unwrap_err();
        assert!(matches!(error, SpawnError::Start { .. }), "{error}");
    }
    assert_eq!((seen(&children).as_str(), counted(&children)), ("", [1, 0, 0, 0]));
    children.start_child(rig.says("a", &[])).await?;
    assert_eq!(counted(&children), [1, 1, 0, 1]);
    rig.end().await;
    Ok(())
}

cases! {
    sup_start_normal "S1",
    sup_start_ignore_init "S1",
    sup_start_ignore_child "S1 S10",
    sup_start_ignore_temporary_child "S1 S10",
    sup_start_error_return "S1",
    sup_start_fail "S1",
    sup_start_child_returns_error "S1",
    sup_start_restart_child_returns_error "S10",
    sup_start_child_returns_error_simple "S1 S10",
}
