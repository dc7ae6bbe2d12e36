//! The lab around a swarm: an app's own description, a user's own oracles, plans that are refused, the two clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use skep::actors::model::Prices;
use skep::actors::{CallModel as _, Models, Scripted};
use skep::testkit::{FaultPlan, Lab, Look, Point, TestResult, twice};
use skep::{
    Agent, AgentError, AgentSpec, AgentState, AskError, Budget, Context, Keep, Outcome, Stop, Swarm,
    SwarmBuilder, Usage, What,
};

use crate::forest::{Act, Imp, ms};

/// What an app's `main` would start, tested as it stands.
fn app() -> SwarmBuilder {
    let models = Models::new()
        .with("fast", Scripted::lines(["from afar"]))
        .with("slow", Scripted::lines(["from afar"]));
    Swarm::builder("app")
        .budget(Budget::new().calls(5))
        .resource(models)
        .resource(7_u64)
        .keep(Keep::Last(500))
}

struct Writer;

impl Agent for Writer {
    type Task = String;
    type Output = (String, u64);

    async fn handle(&mut self, model: &String, cx: &Context) -> Result<(String, u64), AgentError> {
        let number = cx.get::<u64>().map_or(0, |number| *number);
        Ok((cx.model(model).tries(1).ask("write").await?.text, number))
    }
}

#[skep::swarm_test(seeds = 10)]
async fn an_apps_swarm_is_tested_as_the_app_describes_it(lab: Lab) -> TestResult {
    let lab = lab
        .fault(Point::model("slow").answers(500))
        .model("fast", Scripted::lines(["from the test"]).prices(Prices::FREE));
    let swarm = lab.wrap(app()).await?;
    assert_eq!(swarm.id().as_str(), "app");
    let writer = swarm.spawn(AgentSpec::new("writer", || Writer)).await?;
    assert_eq!(
        writer.ask("fast".into()).await?,
        ("from the test".to_owned(), 7),
        "the lab's model, the app's number"
    );
    assert!(
        matches!(writer.ask("slow".into()).await, Err(AskError::Failed(..))),
        "the plan meets the app's model"
    );
    assert!(writer.ask("slow".into()).await.is_err());
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("writer"), [Outcome::Done, Outcome::Failed, Outcome::Failed]);
    Ok(())
}

#[skep::swarm_test(seeds = 2)]
async fn an_app_that_describes_itself_badly_hears_of_it_as_its_main_would(lab: Lab) -> TestResult {
    let refused = lab.wrap(Swarm::builder("app").permits("model", 0)).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("permits")));
    // Nothing has begun, so another can.
    let swarm = lab.start().await;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn a_users_oracle_is_asked_at_the_end_and_fails_the_run(lab: Lab) -> TestResult {
    let lab = lab.oracle("no task fails", |evidence| {
        let failed =
            |event: &&Arc<skep::Event>| matches!(event.what, What::TaskEnded { outcome: Outcome::Failed });
        evidence.events.iter().filter(failed).map(|event| format!("{:?} failed", event.task)).collect()
    });
    let sound = lab.clone();
    let swarm = sound.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    imp.ask(vec![Act::Step]).await?;
    drop(imp.ask(vec![Act::Fail]).await);
    let failure = sound.try_end(swarm).await.unwrap_err();
    assert_eq!(failure.wrong().len(), 1, "{failure}");
    assert!(failure.wrong()[0].starts_with("no task fails: "), "{failure}");
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn a_users_oracle_is_asked_at_every_look_while_the_swarm_runs(lab: Lab) -> TestResult {
    let (looks, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (count, fresh) = (Arc::clone(&looks), Arc::clone(&seen));
    let lab = lab.always("two never work at once", move |look: &Look<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        fresh.fetch_add(look.fresh.len() as u64, Ordering::Relaxed);
        let working = look.states.iter().filter(|(_, state)| **state == AgentState::Thinking).count();
        if working > 1 {
            vec![format!("{working} do after {} events", look.events.len())]
        } else {
            Vec::new()
        }
    });
    let swarm = lab.start().await;
    let (one, other) = (swarm.spawn(Imp::spec("one")).await?, swarm.spawn(Imp::spec("other")).await?);
    one.ask(vec![Act::SleepDeaf(100)]).await?;
    other.ask(vec![Act::SleepDeaf(100)]).await?;
    assert!(looks.load(Ordering::Relaxed) > 3, "it was asked while the swarm ran");
    let (first, second) = (one.ask(vec![Act::SleepDeaf(100)]), other.ask(vec![Act::SleepDeaf(100)]));
    let (first, second) = tokio::join!(first, second);
    first?;
    second?;
    let failure = lab.try_end(swarm).await.unwrap_err();
    assert!(
        failure.wrong().iter().all(|wrong| wrong.starts_with("two never work at once: 2 do")),
        "{failure}"
    );
    assert_eq!(seen.load(Ordering::Relaxed), lab.events().len() as u64, "each event was fresh once");
    Ok(())
}

/// What it panics with, started on a runtime of this kind.
fn refused(runtime: &tokio::runtime::Runtime, lab: &Lab) -> String {
    let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async { drop(lab.start().await) });
    }));
    *started.unwrap_err().downcast::<String>().expect("it says why")
}

#[test]
fn a_simulated_world_without_a_paused_clock_says_what_to_do() {
    let running = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let message = refused(&running, &Lab::seed(1));
    assert!(message.contains("needs a paused clock") && message.contains("#[skep::swarm_test]"), "{message}");
    assert!(message.contains("Lab::real_io()"), "{message}");
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    assert!(refused(&threads, &Lab::seed(1)).contains("needs a runtime of one thread"));
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_when_its_lab_starts() {
    let paused =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let plan = FaultPlan::default().rule(Point::stop().of("editor").ignores());
    let message = refused(&paused, &Lab::seed(1).plan(plan));
    assert!(
        message.contains("rule 0") && message.contains("`action`") && message.contains("only at start"),
        "{message}"
    );
    let jumps = Lab::real_io().fault(Point::turn().jumps_clock(ms(1)));
    assert!(refused(&paused, &jumps).contains("the real clock does not jump"));
}

#[test]
fn on_the_real_clock_a_block_keeps_its_thread_and_the_oracles_agree() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let lab = Lab::real_io().fault(Point::turn().of("imp").nth(1).blocks(ms(300)));
        let swarm = lab.start().await;
        let (imp, other) =
            (swarm.spawn(Imp::spec("imp")).await.unwrap(), swarm.spawn(Imp::spec("other")).await.unwrap());
        // The only worker is kept busy: whoever else has a turn waits for it.
        let (blocked, waits) = (imp.ask(vec![]), async {
            while !lab.events().iter().any(|event| event.what.name() == "fault_injected") {
                tokio::time::sleep(ms(1)).await;
            }
            other.ask(vec![Act::Step]).await
        });
        let (blocked, waits) = tokio::join!(blocked, waits);
        blocked.unwrap();
        waits.unwrap();
        let receipt = swarm.stop(Stop::default()).await;
        let history = lab.conclude(receipt).await.unwrap();
        let at = |name: &str, what: &str| {
            history.of(name).iter().find(|event| event.what.name() == what).unwrap().at
        };
        let blocked = at("imp", "task_ended").since(at("imp", "fault_injected"));
        assert!(blocked >= ms(300), "{blocked:?}");
        // Where this thread had no turn for so long, the other was asked too late to say anything.
        let over = at("imp", "fault_injected") + ms(300);
        assert!(
            at("other", "task_accepted") >= over || at("other", "turn_began") >= over,
            "nothing runs beside a busy loop"
        );
    });
    runtime.shutdown_background();
}

/// Tells what does not come from the context.
struct Chancy(Arc<AtomicU64>);

impl Agent for Chancy {
    type Task = ();
    type Output = u64;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<u64, AgentError> {
        let drawn = self.0.fetch_add(1, Ordering::Relaxed);
        let spend = |call: skep::Call| async move {
            call.used(Usage::calls(drawn));
            Ok(drawn)
        };
        Ok(cx.effect("draw", drawn).worst_case(Usage::calls(9)).run(spend).await?)
    }
}

#[test]
fn an_agent_that_draws_from_elsewhere_is_found_by_running_twice() -> TestResult {
    let run = |counter: Arc<AtomicU64>| {
        move |lab: Lab| {
            let counter = Arc::clone(&counter);
            async move {
                let swarm = lab.start().await;
                let chancy =
                    swarm.spawn(AgentSpec::new("chancy", move || Chancy(Arc::clone(&counter)))).await?;
                chancy.ask(()).await?;
                lab.end(swarm).await;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            }
        }
    };
    let difference = twice(3, run(Arc::default())).unwrap_err().to_string();
    assert!(difference.contains("differ from event"), "{difference}");
    assert!(difference.contains("effect_ended"), "{difference}");
    // One that draws from nowhere is the same, and the difference is an error to pass on.
    twice(3, |lab| async move {
        let swarm = lab.start().await;
        lab.end(swarm).await;
    })?;
    Ok(())
}
