//! What is the user's may panic, block or ask back wherever it is called or dropped: nobody else has anything of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use skep::effect::{Admitted, Admitting, Link, Request, Stage};
use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentRef, AgentSpec, AskError, Context, Outcome, Question, Restart, Stop};

use super::fuse::{Carrier, Count, Deed, Fuse, Load};
use super::ms;

/// Whether deadlines still come when they are due, and asks are answered.
async fn all_is_well(other: &AgentRef<Carrier>) {
    let env = tokio::time::Instant::now();
    let late = other.ask(Load::of(Deed::Wait(60_000))).within(ms(200)).await;
    assert!(matches!(late, Err(AskError::Expired(_))), "{:?}", late.map(|_| ()));
    assert_eq!(env.elapsed(), ms(200), "a deadline is kept");
    assert!(other.ask(Load::default()).await.is_ok(), "and so is the agent");
}

#[skep::swarm_test(seeds = 20)]
async fn a_task_that_expires_in_a_queue_and_panics_in_its_drop_costs_nobody_a_deadline(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let busy = swarm.spawn(Carrier::spec("busy")).await?;
    let other = swarm.spawn(Carrier::spec("other")).await?;
    let count = Count::default();
    busy.tell(Load::of(Deed::Wait(10_000))).map_err(|_| "room for one")?;
    for _ in 0..3 {
        let load = Load::default().with(count.panics());
        busy.ask(load).within(ms(100)).detach().map_err(|_| "room for three")?;
    }
    tokio::time::sleep(ms(150)).await;
    assert_eq!(count.get(), 3, "they were dropped, each caught");
    all_is_well(&other).await;
    let receipt = swarm.stop(Stop::within(ms(1_000))).await;
    assert!(receipt.is_clean() && receipt.took() < ms(200), "{receipt}");
    lab.conclude(receipt).await?;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn tasks_that_are_queued_at_a_stop_and_panic_in_their_drop_cost_no_receipt(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let busy = swarm.spawn(Carrier::spec("busy")).await?;
    let other = swarm.spawn(Carrier::spec("other")).await?;
    let count = Count::default();
    busy.tell(Load::of(Deed::Wait(10_000))).map_err(|_| "room for one")?;
    for _ in 0..3 {
        busy.tell(Load::default().with(count.panics())).map_err(|_| "room for three")?;
    }
    let stopped = busy.stop(Stop::within(ms(500))).await;
    lab.saw(&stopped);
    assert!(stopped.is_clean(), "{stopped}");
    all_is_well(&other).await;
    let history = lab.end(swarm).await;
    assert_eq!(count.get(), 3);
    assert!(history.receipt().is_clean(), "{}", history.receipt());
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_payload_that_panics_in_its_drop_is_a_panic_like_any_other(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let carrier = swarm.spawn(Carrier::spec("carrier")).await?;
    assert!(carrier.ask(Load::of(Deed::PanicAny)).await.is_ok(), "the second attempt answers");
    all_is_well(&carrier).await;
    let history = lab.end(swarm).await;
    assert_eq!(history.incarnations("carrier"), 2);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn tasks_and_outputs_that_nobody_takes_are_dropped_where_their_panic_ends_nothing(
    lab: Lab,
) -> TestResult {
    let swarm = lab.start().await;
    let carrier = swarm.spawn(Carrier::spec("carrier").attempts(1)).await?;
    let (tasks, outputs) = (Count::default(), Count::default());
    // Two in one value that both panic would end the process, whoever drops it.
    let load = |deed| Load::of(deed).with(tasks.fuse());
    let answered = |deed| Load::of(deed).answered_with(outputs.fuse());
    for load in [load(Deed::Answer), answered(Deed::Answer)] {
        carrier.tell(load).map_err(|_| "room")?;
    }
    for load in [load(Deed::Answer), answered(Deed::Answer), load(Deed::Fail), load(Deed::Poison)] {
        carrier.ask(load).detach().map_err(|_| "room")?;
    }
    // Its asker goes when it has been answered, and does not take that.
    let mut asked = carrier.ask(answered(Deed::Wait(10)));
    assert!(tokio::time::timeout(ms(5), &mut asked).await.is_err());
    tokio::time::sleep(ms(100)).await;
    drop(asked);
    // Its output does not pass.
    let refused = carrier.ask(answered(Deed::Answer)).accept(|_| Err("no")).await;
    assert!(refused.is_err());
    // Its asker goes while it works, and it does not listen.
    let gone = tokio::time::timeout(ms(10), carrier.ask(answered(Deed::WaitDeaf(100)))).await;
    assert!(gone.is_err());
    all_is_well(&carrier).await;
    assert_eq!((tasks.get(), outputs.get()), (4, 5));
    let history = lab.end(swarm).await;
    assert_eq!(history.incarnations("carrier"), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_hook_that_panics_before_its_future_is_a_hook_that_panics(lab: Lab) -> TestResult {
    /// Asks upwards.
    struct Below;
    impl Agent for Below {
        type Task = ();
        type Output = ();
        async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
            cx.ask_parent(Question::about("anything")).await?;
            Ok(())
        }
    }
    let swarm = lab.start().await;
    let above = swarm.spawn(Carrier::spec("above")).await?;
    let below = swarm.spawn(AgentSpec::new("below", || Below).under(&above)).await?;
    let said = below.ask(()).await.unwrap_err().to_string();
    assert!(said.contains("on_question panicked") && said.ends_with("no answer"), "{said}");
    let Err(AskError::Poisoned { errors, .. }) = above.ask(Load::of(Deed::Poison)).await else {
        panic!("nobody could help");
    };
    let last = errors.last().unwrap().to_string();
    assert!(last.contains("on_help panicked") && last.ends_with("no help"), "{last}");
    all_is_well(&above).await;
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("above"), history.incarnations("below")), (1, 1));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_behaviour_that_panics_in_its_drop_ends_like_any_other(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let count = Count::default();
    let spec = |name: &str| {
        let count = count.clone();
        Carrier::fused(name, move || count.panics()).limit(9, ms(1_000))
    };
    let [idle, busy, crashed, dropped] =
        [spec("idle"), spec("busy"), spec("crashed"), spec("dropped")].map(|spec| swarm.spawn(spec));
    let (idle, busy, crashed, dropped) = (idle.await?, busy.await?, crashed.await?, dropped.await?);
    busy.tell(Load::of(Deed::Wait(60_000))).map_err(|_| "room")?;
    assert!(crashed.ask(Load::of(Deed::PanicAny)).await.is_ok());
    // Its turn has to be dropped, so the behaviour is built anew.
    let late = dropped.ask(Load::of(Deed::WaitDeaf(60_000))).within(ms(10)).await;
    assert!(late.is_err());
    tokio::time::sleep(ms(2_000)).await;
    idle.kill();
    tokio::time::sleep(ms(10)).await;
    for agent in [&idle, &crashed, &dropped] {
        all_is_well(agent).await;
    }
    lab.saw(&idle.stop(Stop::brutally()).await);
    let history = lab.end(swarm).await;
    assert!(history.receipt().nothing_left(), "{}", history.receipt());
    assert_eq!(count.get(), 4 + 3, "each incarnation was dropped");
    Ok(())
}

/// A link that panics in whatever it gives along, and a resource that panics.
struct Toll(Count, Fuse);

impl Link for Toll {
    fn name(&self) -> &str {
        let _ = &self.1;
        "toll"
    }

    fn stage(&self) -> Stage {
        Stage::Permission
    }

    fn admit<'a>(&'a self, _: &'a Request<'a>) -> Admitting<'a> {
        let fuse = self.0.panics();
        Box::pin(async { Ok(Admitted::holding(fuse)) })
    }
}

#[skep::swarm_test(seeds = 20)]
async fn links_resources_holdings_factories_and_checks_that_panic_in_their_drop_end_nothing(
    lab: Lab,
) -> TestResult {
    /// Makes effects and holds something.
    struct Payer(Count);
    impl Agent for Payer {
        type Task = ();
        type Output = u32;
        async fn handle(&mut self, (): &(), cx: &Context) -> Result<u32, AgentError> {
            cx.hold("first", self.0.panics());
            cx.hold("second", self.0.panics());
            Ok(cx.effect("road", ()).run(|_| async { Ok(7) }).await?)
        }
    }
    let [links, tolls, resources, holdings, factories, checks] = std::array::from_fn(|_| Count::default());
    let swarm = lab
        .start_with(|swarm| swarm.link(Toll(tolls.clone(), links.fuse())).resource(resources.fuse()))
        .await;
    let (captured, held) = (factories.fuse(), holdings.clone());
    let spec = AgentSpec::new("payer", move || {
        let _ = &captured;
        Payer(held.clone())
    });
    let payer = swarm.spawn(spec).await?;
    let captured = checks.fuse();
    let check = move |output: &u32| {
        let _ = &captured;
        if *output == 7 { Ok(()) } else { Err("another") }
    };
    assert_eq!(payer.ask(()).accept(check).await?, 7, "what was paid for is not lost");
    assert_eq!(payer.ask(()).await?, 7);
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("payer"), history.count("effect_began")), (1, 2));
    assert!(history.receipt().is_clean(), "{}", history.receipt());
    drop((payer, lab));
    tokio::time::sleep(ms(10)).await;
    assert_eq!((tolls.get(), holdings.get(), checks.get()), (2, 4, 1));
    assert_eq!(factories.get(), 1);
    Ok(())
}

fn on_threads(workers: usize, test: impl AsyncFnOnce()) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
    let in_time = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), test()).await });
    runtime.shutdown_background();
    in_time.expect("nothing waits for what never ends");
}

/// A drop that takes for ever, until the test lets it go. Gives who is told of its begin, and who lets it go.
fn endless() -> (Fuse, tokio::sync::oneshot::Receiver<()>, mpsc::Sender<()>) {
    let (begun, told) = tokio::sync::oneshot::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let fuse = Fuse::runs(move || {
        begun.send(()).ok();
        held.lock().unwrap().recv().ok();
    });
    (fuse, told, let_go)
}

#[test]
fn a_drop_that_takes_long_delays_no_deadline_and_no_stop() {
    on_threads(1, async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let busy = swarm.spawn(Carrier::spec("busy")).await.unwrap();
        let other = swarm.spawn(Carrier::spec("other")).await.unwrap();
        busy.tell(Load::of(Deed::Wait(60_000))).ok().unwrap();
        let mut held = Vec::new();
        for _ in 0..3 {
            let (fuse, begun, let_go) = endless();
            busy.ask(Load::default().with(fuse)).within(ms(20)).detach().ok().unwrap();
            begun.await.unwrap();
            held.push(let_go);
        }
        let late = other.ask(Load::of(Deed::Wait(60_000))).within(ms(20)).await;
        assert!(matches!(late, Err(AskError::Expired(_))));
        let (fuse, begun, let_go) = endless();
        busy.tell(Load::default().with(fuse)).ok().unwrap();
        let receipt = swarm.stop(Stop::within(ms(5_000))).await;
        assert!(receipt.is_clean(), "{receipt}");
        begun.await.unwrap();
        held.push(let_go);
        lab.conclude(receipt).await.unwrap();
        drop(held);
    });
}

/// Where each of them was dropped, and that it could ask there what it wanted.
#[test]
fn no_value_is_dropped_on_the_control_thread_or_under_a_lock() {
    on_threads(2, async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let places = Arc::new(Mutex::new(Vec::new()));
        let fuse = |of: Option<AgentRef<Carrier>>| {
            let (places, swarm) = (Arc::clone(&places), swarm.witness());
            Fuse::runs(move || {
                let place = std::thread::current().name().unwrap_or_default().to_owned();
                if let Some(agent) = of {
                    let _ = agent.status();
                    agent.tell(Load::default()).ok();
                }
                let _ = swarm.live_view();
                places.lock().unwrap().push(place);
            })
        };
        let mut wanted = 0;
        for round in 0..5 {
            let agent = swarm.spawn(Carrier::spec(&format!("busy-{round}"))).await.unwrap();
            agent.tell(Load::of(Deed::Wait(60_000))).ok().unwrap();
            let fused = || Load::default().with(fuse(Some(agent.clone())));
            agent.ask(fused()).within(ms(5)).detach().ok().unwrap();
            drop(tokio::time::timeout(ms(2), agent.ask(fused())).await);
            agent.tell(fused()).ok().unwrap();
            wanted += 3;
            match round {
                0 => drop(agent.stop(Stop::within(ms(500))).await),
                1 => drop(agent.stop(Stop::brutally()).await),
                2 => drop(agent.drain(ms(10)).await),
                _ => {}
            }
        }
        let receipt = swarm.stop(Stop::within(ms(2_000))).await;
        lab.conclude(receipt).await.unwrap();
        while places.lock().unwrap().len() < wanted {
            tokio::time::sleep(ms(1)).await;
        }
        let places = places.lock().unwrap();
        assert!(places.iter().all(|place| place != "skep-control"), "{places:?}");
    });
}

/// A client that may not be dropped in async code, as a blocking HTTP client may not.
#[test]
fn a_task_that_may_not_be_dropped_in_async_code_ends_nothing() {
    fn client() -> Fuse {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        Fuse::runs(move || drop(runtime))
    }
    on_threads(2, async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let carrier = swarm.spawn(Carrier::spec("carrier")).await.unwrap();
        let load = |deed| Load::of(deed).with(client()).answered_with(client());
        carrier.tell(load(Deed::Answer)).ok().unwrap();
        carrier.ask(load(Deed::Answer)).detach().ok().unwrap();
        drop(tokio::time::timeout(ms(5), carrier.ask(load(Deed::Wait(60_000)))).await);
        assert!(carrier.ask(Load::default()).await.is_ok());
        carrier.tell(load(Deed::Wait(60_000))).ok().unwrap();
        carrier.tell(load(Deed::Answer)).ok().unwrap();
        let receipt = swarm.stop(Stop::within(ms(2_000))).await;
        assert!(receipt.is_clean(), "{receipt}");
        let history = lab.conclude(receipt).await.unwrap();
        assert_eq!(history.incarnations("carrier"), 1);
        assert_eq!(
            history.outcomes("carrier").iter().filter(|outcome| **outcome == Outcome::Stopped).count(),
            2
        );
    });
}

/// Also what changes a policy is a user's code.
#[test]
fn a_change_of_a_policy_may_ask_back_and_panic() {
    on_threads(2, async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let agent = swarm.spawn(Carrier::spec("agent")).await.unwrap();
        let look = || {
            let _ = (swarm.status(), agent.status());
            swarm.children().which_children().len()
        };
        swarm
            .children()
            .change_child("agent", |policy| {
                // Another comes in between, and stays.
                swarm.children().change_child("agent", |policy| policy.restart = Restart::Transient).unwrap();
                policy.supervisor = look() == 1;
            })
            .unwrap();
        let policy = swarm.children().get_childspec("agent").unwrap();
        assert_eq!((policy.restart, policy.supervisor), (Restart::Transient, true));
        swarm.children().change(|policy| policy.intensity.restarts = u32::try_from(look()).unwrap()).unwrap();
        let panics = std::panic::AssertUnwindSafe(|| swarm.children().change(|_| panic!("a change")).ok());
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(swarm.children().policy().intensity.restarts, 1);
        lab.end(swarm).await;
    });
}

/// What each incarnation has alone, as a port is: how many of them have it now, and how many had it at most.
#[derive(Clone, Default)]
struct Port(Arc<(AtomicUsize, AtomicUsize)>);

impl Port {
    fn take(&self) -> Fuse {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        let port = self.clone();
        Fuse::runs(move || {
            port.0.0.fetch_sub(1, Ordering::SeqCst);
        })
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

/// Has one port itself, and holds another.
struct Porter {
    _port: Fuse,
    lock: Port,
}

impl Agent for Porter {
    type Task = ();
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        cx.hold("lock", self.lock.take());
        Ok(())
    }

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }
}

#[skep::swarm_test(seeds = 60)]
async fn an_incarnation_begins_when_the_last_one_is_dropped_and_what_it_held(lab: Lab) -> TestResult {
    let (port, lock) = (Port::default(), Port::default());
    let (its, held) = (port.clone(), lock.clone());
    let swarm = lab.start_with(|builder| builder.intensity(100, ms(1_000))).await;
    let porter = AgentSpec::new("porter", move || Porter { _port: its.take(), lock: held.clone() });
    let porter = swarm.spawn(porter).await?;
    for dormant in [true, false, true, false] {
        if !dormant {
            porter.ask(()).await?;
        }
        porter.kill();
        porter.ask(()).await?;
    }
    let history = lab.end(swarm).await;
    assert_eq!((history.incarnations("porter"), port.most(), lock.most()), (5, 1, 1));
    Ok(())
}

#[test]
fn an_incarnation_whose_drop_takes_for_ever_is_left_beside_the_next() {
    on_threads(2, async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let (fuse, begun, let_go) = endless();
        let first = Mutex::new(Some(fuse));
        let fuse = move || first.lock().unwrap().take().unwrap_or_default();
        let carrier = swarm.spawn(Carrier::fused("carrier", fuse)).await.unwrap();
        carrier.kill();
        begun.await.unwrap();
        assert!(carrier.ask(Load::default()).await.is_ok());
        assert_eq!(carrier.status().incarnation, 2);
        drop(let_go);
        let receipt = swarm.stop(Stop::within(ms(5_000))).await;
        assert!(receipt.is_clean() && receipt.nothing_left(), "{receipt}");
        lab.conclude(receipt).await.unwrap();
    });
}
