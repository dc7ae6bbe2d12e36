//! Every accepted task has exactly one outcome, and its asker gets it.

use std::future::IntoFuture as _;

use skep::testkit::{Lab, Point, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, AgentState, AskError, Context, OnDrop, Outcome, Restart, Scope,
    ScopeOwner, Stop, StopReason,
};

use super::forest::{Act, Hook, Imp, Start, acts, ms};

#[skep::swarm_test(seeds = 100)]
async fn every_asker_hears_of_its_task(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let lab = lab
        .fault(Point::turn().chance(80).panics().may_rest())
        .fault(Point::turn().chance(80).loses_cell().may_rest());
    let swarm = lab.start_with(|builder| builder.intensity(50, ms(1_000))).await;
    let imp = swarm.spawn(Imp::spec("imp").mailbox(3).heartbeat(ms(500), ms(2_000))).await?;
    let asks: Vec<_> =
        (0..20).map(|_| tokio::spawn(imp.ask(acts(&mut dice, 1)).within(ms(30_000)))).collect();
    let stop = dice.chance(300);
    tokio::time::sleep(ms(dice.below(4_000))).await;
    if stop {
        lab.saw(&imp.stop(Stop::within(ms(2_000))).await);
    }
    for ask in asks {
        // Whatever it is: it comes.
        drop(ask.await?);
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_crash_redelivers_with_the_last_error_and_keeps_queue_id_and_address(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").nth(1).panics());
    let swarm = lab.start().await;
    let imp = swarm.spawn(AgentSpec::new("imp", || Teller)).await?;
    let (first, second) = (imp.ask("first".into()), imp.ask("second".into()));
    let (first, second) = (tokio::spawn(first), tokio::spawn(second));
    let first = first.await??;
    assert!(first.starts_with("first: attempt 2 of life 2 after panicked at "), "{first}");
    assert!(first.ends_with(": a fault plan's panic"), "{first}");
    assert_eq!(second.await??, "second: attempt 1 of life 2");
    assert_eq!(swarm.agent::<Teller>("imp")?.id(), imp.id());
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("imp"), history.outcomes("imp")), (2, vec![Outcome::Done; 2]));
    Ok(())
}

/// Says which attempt it is and what went before.
struct Teller;

impl Agent for Teller {
    type Task = String;
    type Output = String;
    async fn handle(&mut self, task: &String, cx: &Context) -> Result<String, AgentError> {
        let before = cx.last_error().map(|error| format!(" after {error}")).unwrap_or_default();
        Ok(format!("{task}: attempt {} of life {}{before}", cx.attempt(), cx.incarnation()))
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_task_that_crashes_in_every_attempt_is_poisoned_and_can_be_read(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer = imp.ask(vec![Act::Panic]).await;
    let Err(AskError::Poisoned { errors, .. }) = &answer else { panic!("{answer:?}") };
    assert_eq!(errors.len(), 3);
    // It counted once in the window of 1 in 5 s, so the agent lives.
    assert_eq!(imp.ask(vec![Act::Sleep(1)]).await?, 0);
    let letters = swarm.dead_letters();
    assert_eq!((letters.len(), letters[0].errors.len()), (1, 3));
    assert_eq!(letters[0].payload, Some(serde_json::json!(["Panic"])));
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Poisoned, Outcome::Done]);
    assert_eq!(history.incarnations("imp"), 4);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn nothing_is_redelivered_once_an_unrepeatable_effect_has_begun(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let once = Act::Spend { kind: 0, worst: 1, used: 1, takes: 1, tries: 3, says: true, once: true };
    let answer = imp.ask(vec![once, Act::Panic]).await;
    assert!(
        matches!(&answer, Err(AskError::Failed(_, error)) if error.to_string().contains("a try fails") || error.to_string().contains("told to")),
        "{answer:?}"
    );
    let history = lab.end(swarm).await;
    assert_eq!((history.count("effect_began"), history.count("effect_retried")), (1, 0));
    assert_eq!(history.outcomes("imp"), [Outcome::Failed]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_lost_cell_gives_the_task_again_and_counts_no_attempt(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("step").of("imp").loses_cell().times(5));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").attempts(2)).await?;
    imp.ask(vec![Act::Step, Act::Sleep(50)]).await?;
    let history = lab.end(swarm).await;
    assert_eq!((history.count("cell_lost"), history.outcomes("imp")), (5, vec![Outcome::Done]));
    assert_eq!(history.incarnations("imp"), 1, "it is no exit of the agent");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stale_turn_is_ended_and_its_task_comes_again(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").nth(1).hangs_deaf());
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").heartbeat(ms(500), ms(2_000))).await?;
    imp.ask(vec![Act::Step]).await?;
    let history = lab.end(swarm).await;
    assert_eq!((history.count("turn_stale"), history.incarnations("imp")), (1, 2));
    assert_eq!(history.outcomes("imp"), [Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn waiting_for_an_effect_or_a_child_is_no_silence(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").heartbeat(ms(500), ms(2_000))).await?;
    let slow = Act::Spend { kind: 0, worst: 0, used: 0, takes: 800, tries: 1, says: true, once: false };
    imp.ask(vec![slow.clone(), slow.clone(), slow.clone(), slow]).await?;
    imp.ask(vec![Act::Child("child".into(), vec![Act::Sleep(6_000)])]).await?;
    let history = lab.end(swarm).await;
    assert_eq!(history.count("turn_stale"), 0);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_interrupted_turn_has_its_grace_and_is_built_anew_after_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let polite = tokio::spawn(imp.ask(vec![Act::Sleep(60_000)]).within(ms(90_000)));
    tokio::time::sleep(ms(10)).await;
    let before = imp.status().incarnation;
    imp.interrupt();
    assert!(matches!(polite.await?, Err(AskError::Interrupted(_))));
    let deaf = tokio::spawn(imp.ask(vec![Act::Hang]).within(ms(90_000)));
    tokio::time::sleep(ms(10)).await;
    let interrupted = swarm.env().now();
    imp.interrupt();
    assert!(matches!(deaf.await?, Err(AskError::Interrupted(_))));
    assert_eq!(swarm.env().now().since(interrupted), ms(1_000));
    assert_eq!(imp.ask(vec![Act::Step]).await?, 0);
    assert_eq!(imp.status().incarnation, before, "that was no restart");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Interrupted, Outcome::Interrupted, Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_dropped_ask_withdraws_its_task_queued_or_running(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").mailbox(1)).await?;
    let running = tokio::spawn(imp.ask(vec![Act::Child("child".into(), vec![Act::Sleep(60_000)])]));
    tokio::time::sleep(ms(10)).await;
    let queued = tokio::spawn(imp.ask(vec![Act::Panic]));
    tokio::time::sleep(ms(10)).await;
    assert!(
        matches!(imp.try_ask(vec![Act::Say]), Err(AskError::MailboxFull(_, task)) if task.len() == 1),
        "the task comes back"
    );
    queued.abort();
    tokio::time::sleep(ms(10)).await;
    assert_eq!(imp.status().queued, 0, "its room is free at once");
    running.abort();
    tokio::time::sleep(ms(10)).await;
    assert_eq!(imp.state(), AgentState::Idle);
    let history = lab.end(swarm).await;
    // The child's outcome too: the turn was interrupted and so was what it had asked.
    assert_eq!(history.outcomes("imp"), [Outcome::Withdrawn, Outcome::Withdrawn]);
    assert_eq!(history.outcomes("child"), [Outcome::Withdrawn]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_ask_inherits_the_deadline_of_the_turn_that_asks(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let asked = swarm.env().now();
    let answer = imp.ask(vec![Act::Child("child".into(), vec![Act::Sleep(600_000)])]).within(ms(700)).await;
    assert!(matches!(answer, Err(AskError::Expired(_))), "{answer:?}");
    assert_eq!(swarm.env().now().since(asked), ms(700));
    tokio::time::sleep(ms(1_500)).await;
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Expired]);
    assert!(matches!(history.outcomes("child")[..], [Outcome::Expired | Outcome::Withdrawn]));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_task_of_a_stopped_agent_comes_back_to_its_asker(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.tell(vec![Act::Sleep(60_000)])?;
    let queued = tokio::spawn(imp.ask(vec![Act::Say, Act::Say]));
    tokio::time::sleep(ms(10)).await;
    lab.saw(&imp.stop(Stop::within(ms(500))).await);
    assert!(
        matches!(queued.await?, Err(AskError::Stopped(_, StopReason::Stopped, Some(task))) if task.len() == 2)
    );
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_temporary_agents_first_crash_is_the_tasks_outcome(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").restart(Restart::Temporary)).await?;
    let (running, queued) =
        (tokio::spawn(imp.ask(vec![Act::Sleep(10), Act::Panic])), tokio::spawn(imp.ask(vec![Act::Say])));
    assert!(matches!(running.await?, Err(AskError::Failed(..))));
    assert!(matches!(queued.await?, Err(AskError::Stopped(_, _, Some(_)))));
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Failed, Outcome::Stopped]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn children_of_a_task_end_with_it_and_those_of_the_agent_stay(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.ask(vec![Act::Child("of-task".into(), vec![]), Act::OwnChild("of-agent".into(), vec![])]).await?;
    tokio::time::sleep(ms(100)).await;
    assert!(swarm.agent::<Imp>("of-task").is_err());
    assert!(swarm.agent::<Imp>("of-agent")?.state().is_live());
    let history = lab.end(swarm).await;
    let ended = |name: &str| {
        let is_end = |event: &&std::sync::Arc<skep::Event>| event.what.name() == "agent_stopped";
        history.of(name).iter().find(is_end).unwrap().seq
    };
    assert!(
        ended("of-task")
            < history.of("imp").iter().find(|event| event.what == skep::What::TurnEnded).unwrap().seq
    );
    assert!(ended("of-agent") > ended("of-task"));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_job_runs_one_task_and_ends(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let job = swarm.spawn(Imp::spec("job").once().restart(Restart::Transient)).await?;
    job.ask(vec![Act::Step]).await?;
    assert_eq!(job.ended().await, StopReason::Done);
    assert!(job.ask(vec![Act::Step]).await.is_err());
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("job"), [Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_scope_ends_with_its_owner(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp: AgentRef<Imp> = swarm.spawn(Imp::spec("imp")).await?;
    let of_agent = Scope::open(&ScopeOwner::from(&imp), "of-agent")?;
    of_agent.spawn(Imp::spec("in-agents")).await?.tell(vec![Act::Sleep(60_000)])?;
    let of_swarm = Scope::open(&ScopeOwner::from(&swarm), "of-swarm")?;
    let stays = of_swarm.spawn(Imp::spec("in-swarms")).await?;
    imp.kill();
    tokio::time::sleep(ms(100)).await;
    assert!(swarm.agent::<Imp>("in-agents").is_err(), "it belonged to the incarnation that was killed");
    assert!(of_agent.spawn(Imp::spec("late")).await.is_err());
    assert_eq!(stays.ask(vec![Act::Step]).await?, 0);
    let receipt = of_swarm.close(Stop::within(ms(500))).await;
    assert_eq!(receipt.rows().len(), 1);
    lab.saw(&receipt);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("in-agents"), [Outcome::Stopped]);
    Ok(())
}

#[skep::swarm_test(seeds = 30)]
async fn a_dropped_run_is_stopped_unless_it_was_told_to_continue(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let run = |name: &str, start: Start| {
        let spec = Imp::with(name, start, Hook::Ready, None);
        swarm.run(spec, vec![Act::Child("child".into(), vec![Act::Sleep(400)])]).within(ms(5_000))
    };
    let dropped = run("dropped", Start::Ready).into_future();
    let stays = run("stays", Start::Ready).on_drop(OnDrop::Continue).into_future();
    let starting = run("starting", Start::Slow(300)).into_future();
    let late = run("late", Start::Slow(300)).on_drop(OnDrop::Continue).into_future();
    let all = async { tokio::join!(dropped, stays, starting, late) };
    assert!(tokio::time::timeout(ms(100), all).await.is_err());
    tokio::time::sleep(ms(1_000)).await;
    let waited = run("waited", Start::Ready).on_drop(OnDrop::Continue).await?;
    assert_eq!(waited, 0);
    assert!(swarm.status().len() == 1, "all of them have ended: {:?}", swarm.status());
    let history = lab.end(swarm).await;
    let outcome = |name: &str| history.outcomes(name);
    assert_eq!((outcome("dropped"), outcome("stays")), (vec![Outcome::Withdrawn], vec![Outcome::Done]));
    assert_eq!((outcome("starting"), outcome("late")), (vec![], vec![Outcome::Done]));
    Ok(())
}
