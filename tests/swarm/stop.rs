//! P1: nothing outlives a stop.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skep::receipt::HookFault;
use skep::testkit::{Lab, Point, TestResult, seeds, twice};
use skep::{
    Agent, AgentError, AgentSpec, Context, End, Exit, Scope, ScopeOwner, Shutdown, Stop, StopContext,
    StopReason, Supervisor, What,
};

use super::forest::{Act, Hook, Imp, Soil, Start, ms};
use super::storm::Storm;

#[skep::swarm_test(seeds = 300)]
async fn nothing_outlives_a_stop_at_any_moment_and_seat(lab: Lab) {
    let mut storm = Storm::begin(&lab, Soil::WILD).await;
    let gusts = lab.dice().between(0, 30);
    storm.blow(gusts, true).await;
    storm.end().await;
}

/// The same with threads that really block, on the real clock.
#[test]
fn nothing_outlives_a_stop_when_threads_really_block() {
    let one = |seed| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut storm = Storm::begin(&Lab::real_io().seeded(seed), Soil::WILD).await;
            storm.blow(12, true).await;
            storm.end().await;
        });
        runtime.shutdown_background();
    };
    // Mostly they wait, so they may do it side by side.
    let first = seeds(10).start;
    std::thread::scope(|threads| {
        for row in 0..5 {
            threads.spawn(move || (0..2).for_each(|seed| one(first + row * 2 + seed)));
        }
    });
}

#[skep::swarm_test(seeds = 20)]
async fn children_stop_before_their_parents_and_static_ones_in_reverse(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let child = |name: &str| Imp::with(name, Start::Ready, Hook::Slow(30), None);
    let top = child("top").child(child("a").child(child("a1"))).child(child("b"));
    swarm.spawn(top).await?;
    let history = lab.end(swarm).await;
    let names: Vec<_> = history.receipt().rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["b", "a1", "a", "top"]);
    assert!(history.receipt().is_clean());
    // One after another: each hook took its 30 ms.
    assert!(history.receipt().took() >= ms(120));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_supervisor_that_is_killed_in_mid_stop_does_not_hold_it_up(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::stop().of("worker").kills_supervisor());
    let swarm = lab.start().await;
    let desk = swarm.spawn(Supervisor::one_for_one().named("desk")).await?;
    swarm.spawn(Imp::spec("worker").under(&desk)).await?;
    let history = lab.end(swarm).await;
    let ends: Vec<_> = history.receipt().rows().iter().map(|row| (row.name.as_str(), row.end)).collect();
    assert_eq!(ends, [("worker", End::Clean), ("desk", End::Aborted)]);
    assert!(history.receipt().took() < ms(100), "{}", history.receipt());
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_hook_that_hangs_fails_or_panics_is_a_row_and_holds_nobody_up(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    for (name, hook) in
        [("hangs", Hook::Hangs), ("deaf", Hook::Deaf), ("fails", Hook::Fails), ("panics", Hook::Panics)]
    {
        swarm.spawn(Imp::with(name, Start::Ready, hook, None).shutdown(Shutdown::within(ms(300)))).await?;
    }
    let history = lab.end(swarm).await;
    let fault =
        |name: &str| history.receipt().rows().iter().find(|row| row.name == name).unwrap().hook.clone();
    assert_eq!(fault("hangs"), Some(HookFault::Hung));
    assert_eq!(fault("deaf"), Some(HookFault::Hung));
    assert_eq!(fault("fails"), Some(HookFault::Failed("told to fail".to_owned())));
    let Some(HookFault::Panicked(said)) = fault("panics") else { panic!("{:?}", fault("panics")) };
    assert!(said.starts_with("panicked at tests/forest/imp.rs:") && said.ends_with(": told to"), "{said}");
    assert!(history.receipt().nothing_left() && !history.receipt().is_clean());
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn the_cancel_goes_to_all_turns_at_once_and_those_that_heed_it_end_clean(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    // The last started is stopped first, and takes its time; the first started is not made to work meanwhile.
    let slow = Imp::with("last", Start::Ready, Hook::Slow(500), None);
    let parent = swarm.spawn(Imp::spec("parent").child(Imp::spec("first")).child(slow)).await?;
    for imp in [swarm.agent::<Imp>("first")?, parent] {
        imp.tell(vec![Act::Sleep(60_000)])?;
    }
    tokio::time::sleep(ms(10)).await;
    let began = swarm.env().now();
    let history = lab.end(swarm).await;
    let receipt = history.receipt();
    assert!(receipt.is_clean() && receipt.took() < ms(600), "{receipt}");
    for name in ["first", "parent"] {
        let over = history.of(name).into_iter().find(|event| event.what == What::TurnEnded);
        assert_eq!(over.map(|event| event.at), Some(began), "{name}");
    }
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_could_not_be_stopped_is_named_by_every_later_stop_until_it_is_gone(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("stuck").blocks(ms(60_000)));
    let swarm = lab.start().await;
    let stuck = Imp::spec("stuck").shutdown(Shutdown::within(ms(100)));
    let desk = swarm.spawn(Supervisor::one_for_one().named("desk").child(stuck)).await?;
    swarm.agent::<Imp>("stuck")?.tell(vec![Act::Step])?;
    tokio::time::sleep(ms(10)).await;
    // Its supervisor has given it up, and could start it again.
    desk.children().terminate_child("stuck").await?;
    for _ in 0..2 {
        let receipt = desk.stop(Stop::within(ms(1_000))).await;
        let left: Vec<_> = receipt.rows().iter().filter(|row| row.end == End::Stuck).collect();
        assert!(left.len() == 1 && left[0].name == "stuck", "{receipt}");
    }
    tokio::time::sleep(ms(60_000)).await;
    assert!(desk.stop(Stop::within(ms(1_000))).await.nothing_left());
    let history = lab.end(swarm).await;
    let says = |what: &What| matches!(what, What::Reported { report, .. } if report.starts_with("it could not be stopped"));
    assert!(history.of("stuck").iter().any(|event| says(&event.what)), "it is reported at once");
    Ok(())
}

/// Notes, when it is stopped, how much time its hook has.
struct Punctual(Arc<Mutex<Vec<Duration>>>);

impl Agent for Punctual {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        self.0.lock().unwrap().push(cx.deadline().since(cx.now()));
        Ok(())
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_hook_knows_when_it_has_to_be_over_whether_its_agent_was_awake_or_not(lab: Lab) -> TestResult {
    let left = Arc::<Mutex<Vec<_>>>::default();
    let swarm = lab.start().await;
    for name in ["awake", "dormant"] {
        let given = Arc::clone(&left);
        let spec = AgentSpec::new(name, move || Punctual(Arc::clone(&given)));
        let agent = swarm.spawn(spec.shutdown(Shutdown::within(ms(300)))).await?;
        if name == "awake" {
            agent.ask(()).await?;
        }
    }
    lab.end(swarm).await;
    assert_eq!(*left.lock().unwrap(), [ms(300); 2]);
    Ok(())
}

/// Its hook blocks its thread until the test lets it go.
struct Deaf(Arc<Mutex<Receiver<()>>>);

impl Agent for Deaf {
    type Task = ();
    type Output = ();

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }

    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        self.0.lock().unwrap().recv().ok();
        Ok(())
    }
}

/// On the real clock: a hook that blocks its thread does not cost the others theirs.
#[test]
fn a_dormant_agents_hook_that_blocks_holds_up_no_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        for name in ["first", "second"] {
            let child = Imp::with(name, Start::Ready, Hook::Ready, None).shutdown(Shutdown::UntilDeadline);
            swarm.spawn(child).await.unwrap();
        }
        let (lets_go, held) = channel();
        let held = Arc::new(Mutex::new(held));
        let third =
            AgentSpec::new("third", move || Deaf(Arc::clone(&held))).shutdown(Shutdown::UntilDeadline);
        swarm.spawn(third).await.unwrap();
        let receipt = swarm.stop(Stop::within(ms(2_000))).await;
        let ends: Vec<_> = receipt.rows().iter().map(|row| (row.name.as_str(), row.end, &row.hook)).collect();
        for name in ["first", "second"] {
            assert!(ends.contains(&(name, End::Clean, &None)), "{ends:?}");
        }
        assert!(ends.contains(&("third", End::Stuck, &Some(HookFault::Hung))), "{ends:?}");
        drop(ends);
        lab.conclude(receipt).await.unwrap();
        drop(lets_go);
    });
    runtime.shutdown_background();
}

#[skep::swarm_test(seeds = 20)]
async fn a_turn_that_ignores_its_cancel_is_dropped_and_no_hook_runs(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm
        .spawn(Imp::with("imp", Start::Ready, Hook::Panics, None).shutdown(Shutdown::within(ms(200))))
        .await?;
    imp.tell(vec![Act::Hang])?;
    tokio::time::sleep(ms(10)).await;
    let history = lab.end(swarm).await;
    let row = &history.receipt().rows()[0];
    assert_eq!((row.end, row.hook.clone()), (End::Aborted, None));
    assert!((ms(200)..ms(300)).contains(&history.receipt().took()), "{}", history.receipt());
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_blocks_its_thread_is_stuck_and_the_receipt_says_so(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").blocks(ms(60_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let ask = tokio::spawn(imp.ask(vec![]).within(ms(90_000)));
    tokio::time::sleep(ms(10)).await;
    let receipt = swarm.stop(Stop::within(ms(500))).await;
    assert_eq!((receipt.stuck(), receipt.nothing_left()), (1, false));
    assert!(receipt.took() < ms(600), "{receipt}");
    assert_eq!(swarm.census(imp.id()).len(), 3, "a runner, its turn and its behaviour");
    let answer = ask.await?;
    assert!(matches!(answer, Err(skep::AskError::Stopped(_, StopReason::Stopped, None))), "{answer:?}");
    lab.conclude(receipt).await?;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_child_that_blocks_its_thread_costs_the_others_no_hook(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("stuck").blocks(ms(60_000)));
    let swarm = lab.start().await;
    let slow = |name: &str| Imp::with(name, Start::Ready, Hook::Slow(50), None);
    let top = swarm.spawn(slow("top").child(slow("declared"))).await?;
    let stuck = Imp::spec("stuck").under(&top).shutdown(Shutdown::within(ms(300)));
    swarm.spawn(stuck).await?.tell(vec![])?;
    swarm.spawn(slow("sibling").under(&top)).await?;
    tokio::time::sleep(ms(10)).await;
    let receipt = swarm.stop(Stop::within(ms(10_000))).await;
    let ends: Vec<_> = receipt.rows().iter().map(|row| (row.name.as_str(), row.end, &row.hook)).collect();
    for name in ["sibling", "declared", "top"] {
        assert!(ends.contains(&(name, End::Clean, &None)), "{ends:?}");
    }
    assert!(ends.contains(&("stuck", End::Stuck, &None)) && receipt.took() < ms(2_000), "{receipt}");
    lab.conclude(receipt).await?;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_names_what_an_earlier_stop_could_not_stop(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("deep").blocks(ms(60_000)));
    let swarm = lab.start().await;
    let top = swarm.spawn(Imp::spec("top").child(Imp::spec("deep"))).await?;
    let deep = swarm.agent::<Imp>("deep")?;
    deep.tell(vec![])?;
    tokio::time::sleep(ms(10)).await;
    assert_eq!(deep.stop(Stop::within(ms(200))).await.stuck(), 1);
    let receipt = top.stop(Stop::within(ms(200))).await;
    assert_eq!(receipt.stuck(), 1, "{receipt}");
    lab.saw(&receipt);
    tokio::time::sleep(ms(90_000)).await;
    let history = lab.end(swarm).await;
    assert!(history.receipt().nothing_left(), "in the end the thread came back");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn nothing_can_be_spawned_behind_the_fence(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::stop().of("top").spawns());
    let swarm = lab.start().await;
    let top = swarm.spawn(Imp::spec("top")).await?;
    let stopping = tokio::spawn({
        let top = top.clone();
        async move { top.stop(Stop::within(ms(1_000))).await }
    });
    assert!(stopping.await?.is_clean());
    assert!(swarm.spawn(Imp::spec("late").under(&top)).await.is_err());
    assert!(Scope::open(&ScopeOwner::from(&top), "late").is_err());
    assert!(top.tell(vec![]).is_err());
    let history = lab.end(swarm).await;
    assert!(history.agents("late").is_empty());
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn stops_of_one_seat_share_a_receipt_and_the_shorter_deadline_holds(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm
        .spawn(Imp::with("imp", Start::Ready, Hook::Hangs, None).shutdown(Shutdown::UntilDeadline))
        .await?;
    let long = tokio::spawn({
        let imp = imp.clone();
        async move { imp.stop(Stop::within(ms(60_000))).await }
    });
    tokio::time::sleep(ms(50)).await;
    let short = imp.stop(Stop::within(ms(500))).await;
    let long = long.await?;
    assert_eq!(long.rows(), short.rows());
    assert!(long.took() < ms(700), "{long}");
    lab.saw(&long);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn every_stop_is_answered_before_the_session_is_over(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("imp").blocks(ms(60_000)));
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.tell(vec![])?;
    tokio::time::sleep(ms(10)).await;
    let inner = tokio::spawn({
        let imp = imp.clone();
        async move { imp.stop(Stop::within(ms(30_000))).await }
    });
    let outer = tokio::spawn({
        let swarm = swarm.clone();
        async move { swarm.stop(Stop::within(ms(300))).await }
    });
    let (receipt, outer, inner) = (swarm.stop(Stop::within(ms(400))).await, outer.await?, inner.await?);
    assert_eq!((receipt.stuck(), outer.stuck(), inner.stuck()), (1, 1, 1));
    let history = lab.conclude(receipt).await?;
    assert_eq!(history.count("stop_ended"), 3);
    assert_eq!(history.events().last().map(|event| event.what.name()), Some("session_ended"));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_dropped_run_or_scope_is_stopped_in_the_background(lab: Lab) -> TestResult {
    use std::future::IntoFuture;
    let swarm = lab.start().await;
    let run = swarm.run(Imp::spec("run"), vec![Act::Sleep(60_000)]);
    assert!(tokio::time::timeout(ms(50), run.into_future()).await.is_err());
    let scope = Scope::open(&ScopeOwner::from(&swarm), "scope")?;
    scope.spawn(Imp::spec("scoped")).await?.tell(vec![Act::Sleep(60_000)])?;
    drop(scope);
    tokio::time::sleep(ms(100)).await;
    assert_eq!(swarm.census(swarm.id()), [], "nothing of them lives");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("run"), [skep::Outcome::Withdrawn], "its asker is gone");
    assert_eq!(history.outcomes("scoped"), [skep::Outcome::Stopped]);
    assert_eq!(history.receipt().rows(), []);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_finished_run_leaves_nothing(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec = Imp::spec("run");
    swarm.run(spec, vec![Act::Child("child".into(), vec![Act::Sleep(10)])]).await?;
    assert_eq!(swarm.census(swarm.id()), []);
    let history = lab.end(swarm).await;
    assert_eq!(history.count("stop_ended"), 3, "of the child with its task, of the run, of the swarm");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn dropping_the_last_handle_stops_the_swarm_and_says_so(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.tell(vec![Act::Sleep(60_000)])?;
    tokio::time::sleep(ms(10)).await;
    drop(swarm.clone());
    assert!(imp.state().is_live(), "one of two handles");
    drop(swarm);
    assert_eq!(imp.ended().await, StopReason::Stopped);
    tokio::time::sleep(ms(100)).await;
    let events = lab.events();
    let has = |name: &str| events.iter().any(|event| event.what.name() == name);
    assert!(has("reported") && has("session_ended"), "{}", lab.report());
    lab.conclude(imp.stop(Stop::default()).await).await?;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_drain_finishes_what_is_queued_and_takes_nothing_new(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    for _ in 0..5 {
        imp.tell(vec![Act::Sleep(100)])?;
    }
    let draining = tokio::spawn({
        let imp = imp.clone();
        async move { imp.drain(Duration::from_secs(10)).await }
    });
    tokio::time::sleep(ms(20)).await;
    assert!(imp.tell(vec![]).is_err());
    let receipt = draining.await?;
    assert!(receipt.is_clean(), "{receipt}");
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [skep::Outcome::Done; 5]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_agent_that_gives_up_at_its_start_leaves_no_child_behind(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let fails = Imp::with("fails", Start::FailsAt(1), Hook::Ready, None);
    let tree = Supervisor::one_for_one()
        .named("sup")
        .child(Imp::spec("first").child(Imp::spec("below")))
        .child(fails);
    let error = swarm.spawn(tree).await.unwrap_err();
    assert!(error.to_string().contains("fails failed to start: told to fail"), "{error}");
    tokio::time::sleep(ms(10)).await;
    assert_eq!(swarm.census(swarm.id()), []);
    let history = lab.end(swarm).await;
    assert_eq!(history.receipt().rows(), []);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_exit_of_its_own_stops_the_children_first(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let spec: AgentSpec<Imp> = Imp::spec("imp").restart(skep::Restart::Transient);
    let imp = swarm.spawn(spec.child(Imp::spec("child"))).await?;
    imp.ask(vec![Act::Exit]).await?;
    assert_eq!(imp.ended().await, StopReason::Done);
    let history = lab.end(swarm).await;
    let exits =
        history.events().iter().filter(|event| event.what == What::AgentExited { exit: Exit::Normal });
    assert_eq!(exits.count(), 1);
    assert_eq!(history.state("child"), Some(skep::AgentState::Stopped(StopReason::Stopped)));
    Ok(())
}

/// What a swarm is made of is gone with it: its seats, its engine and what that holds.
#[test]
fn an_ended_swarm_leaves_no_memory_behind() {
    for seed in seeds(100) {
        let held = Arc::new(());
        let storm = async |lab: Lab| {
            let mut storm =
                Storm::begin_with(&lab, Soil::WILD, |builder| builder.resource(Arc::clone(&held))).await;
            storm.blow(15, true).await;
            storm.end().await;
        };
        twice(seed, storm).unwrap();
        assert_eq!(Arc::strong_count(&held), 1, "seed {seed}");
    }
}
