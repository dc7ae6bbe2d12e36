//! How children are stopped: S6 and S7.

use std::time::Duration;

use skep::testkit::{Lab, TestResult};
use skep::{End, Shutdown, Stop, StopReceipt, Supervisor};

use crate::rig::*;

fn end_of(receipt: &StopReceipt, name: &str) -> End {
    receipt.rows().iter().find(|row| row.name == name).unwrap().end
}

/// A child without a limit has until the stop's deadline, and ends when it has done what it had to.
async fn sup_stop_infinity(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = rig.hook("a", Hook::Takes(7_000)).shutdown(Shutdown::UntilDeadline);
    let sup = rig.start(Supervisor::one_for_one().child(spec)).await;
    let began = rig.swarm.env().now();
    let receipt = sup.stop(Stop::within(Duration::from_secs(60))).await;
    rig.lab.saw(&receipt);
    assert!(receipt.is_clean(), "{receipt}");
    assert_eq!(rig.swarm.env().now().since(began), ms(7_000));
    assert_eq!(rig.log.take(), "+a -a");
    rig.end().await;
    Ok(())
}

/// One that answers ends with shutdown; one that is stuck in its hook or its task is ended after its time, in reverse order.
async fn sup_stop_timeout(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let within = Shutdown::within(ms(1_000));
    let spec = Supervisor::one_for_one()
        .child(rig.hook("answers", Hook::Ready).shutdown(within))
        .child(rig.hook("hangs", Hook::Hangs).shutdown(within))
        .child(rig.hook("deaf", Hook::Ready).shutdown(within));
    let sup = rig.start(spec).await;
    rig.child("deaf").tell(Does::Deaf)?;
    rig.quiet().await;
    let began = rig.swarm.env().now();
    let receipt = sup.stop(Stop::within(Duration::from_secs(60))).await;
    rig.lab.saw(&receipt);
    assert!(receipt.nothing_left(), "{receipt}");
    assert_eq!(
        ["answers", "hangs", "deaf"].map(|name| end_of(&receipt, name)),
        [End::Clean, End::Aborted, End::Aborted]
    );
    assert_eq!(rig.log.take(), "+answers +hangs +deaf !deaf -hangs -answers", "one after another");
    let took = rig.swarm.env().now().since(began);
    assert!(took >= ms(2_000) && took < ms(3_000), "{took:?}");
    rig.end().await;
    Ok(())
}

/// Dynamic children are asked all at once, with one timer for all.
async fn sup_stop_timeout_dynamic(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    for (name, hook) in [("a", Hook::Hangs), ("b", Hook::Takes(900)), ("c", Hook::Hangs), ("d", Hook::Ready)]
    {
        sup.children().start_child(rig.hook(name, hook).shutdown(Shutdown::within(ms(1_000)))).await?;
    }
    let began = rig.swarm.env().now();
    let receipt = sup.stop(Stop::within(Duration::from_secs(60))).await;
    rig.lab.saw(&receipt);
    let ends = ["a", "b", "c", "d"].map(|name| end_of(&receipt, name));
    assert_eq!(ends, [End::Aborted, End::Clean, End::Aborted, End::Clean], "{receipt}");
    let took = rig.swarm.env().now().since(began);
    assert!(took >= ms(1_000) && took < ms(1_100), "{took:?}");
    rig.end().await;
    Ok(())
}

/// A brutal child has no time at all, and no hook.
async fn sup_stop_brutal_kill(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let brutal = |name| rig.hook(name, Hook::Takes(500)).shutdown(Shutdown::Brutal);
    let sup = rig.start(Supervisor::one_for_one().child(brutal("idle")).child(brutal("busy"))).await;
    rig.child("busy").tell(Does::Deaf)?;
    rig.quiet().await;
    let began = rig.swarm.env().now();
    let receipt = sup.stop(Stop::default()).await;
    rig.lab.saw(&receipt);
    assert!(receipt.is_clean(), "as was ordered: {receipt}");
    assert_eq!(rig.swarm.env().now(), began);
    rig.quiet().await;
    assert_eq!(rig.log.take(), "+idle +busy !busy !idle");
    rig.end().await;
    Ok(())
}

/// The same for dynamic children.
async fn sup_stop_brutal_kill_dynamic(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    for name in ["a", "b", "c"] {
        sup.children().start_child(rig.hook(name, Hook::Hangs).shutdown(Shutdown::Brutal)).await?;
    }
    let began = rig.swarm.env().now();
    let receipt = sup.stop(Stop::default()).await;
    rig.lab.saw(&receipt);
    assert_eq!((receipt.is_clean(), rig.swarm.env().now()), (true, began), "{receipt}");
    rig.quiet().await;
    let log = rig.log.take();
    assert!(!log.contains('-') && log.matches('!').count() == 3, "{log}");
    rig.end().await;
    Ok(())
}

/// From Elixir's `DynamicSupervisor`: brutal, timed, unlimited, expired and misbehaving children in one stop.
async fn stopping_a_mix_of_children(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::dynamic()).await;
    let children = sup.children();
    let timed = Shutdown::within(ms(500));
    for (name, hook, shutdown) in [
        ("brutal", Hook::Hangs, Shutdown::Brutal),
        ("timed", Hook::Takes(300), timed),
        ("unlimited", Hook::Takes(2_000), Shutdown::UntilDeadline),
        ("expired", Hook::Takes(700), timed),
        ("panics", Hook::Panics, timed),
        ("fails", Hook::Fails, timed),
    ] {
        children.start_child(rig.hook(name, hook).shutdown(shutdown)).await?;
    }
    let receipt = sup.stop(Stop::within(Duration::from_secs(60))).await;
    rig.lab.saw(&receipt);
    assert!(receipt.nothing_left() && !receipt.is_clean(), "{receipt}");
    assert_eq!(
        ["timed", "unlimited", "expired"].map(|name| end_of(&receipt, name)),
        [End::Clean, End::Clean, End::Aborted]
    );
    let faults: Vec<_> =
        receipt.rows().iter().filter(|row| row.hook.is_some()).map(|row| row.name.as_str()).collect();
    assert!(faults.contains(&"panics") && faults.contains(&"fails"), "{faults:?}");
    rig.end().await;
    Ok(())
}

/// A child that misbehaves while it is terminated through the interface cannot hang its supervisor.
async fn terminating_a_child_that_hangs(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let hangs = rig.hook("hangs", Hook::Hangs).shutdown(Shutdown::within(ms(1_000)));
    let sup = rig.start(Supervisor::one_for_one().child(hangs).child(rig.says("b", &[]))).await;
    let began = rig.swarm.env().now();
    sup.children().terminate_child("hangs").await?;
    let took = rig.swarm.env().now().since(began);
    assert!(took >= ms(1_000) && took < ms(2_000), "{took:?}");
    assert_eq!(seen(&sup.children()), "hangs nothing, b running");
    rig.end().await;
    Ok(())
}

/// S8: a supervisor whose parent ends stops all its children in reverse order; one that is killed takes them with it.
async fn children_end_with_their_supervisor(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let inner = || Supervisor::one_for_one().child(rig.says("a", &[])).child(rig.says("b", &[]));
    let outer =
        rig.start(Supervisor::one_for_all().child(inner().named("inner")).child(rig.says("c", &[]))).await;
    rig.exit("c", crash()).await;
    assert_eq!(rig.log.take(), "+a +b +c -b -a +a +b +c");
    rig.swarm.agent::<Supervisor>("inner")?.kill();
    rig.quiet().await;
    let log = rig.log.take();
    assert!(!log.contains("-a") && !log.contains("-b"), "killed with it: {log}");
    assert!(matches!(outer.state(), skep::AgentState::Stopped(_)), "two restarts in five seconds");
    rig.end().await;
    Ok(())
}

cases! {
    sup_stop_infinity "S6",
    sup_stop_timeout "S6 S7",
    sup_stop_timeout_dynamic "S7",
    sup_stop_brutal_kill "S6",
    sup_stop_brutal_kill_dynamic "S7",
    stopping_a_mix_of_children "S7, Elixir",
    terminating_a_child_that_hangs "S6 S10",
    children_end_with_their_supervisor "S8",
}
