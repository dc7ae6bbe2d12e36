//! P5: a pause holds a subtree at its next await and says who is quiet; between the receipt and the resume nothing begins
//! there, and after it all goes on as if nothing had been. The oracle looks at each quiet agent.

mod budgets;
mod deadlines;
mod undisturbed;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use skep::control::Interrupted;
use skep::error::{PauseError, ResumeError};
use skep::event::EffectEnd;
use skep::pause::{Doing, Rest};
use skep::testkit::{History, Lab, Point, TestResult};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, AgentState, AskError, Context, Outcome, Pause, Restart, Stop,
    Strategy, Swarm, What,
};

use super::forest::{Act, Hook, Imp, Start, ms};

fn pays(takes: u64, once: bool) -> Act {
    Act::Spend { kind: 0, worst: 2, used: 1, takes, tries: 1, says: true, once }
}

async fn sleep(time: u64) {
    tokio::time::sleep(ms(time)).await;
}

/// The effects of an agent that ended in a way.
fn ended(history: &History, name: &str, how: EffectEnd) -> usize {
    let is_so = |what: &What| matches!(what, What::EffectEnded { end, .. } if *end == how);
    history.of(name).iter().filter(|event| is_so(&event.what)).count()
}

#[skep::swarm_test(seeds = 20)]
async fn an_effect_in_flight_settles_and_its_result_waits_for_the_resume(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer = tokio::spawn(imp.ask(vec![pays(300, false), pays(100, false)]));
    sleep(100).await;
    let receipt = imp.pause(Pause::at_next_await()).await?;
    assert!(receipt.is_quiet() && receipt.took() >= ms(150), "{receipt}");
    assert_eq!((imp.state(), imp.cost().spent.calls, imp.cost().reserved.calls), (AgentState::Paused, 1, 0));
    sleep(5_000).await;
    assert_eq!(imp.cost().spent.calls, 1);
    assert_eq!(imp.resume()?.running(), [imp.id().clone()]);
    assert_eq!(answer.await??, 2);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_pause_now_cuts_an_effect_that_runs_again_after_the_resume(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer = tokio::spawn(imp.ask(vec![pays(500, false)]));
    sleep(100).await;
    let receipt = imp.pause(Pause::now()).await?;
    assert!(receipt.is_quiet() && receipt.took() < ms(100), "{receipt}");
    let cost = imp.cost();
    assert_eq!(
        (cost.spent.calls, cost.reserved.calls),
        (2, 0),
        "it had said nothing: its worst case is booked"
    );
    imp.resume()?;
    assert_eq!(answer.await??, 1);
    assert_eq!(imp.cost().spent.calls, 3);
    let history = lab.end(swarm).await;
    assert_eq!((ended(&history, "imp", EffectEnd::Paused), ended(&history, "imp", EffectEnd::Done)), (1, 1));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn no_pause_cuts_what_may_happen_only_once(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer = tokio::spawn(imp.ask(vec![pays(500, true)]));
    sleep(100).await;
    let receipt = imp.pause(Pause::now().within(ms(50))).await?;
    let call = Doing::Call { kind: "call-0".into(), once: true };
    assert_eq!(receipt.busy().collect::<Vec<_>>(), [(imp.id(), &call)]);
    sleep(1_000).await;
    assert_eq!((imp.state(), imp.cost().spent.calls), (AgentState::Paused, 1), "quiet as soon as it is over");
    imp.resume()?;
    assert_eq!(answer.await??, 1);
    let history = lab.end(swarm).await;
    assert_eq!(ended(&history, "imp", EffectEnd::Done), 1);
    Ok(())
}

/// A cut try is none of those that the effect has: two failures and a success take three tries, cut or not.
#[skep::swarm_test(seeds = 20)]
async fn a_try_that_was_cut_does_not_count_against_the_retries(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let tries = Act::Spend { kind: 0, worst: 2, used: 1, takes: 100, tries: 3, says: true, once: false };
    let answer = tokio::spawn(imp.ask(vec![tries]));
    for _ in 0..3 {
        sleep(60).await;
        assert!(imp.pause(Pause::now()).await?.is_quiet());
        imp.resume()?;
    }
    assert_eq!(answer.await??, 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_turn_that_blocks_its_thread_is_named_and_quiet_at_its_next_await(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("step").of("imp").blocks(ms(2_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer = tokio::spawn(imp.ask(vec![Act::Step, pays(10, false)]));
    sleep(100).await;
    let receipt = imp.pause(Pause::now().within(ms(500))).await?;
    assert_eq!(receipt.rows()[0].rest, Rest::Busy(Doing::Computing), "{receipt}");
    assert_ne!(imp.state(), AgentState::Paused);
    sleep(2_000).await;
    assert_eq!((imp.state(), imp.cost().spent.calls), (AgentState::Paused, 0));
    imp.resume()?;
    assert_eq!(answer.await??, 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn any_await_of_a_turn_is_a_place_to_be_held_at(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let deaf = swarm.spawn(Imp::spec("deaf")).await?;
    // A sleep that skep knows nothing of.
    let answer = tokio::spawn(deaf.ask(vec![Act::SleepDeaf(200), pays(10, false)]).within(ms(60_000)));
    sleep(100).await;
    assert!(deaf.pause(Pause::at_next_await()).await?.took() < ms(50));
    sleep(10_000).await;
    assert_eq!(deaf.cost().spent.calls, 0);
    deaf.resume()?;
    assert_eq!(answer.await??, 1);
    lab.end(swarm).await;
    Ok(())
}

/// Does two things at once.
struct Twofold;

impl Agent for Twofold {
    type Task = u64;
    type Output = u64;
    async fn handle(&mut self, task: &u64, cx: &Context) -> Result<u64, AgentError> {
        let long = cx.effect("long", task).free().run(|call| async move {
            call.outside(async {}).await;
            cx.env().sleep_until(cx.now() + ms(1_000)).await;
            Ok(())
        });
        let short = async {
            cx.sleep(ms(200)).await?;
            cx.effect("short", task).free().run(|_| std::future::ready(Ok(()))).await?;
            Ok::<_, AgentError>(cx.now().as_nanos())
        };
        let (long, short) = tokio::join!(long, short);
        long?;
        short
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_branch_beside_an_effect_in_flight_is_held_on_its_way(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let twofold = swarm.spawn(AgentSpec::new("twofold", || Twofold)).await?;
    let answer = tokio::spawn(twofold.ask(1).within(ms(60_000)));
    sleep(100).await;
    let receipt = twofold.pause(Pause::at_next_await()).await?;
    assert!(receipt.is_quiet() && receipt.took() >= ms(800), "{receipt}");
    let resumed = swarm.env().now();
    twofold.resume()?;
    assert!(answer.await?? >= resumed.as_nanos(), "the sleep came out of the pause with the resume");
    let history = lab.end(swarm).await;
    assert_eq!(ended(&history, "twofold", EffectEnd::Done), 2);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn tasks_queue_at_a_paused_agent_and_their_deadlines_pass(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let _running = imp.try_ask(vec![Act::Sleep(400)])?;
    sleep(10).await;
    assert!(imp.pause(Pause::at_next_await()).await?.is_quiet());
    let patient = tokio::spawn(imp.ask(vec![pays(10, false)]).within(ms(60_000)));
    let hasty = tokio::spawn(imp.ask(vec![pays(10, false)]).within(ms(2_000)));
    sleep(100).await;
    let receipt = imp.pause(Pause::at_next_await()).await?;
    let tasks: Vec<_> = receipt.deadlines().iter().map(|passing| passing.task.to_string()).collect();
    let wanted = [3, 1, 2].map(|number| format!("{}#{number}", imp.id()));
    assert_eq!((imp.status().queued, tasks), (2, wanted.to_vec()), "{receipt}");
    assert!(matches!(hasty.await?, Err(AskError::Expired(_))));
    imp.resume()?;
    assert_eq!(patient.await??, 1);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp").iter().filter(|outcome| **outcome == Outcome::Expired).count(), 1);
    Ok(())
}

/// Three agents, one below the other.
async fn three(swarm: &Swarm) -> Result<[AgentRef<Imp>; 3], Box<dyn std::error::Error + Send + Sync>> {
    let top = Imp::spec("top").child(Imp::spec("middle").child(Imp::spec("low")));
    swarm.spawn(top).await?;
    Ok([swarm.agent("top")?, swarm.agent("middle")?, swarm.agent("low")?])
}

#[skep::swarm_test(seeds = 20)]
async fn an_agent_runs_when_no_pause_stands_at_it_or_above_it(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let [top, middle, low] = three(&swarm).await?;
    let states = || [top.state(), middle.state(), low.state()].map(|state| state == AgentState::Paused);
    assert_eq!(top.pause(Pause::now()).await?.rows().len(), 3);
    assert_eq!(middle.pause(Pause::at_next_await()).await?.rows().len(), 2);
    assert_eq!(states(), [true; 3]);
    let above = ResumeError::HeldAbove { agent: low.id().clone(), above: middle.id().clone() };
    assert_eq!(low.resume(), Err(above));

    let resumed = top.resume()?;
    assert_eq!((resumed.running(), resumed.held()), (&[top.id().clone()][..], &[middle.id().clone()][..]));
    assert_eq!(states(), [false, true, true]);
    drop(top.pause(Pause::now()).await?);
    let resumed = middle.resume()?;
    assert_eq!((resumed.running(), resumed.held()), (&[][..], &[middle.id().clone()][..]), "{resumed}");
    assert_eq!(states(), [true; 3]);
    assert_eq!(top.resume()?.running().len(), 3);
    assert_eq!(states(), [false; 3]);

    drop(swarm.pause(Pause::now()).await?);
    assert_eq!(states(), [true; 3]);
    assert!(matches!(top.resume(), Err(ResumeError::HeldAbove { .. })));
    assert_eq!(swarm.resume()?.running().len(), 3);
    assert_eq!(low.ask(vec![pays(1, false)]).await?, 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_cannot_be_paused_or_resumed_names_its_state(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::with("imp", Start::Ready, Hook::Slow(1_000), None)).await?;
    let error = imp.resume().unwrap_err();
    assert_eq!(error, ResumeError::NotPaused { agent: imp.id().clone(), state: AgentState::Idle });
    drop(imp.pause(Pause::now()).await?);
    let stop = tokio::spawn({
        let imp = imp.clone();
        async move { imp.stop(Stop::default()).await }
    });
    sleep(100).await;
    let stopping = PauseError::NotLive { agent: imp.id().clone(), state: AgentState::Stopping };
    assert_eq!(imp.pause(Pause::now()).await, Err(stopping));
    assert!(matches!(imp.resume(), Err(ResumeError::NotPaused { state: AgentState::Stopping, .. })));
    lab.saw(&stop.await?);
    let error = imp.pause(Pause::now()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} cannot be paused: it is stopped", imp.id()));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn stop_and_interrupt_work_on_parked_turns(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let first = tokio::spawn(imp.ask(vec![Act::Sleep(500), pays(10, false)]));
    sleep(100).await;
    drop(imp.pause(Pause::at_next_await()).await?);
    assert_eq!(imp.interrupt(), Interrupted::Turn);
    assert!(matches!(first.await?, Err(AskError::Interrupted(_))));
    assert_eq!(imp.state(), AgentState::Paused);
    let second = tokio::spawn(imp.ask(vec![Act::Hang]));
    sleep(100).await;
    assert_eq!((imp.state(), imp.status().queued), (AgentState::Paused, 1), "it takes no other task");
    imp.resume()?;
    sleep(100).await;
    // This one does not listen: the grace drops it, and its behaviour is built anew after the resume.
    drop(imp.pause(Pause::at_next_await()).await?);
    imp.interrupt();
    assert!(matches!(second.await?, Err(AskError::Interrupted(_))));
    sleep(2_000).await;
    let queued = tokio::spawn(imp.ask(vec![pays(10, false)]));
    sleep(10).await;
    let receipt = imp.stop(Stop::within(ms(500))).await;
    assert!(receipt.nothing_left() && receipt.took() < ms(100), "{receipt}");
    assert!(matches!(queued.await?, Err(AskError::Stopped(..))));
    lab.saw(&receipt);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_spawn_under_a_paused_parent_waits_for_the_resume(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer =
        tokio::spawn(imp.ask(vec![Act::Sleep(100), Act::Child("child".into(), vec![pays(10, false)])]));
    sleep(50).await;
    drop(imp.pause(Pause::at_next_await()).await?);
    let outside = {
        let (swarm, spec) = (swarm.clone(), Imp::spec("outside").under(&imp));
        tokio::spawn(async move { swarm.spawn(spec).await.map(|agent| agent.id().clone()) })
    };
    let scope = skep::Scope::open(&skep::ScopeOwner::from(&imp), "scope")?;
    let scoped = tokio::spawn(async move {
        let id = scope.spawn(Imp::spec("scoped")).await.map(|agent| agent.id().clone());
        (id, scope.close(Stop::default()).await)
    });
    sleep(2_000).await;
    let names = || swarm.status().into_iter().map(|status| status.name).collect::<Vec<_>>();
    assert_eq!(names(), ["lab", "imp", "scope"]);
    imp.resume()?;
    assert_eq!(answer.await??, 1);
    assert_eq!(outside.await??.parent().as_ref(), Some(imp.id()));
    let (id, receipt) = scoped.await?;
    assert!(id.is_ok() && receipt.is_clean(), "{receipt}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_restart_in_a_paused_subtree_builds_the_behaviour_after_the_resume(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let built = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&built);
    let counted = AgentSpec::new("counted", move || {
        counts.fetch_add(1, Ordering::Relaxed);
        Imp { start: Start::Ready, hook: Hook::Ready, beside: None }
    });
    let top = Imp::spec("top").strategy(Strategy::OneForAll).intensity(5, ms(5_000));
    let top = swarm.spawn(top.child(counted).child(Imp::spec("sibling"))).await?;
    let (counted, sibling) = (swarm.agent::<Imp>("counted")?, swarm.agent::<Imp>("sibling")?);
    let answer = tokio::spawn(counted.ask(vec![Act::Sleep(200), pays(10, false)]));
    sleep(100).await;
    drop(top.pause(Pause::at_next_await()).await?);
    // Its sibling is stopped and started with it, and both stay paused.
    counted.kill();
    sleep(2_000).await;
    assert_eq!((built.load(Ordering::Relaxed), counted.state()), (1, AgentState::Paused));
    assert_eq!((sibling.state(), top.state()), (AgentState::Paused, AgentState::Paused));
    assert_eq!(top.resume()?.running().len(), 3);
    assert_eq!(answer.await??, 1);
    assert_eq!(built.load(Ordering::Relaxed), 2);
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("counted"), history.incarnations("sibling")), (2, 2));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_start_that_is_held_has_its_whole_time_left(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = Imp::with("slow", Start::Slow(300), Hook::Ready, None).start_within(ms(400));
    let top = swarm.spawn(Imp::spec("top")).await?;
    let spawning = {
        let (swarm, spec) = (swarm.clone(), spec.under(&top));
        tokio::spawn(async move { swarm.spawn(spec).await.map(|agent| agent.state()) })
    };
    sleep(100).await;
    assert!(top.pause(Pause::at_next_await()).await?.is_quiet());
    sleep(5_000).await;
    top.resume()?;
    assert_eq!(spawning.await??, AgentState::Idle);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_paused_agent_gives_the_permit_back_that_it_waits_for(lab: Lab) -> TestResult {
    let swarm = lab.start_with(|builder| builder.permits("call-0", 1)).await;
    let mut imps = Vec::new();
    for name in ["first", "second", "third"] {
        let imp = swarm.spawn(Imp::spec(name)).await?;
        imps.push((imp.clone(), tokio::spawn(imp.ask(vec![pays(200, false)]).within(ms(60_000)))));
        sleep(10).await;
    }
    // The second is next in line, and does not keep the third from its turn.
    assert!(imps[1].0.pause(Pause::at_next_await()).await?.took() < ms(50));
    let (third, answer) = imps.pop().expect("there are three");
    assert_eq!(answer.await??, 1, "{third:?}");
    imps[1].0.resume()?;
    for (_, answer) in imps {
        assert_eq!(answer.await??, 1);
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn paused_time_is_no_silence(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").heartbeat(ms(100), ms(1_000))).await?;
    let answer = tokio::spawn(imp.ask(vec![Act::SleepDeaf(600), Act::Say]).within(ms(60_000)));
    sleep(300).await;
    drop(imp.pause(Pause::at_next_await()).await?);
    sleep(10_000).await;
    imp.resume()?;
    assert_eq!(answer.await??, 0);
    let history = lab.end(swarm).await;
    assert!(!history.events().iter().any(|event| matches!(event.what, What::TurnStale { .. })));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_crash_of_what_is_not_quiet_yet_ends_in_quiet(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::effect("call-0").of("imp").nth(1).slows(ms(300)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp").restart(Restart::Permanent)).await?;
    let answer = tokio::spawn(imp.ask(vec![pays(100, false), pays(10, false)]));
    sleep(100).await;
    let receipt = tokio::spawn({
        let imp = imp.clone();
        async move { imp.pause(Pause::at_next_await()).await }
    });
    sleep(50).await;
    imp.kill();
    let receipt = receipt.await??;
    assert!(receipt.is_quiet(), "{receipt}");
    sleep(1_000).await;
    assert_eq!(imp.state(), AgentState::Paused);
    imp.resume()?;
    assert!(answer.await?.is_ok());
    lab.end(swarm).await;
    Ok(())
}
