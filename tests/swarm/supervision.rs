//! Supervision on the engine: who is started again, with what, when, and who gives up.

use std::time::Duration;

use skep::testkit::{Lab, TestResult};
use skep::{
    AgentSpec, AgentState, AutoShutdown, Backoff, Decision, Event, Exit, FailureClass, Outcome, Restart,
    StopReason, Strategy, Supervisor, What,
};

use super::forest::{Act, Hook, Imp, Start, ms};

fn imp(name: &str, restart: Restart) -> AgentSpec<Imp> {
    Imp::spec(name).restart(restart)
}

#[skep::swarm_test(seeds = 20)]
async fn each_restart_policy_decides_as_its_table_says(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.intensity(10, ms(5_000))).await;
    let policies = [
        ("permanent", Restart::Permanent, 2, 2),
        ("transient", Restart::Transient, 1, 2),
        ("temporary", Restart::Temporary, 1, 1),
    ];
    for (name, restart, ..) in policies {
        swarm.spawn(imp(&format!("{name}-exits"), restart)).await?.ask(vec![Act::Exit]).await?;
        let crashes = swarm.spawn(imp(&format!("{name}-crashes"), restart)).await?;
        drop(crashes.ask(vec![Act::PanicOnce]).await);
    }
    tokio::time::sleep(ms(10)).await;
    let history = lab.end(swarm).await;
    for (name, _, after_exit, after_crash) in policies {
        assert_eq!(history.incarnations(&format!("{name}-exits")), after_exit, "{name}");
        assert_eq!(history.incarnations(&format!("{name}-crashes")), after_crash, "{name}");
    }
    Ok(())
}

/// The lives of `a`, `b`, `c` when `b` has crashed once.
async fn lives_after_a_crash_of_b(
    lab: &Lab,
    supervisor: AgentSpec<Supervisor>,
) -> Result<[usize; 3], skep::AgentError> {
    let swarm = lab.start().await;
    let tree = ["a", "b", "c"].into_iter().fold(supervisor, |tree, name| tree.child(Imp::spec(name)));
    swarm.spawn(tree).await?;
    let b = swarm.agent::<Imp>("b").map_err(skep::AgentError::failed)?;
    b.ask(vec![Act::PanicOnce]).await?;
    tokio::time::sleep(ms(10)).await;
    let history = lab.end(swarm).await;
    Ok(["a", "b", "c"].map(|name| history.incarnations(name)))
}

#[skep::swarm_test(seeds = 20)]
async fn one_for_one_restarts_the_child_alone(lab: Lab) -> TestResult {
    assert_eq!(lives_after_a_crash_of_b(&lab, Supervisor::one_for_one()).await?, [1, 2, 1]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn one_for_all_restarts_all_in_order(lab: Lab) -> TestResult {
    assert_eq!(lives_after_a_crash_of_b(&lab, Supervisor::one_for_all()).await?, [2, 2, 2]);
    let events = lab.events();
    let names = ["a", "b", "c"];
    let number =
        |event: &Event| event.agent.as_str().rsplit('.').next().and_then(|last| last.parse::<usize>().ok());
    let started: Vec<_> = events
        .iter()
        .filter(|event| event.what == What::AgentStarted && event.incarnation == 2)
        .filter_map(|event| number(event).and_then(|number| names.get(number - 1)))
        .collect();
    assert_eq!(started, [&"a", &"b", &"c"]);
    let stopped = What::AgentExited { exit: Exit::Shutdown };
    let exits = events.iter().filter(|event| event.what == stopped);
    assert_eq!(exits.count(), 2, "each sibling's life has an end");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn rest_for_one_restarts_the_child_and_those_after_it(lab: Lab) -> TestResult {
    assert_eq!(lives_after_a_crash_of_b(&lab, Supervisor::rest_for_one()).await?, [1, 2, 2]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn siblings_that_are_restarted_keep_their_queue_and_their_task(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    swarm.spawn(Supervisor::one_for_all().child(Imp::spec("a")).child(Imp::spec("b"))).await?;
    let (a, b) = (swarm.agent::<Imp>("a")?, swarm.agent::<Imp>("b")?);
    let running = tokio::spawn(b.ask(vec![Act::Sleep(300)]));
    let queued = tokio::spawn(b.ask(vec![Act::Say]));
    tokio::time::sleep(ms(10)).await;
    a.kill();
    running.await??;
    queued.await??;
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("b"), history.outcomes("b")), (2, vec![Outcome::Done; 2]));
    assert_eq!(history.agents("b").len(), 1, "its id stays");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn more_crashes_than_it_bears_escalate_with_a_reason_of_their_own(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let inner = Supervisor::one_for_one().named("inner").restart(Restart::Temporary).intensity(2, ms(5_000));
    let sup = swarm.spawn(inner.child(Imp::spec("bad")).child(Imp::spec("good"))).await?;
    let bad = swarm.agent::<Imp>("bad")?;
    for life in 2..=3 {
        bad.kill();
        tokio::time::sleep(ms(10)).await;
        assert_eq!(bad.status().incarnation, life);
    }
    bad.kill();
    let reason = sup.ended().await;
    assert!(matches!(&reason, StopReason::Escalated { message } if message.contains("killed")), "{reason:?}");
    let history = lab.end(swarm).await;
    assert_eq!(history.state("good"), Some(AgentState::Stopped(StopReason::Stopped)));
    assert_eq!((history.incarnations("bad"), history.incarnations("good")), (3, 1));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn crashes_further_apart_than_the_period_are_borne_for_ever(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    swarm.spawn(Supervisor::one_for_one().child(Imp::spec("imp"))).await?;
    let imp = swarm.agent::<Imp>("imp")?;
    for _ in 0..10 {
        imp.kill();
        tokio::time::sleep(ms(5_001)).await;
    }
    let history = lab.end(swarm).await;
    assert_eq!(history.incarnations("imp"), 11);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn the_root_counts_for_each_child_alone(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let (bad, good) = (swarm.spawn(Imp::spec("bad")).await?, swarm.spawn(Imp::spec("good")).await?);
    good.kill();
    tokio::time::sleep(ms(10)).await;
    bad.kill();
    tokio::time::sleep(ms(10)).await;
    bad.kill();
    assert!(matches!(bad.ended().await, StopReason::Escalated { .. }));
    assert_eq!(good.ask(vec![Act::Step]).await?, 0);
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("bad"), history.incarnations("good")), (2, 2));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn the_root_as_an_otp_supervisor_ends_the_swarm(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.strategy(Strategy::OneForOne)).await;
    let (one, other) = (swarm.spawn(Imp::spec("one")).await?, swarm.spawn(Imp::spec("other")).await?);
    one.kill();
    tokio::time::sleep(ms(10)).await;
    other.kill();
    tokio::time::sleep(ms(100)).await;
    assert_eq!(swarm.census(swarm.id()), []);
    assert!(lab.events().iter().any(|event| event.what == What::SessionEnded), "{}", lab.report());
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_backoff_doubles_on_the_clock_and_starts_over_after_quiet(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.intensity(100, ms(5_000))).await;
    let backoff = Backoff { min: ms(100), max: ms(1_000), jitter_permille: 0, reset_after: ms(10_000) };
    let imp = swarm.spawn(Imp::spec("imp").backoff(backoff)).await?;
    for life in 1..=5 {
        imp.kill();
        while imp.status().incarnation == life || imp.state() != AgentState::Idle {
            tokio::time::sleep(ms(1)).await;
        }
    }
    tokio::time::sleep(ms(11_000)).await;
    imp.kill();
    tokio::time::sleep(ms(500)).await;
    let history = lab.end(swarm).await;
    let pauses: Vec<Duration> = history
        .events()
        .iter()
        .filter_map(|event| match event.what {
            What::AgentRestarting { pause } => Some(pause),
            _ => None,
        })
        .collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1_000, 100].map(ms));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_class_of_failure_is_decided_for_itself(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = Imp::spec("imp").on_failure(FailureClass::Killed, Decision::Stop);
    let imp = swarm.spawn(spec).await?;
    imp.ask(vec![Act::PanicOnce]).await?;
    assert_eq!(imp.status().incarnation, 2, "a bug is restarted");
    imp.kill();
    assert!(matches!(imp.ended().await, StopReason::Failed { class: FailureClass::Killed, .. }));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_restart_takes_its_declared_children_along_in_order(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm
        .spawn(Imp::spec("top").child(Imp::spec("a").child(Imp::spec("a1"))).child(Imp::spec("b")))
        .await?;
    let a1 = swarm.agent::<Imp>("a1")?;
    let queued = tokio::spawn(a1.ask(vec![Act::Sleep(200), Act::Step]));
    tokio::time::sleep(ms(10)).await;
    top.ask(vec![Act::PanicOnce]).await?;
    queued.await??;
    assert_eq!(swarm.agent::<Imp>("a1")?.id(), a1.id());
    let history = lab.end(swarm).await;
    for name in ["top", "a", "a1", "b"] {
        assert_eq!(history.incarnations(name), 2, "{name}");
    }
    let started =
        history.events().iter().filter(|event| event.what == What::AgentStarted && event.incarnation == 2);
    let started: Vec<_> = started.map(|event| event.agent.as_str()).collect();
    assert_eq!(started, ["lab.1.1.1", "lab.1.1", "lab.1.2", "lab.1"], "each when its children have");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_start_that_fails_at_a_restart_is_tried_again_as_an_attempt(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.intensity(5, ms(5_000))).await;
    let imp = swarm.spawn(Imp::with("imp", Start::FailsAt(2), Hook::Ready, None)).await?;
    imp.ask(vec![Act::PanicOnce]).await?;
    assert_eq!(imp.status().incarnation, 3);
    let history = lab.end(swarm).await;
    assert_eq!(history.count("agent_start_failed"), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_start_that_hangs_fails_by_its_deadline(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let began = swarm.env().now();
    let hangs = Imp::with("imp", Start::HangsAt(1), Hook::Ready, None).start_within(ms(700));
    let error = swarm.spawn(hangs).await.unwrap_err();
    assert!(matches!(error, skep::SpawnError::Start { .. }), "{error}");
    assert_eq!(swarm.env().now().since(began), ms(700));
    assert_eq!(swarm.census(swarm.id()), []);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_significant_child_ends_its_supervisor(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let sup =
        Supervisor::one_for_one().restart(Restart::Temporary).auto_shutdown(AutoShutdown::AnySignificant);
    let sup = swarm
        .spawn(
            sup.child(imp("main", Restart::Transient).significant()).child(imp("other", Restart::Permanent)),
        )
        .await?;
    swarm.agent::<Imp>("main")?.ask(vec![Act::Exit]).await?;
    assert_eq!(sup.ended().await, StopReason::Stopped);
    let history = lab.end(swarm).await;
    assert_eq!(history.state("other"), Some(AgentState::Stopped(StopReason::Stopped)));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_name_is_free_again_when_its_agent_has_ended_and_the_id_is_not(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let first = swarm.spawn(Imp::spec("imp")).await?;
    let same = swarm.spawn(Imp::spec("imp")).await?;
    assert_eq!(first.id(), same.id());
    let other = swarm.spawn(Imp::spec("imp").attempts(1)).await;
    assert!(matches!(other, Err(skep::SpawnError::NameTaken { .. })));
    lab.saw(&first.stop(skep::Stop::within(ms(500))).await);
    let second = swarm.spawn(Imp::spec("imp").attempts(1)).await?;
    assert_ne!(first.id(), second.id());
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_child_that_an_agent_took_on_in_a_turn_comes_back_with_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm.spawn(Imp::spec("top")).await?;
    top.ask(vec![Act::OwnChild("own".to_owned(), vec![])]).await?;
    let own = swarm.agent::<Imp>("own")?;
    tokio::time::sleep(ms(10)).await;
    top.kill();
    tokio::time::sleep(ms(10)).await;
    assert_eq!(own.ask(vec![Act::Step]).await?, 0, "{}", lab.report());
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("top"), history.incarnations("own")), (2, 2));
    Ok(())
}
