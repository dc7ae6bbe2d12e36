//! The cases that were found first, each by its name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentSpec, AskError, Backoff, Budget, Context, Decision, FailureClass, Keep, Restart,
    Retry, Shutdown, SpawnError, Stop, Supervisor,
};

use super::super::forest::ms;
use super::{Job, Odd, SPANS, names, odd};

#[skep::swarm_test(seeds = 5)]
async fn a_child_whose_shutdown_is_for_ever_is_terminated_all_the_same(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let desk = swarm.spawn(Supervisor::one_for_one().named("desk")).await?;
    let limit = *lab.dice().pick(&SPANS[4..]);
    let idle = odd("idle").shutdown(Shutdown::within(limit));
    desk.children().start_child(idle).await?;
    desk.children().terminate_child("idle").await?;
    desk.children().restart_child("idle").await?;
    desk.children().delete_child("idle").await.unwrap_err();
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn more_permits_than_can_be_counted_are_as_many_as_anybody_wants(lab: Lab) -> TestResult {
    let swarm =
        lab.start_with(|builder| builder.permits("x", usize::MAX).permits("note", usize::MAX / 2)).await;
    let agent = swarm.spawn(odd("odd")).await?;
    agent.ask(Job::Nothing).await?;
    lab.end(swarm).await;
    Ok(())
}

/// Fails at once, for ever, with as many tries as there can be and no pause.
struct Stubborn(Arc<AtomicU32>);

impl Agent for Stubborn {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        let tries = Arc::clone(&self.0);
        let retry = Retry::times(u32::MAX).backoff(Duration::ZERO, Duration::ZERO);
        let effect = cx.effect("stubborn", ()).retry(retry);
        effect
            .run(move |_| {
                tries.fetch_add(1, Ordering::Relaxed);
                async { Err::<(), _>(AgentError::message("never")) }
            })
            .await?;
        Ok(())
    }
}

#[skep::swarm_test(seeds = 5)]
async fn tries_without_a_pause_leave_the_thread_to_others_and_end_by_deadline_or_cancel(
    lab: Lab,
) -> TestResult {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let swarm = lab.start().await;
    let stubborn = swarm.spawn(AgentSpec::new("stubborn", move || Stubborn(Arc::clone(&counted)))).await?;
    let asked = stubborn.ask(()).within(ms(500)).await;
    assert!(matches!(asked, Err(AskError::Expired(_) | AskError::Failed(..))), "{asked:?}");
    let first = tries.swap(0, Ordering::Relaxed);
    assert!((2..=501).contains(&first), "{first} tries in half a second");
    stubborn.ask(()).within(ms(60_000)).detach()?;
    tokio::time::sleep(ms(50)).await;
    let receipt = stubborn.stop(Stop::within(ms(1_000))).await;
    assert!(receipt.nothing_left() && receipt.took() < ms(1_000), "{receipt}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 3)]
async fn a_name_that_nobody_could_read_is_refused_and_takes_no_drawing_down(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    for name in names() {
        let is_good = !name.is_empty() && name.len() <= 256 && !name.contains(skep::text::breaks_a_line);
        match swarm.spawn(odd(&name)).await {
            Ok(_) => assert!(is_good, "{name:?}"),
            Err(SpawnError::BadSpec { field, message, name: shown }) => {
                assert!(!is_good && field == "name" && !message.is_empty() && shown.len() <= 256);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(swarm.costs().tree().lines().count() > 1);
    lab.end(swarm).await;
    Ok(())
}

/// A spec with so many nested in it, each in the one before.
fn nested(levels: usize) -> AgentSpec<Odd> {
    let mut spec = odd("bottom");
    for level in 1..levels {
        spec = odd(&format!("level-{level}")).child(spec);
    }
    spec
}

#[skep::swarm_test(seeds = 2)]
async fn a_spec_that_is_nested_too_deep_is_refused_before_anything_is_made_of_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let before = lab.events().len();
    for levels in [7, 3_000, 100_000] {
        // On a small stack, as a worker of a service may have.
        let built = std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
            let spec = nested(levels);
            let copy = spec.clone();
            (spec.check().is_ok(), copy)
        })?;
        let (passes, spec) = built.join().expect("its stack is large enough");
        assert_eq!(passes, levels <= 4_096);
        let error = swarm.spawn(spec).await.unwrap_err();
        let is_bad = matches!(&error, SpawnError::BadSpec { field, .. } if field == "child");
        assert!(
            if passes { matches!(error, SpawnError::MaxDepth { limit: 5, .. }) } else { is_bad },
            "{error}"
        );
    }
    // A few lines that nest clones in clones make more agents than there is memory.
    let mut crowd = odd("bottom");
    for level in 0..40 {
        crowd = odd(&format!("level-{level}")).child(crowd.clone().named("left")).child(crowd.named("right"));
    }
    assert!(matches!(crowd.check(), Err(SpawnError::BadSpec { field, .. }) if field == "child"));
    assert!(swarm.spawn(crowd).await.is_err());
    assert_eq!(lab.events().len(), before, "a spec that cannot be leaves no trace");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 1)]
async fn a_deep_spec_comes_up_and_ends_where_the_swarm_is_told_to_be_as_deep(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.max_depth(400).keep(Keep::Last(1_000))).await;
    swarm.spawn(nested(300)).await?;
    assert_eq!(swarm.live_agents(), 300);
    assert_eq!(swarm.tree().tree().lines().count(), 302);
    lab.end(swarm).await;
    Ok(())
}

#[test]
fn a_check_refuses_what_cannot_mean_anything() {
    let fields = [
        (odd("x").limit(3, Duration::ZERO), "limit"),
        (odd("x").intensity(3, Duration::ZERO), "intensity"),
        (odd("x").backoff(Backoff { min: ms(2), max: ms(1), ..Backoff::default() }), "backoff"),
        (odd("x").significant(), "significant"),
        (odd("x").significant().restart(Restart::Permanent), "significant"),
        (
            odd("x")
                .on_failure(FailureClass::Bug, Decision::Stop)
                .on_failure(FailureClass::Bug, Decision::Restart),
            "on_failure",
        ),
        (odd("x").child(odd("y").limit(1, Duration::ZERO)), "limit"),
        (odd("x").child(odd("y")).child(odd("y")), "name"),
        (odd("x").child(odd("y")).max_children(0), "max_children"),
        (odd("x").child(odd("y").child(odd("z"))).budget(Budget::new().depth(1)), "budget.depth"),
        (odd("x").child(odd("y")).budget(Budget::new().live_agents(0)), "budget.live_agents"),
        (odd("x").attempts(0), "attempts"),
        (odd("x").mailbox(0), "mailbox"),
    ];
    for (spec, wanted) in fields {
        match spec.check() {
            Err(SpawnError::BadSpec { field, .. }) => assert_eq!(field, wanted),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    assert_eq!(odd("x").child(odd("y")).max_children(1).check(), Ok(()));
}
