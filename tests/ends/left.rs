//! A receipt that says that nothing is left is right: behaviours, holdings and blocking work are gone, or it names them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use skep::{
    Agent, AgentError, AgentSpec, Call, Context, End, Left, Shutdown, Stop, StopReceipt, Swarm, What,
};
use tokio::sync::oneshot;

/// Where something blocks its thread until the test lets it go.
#[derive(Clone)]
struct Gate(Arc<Post>);

struct Post {
    tell: Mutex<Option<oneshot::Sender<()>>>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Gate {
    /// With what tells that somebody stands there, and what lets them go, at the latest when it is dropped.
    fn shut() -> (Self, oneshot::Receiver<()>, mpsc::Sender<()>) {
        let ((tell, told), (open, go)) = (oneshot::channel(), mpsc::channel());
        (Self(Arc::new(Post { tell: Mutex::new(Some(tell)), go: Mutex::new(go) })), told, open)
    }

    fn pass(&self) {
        if let Some(tell) = self.0.tell.lock().unwrap().take() {
            tell.send(()).ok();
        }
        self.0.go.lock().unwrap().recv().ok();
    }
}

/// Counts what lives of a kind.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::SeqCst);
        One(self.clone(), None)
    }

    /// One whose drop blocks its thread.
    fn held(&self, gate: &Gate) -> One {
        let mut one = self.one();
        one.1 = Some(gate.clone());
        one
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// One of them; its drop may be held.
struct One(Alive, Option<Gate>);

impl Drop for One {
    fn drop(&mut self) {
        if let Some(gate) = &self.1 {
            gate.pass();
        }
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Holder {
    _behaviour: One,
    holding: Option<One>,
    work: Option<Gate>,
}

impl Agent for Holder {
    type Task = ();
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        if let Some(holding) = self.holding.take() {
            cx.hold("process", holding);
        }
        Ok(())
    }

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        if let Some(gate) = self.work.clone() {
            cx.blocking(move || gate.pass()).await?;
        }
        Ok(())
    }
}

fn on_threads<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let value = runtime.block_on(run);
    runtime.shutdown_background();
    value
}

fn holder(name: &str, behaviour: impl Fn() -> One + Send + Sync + 'static) -> AgentSpec<Holder> {
    AgentSpec::new(name, move || Holder { _behaviour: behaviour(), holding: None, work: None })
}

fn left(receipt: &StopReceipt) -> Vec<(&str, Left)> {
    receipt
        .rows()
        .iter()
        .flat_map(|row| row.left.iter().map(|left| (row.name.as_str(), left.clone())))
        .collect()
}

#[test]
fn behaviours_of_idle_agents_are_gone_when_a_brutal_stop_says_so() {
    on_threads(async {
        for _ in 0..40 {
            let (swarm, alive) = (Swarm::builder("s").start().await.unwrap(), Alive::default());
            for name in 0..20 {
                let alive = alive.clone();
                let spec = holder(&format!("a{name}"), move || alive.one()).shutdown(Shutdown::Brutal);
                swarm.spawn(spec).await.unwrap();
            }
            assert_eq!(alive.count(), 20);
            let receipt = swarm.stop(Stop::brutally()).await;
            assert_eq!((receipt.nothing_left(), alive.count()), (true, 0), "{receipt}");
        }
    });
}

#[test]
fn a_behaviour_whose_drop_takes_longer_than_the_stop_is_named() {
    on_threads(async {
        let (swarm, alive) = (Swarm::builder("s").start().await.unwrap(), Alive::default());
        let (slow, (gate, _, open)) = (alive.clone(), Gate::shut());
        swarm.spawn(holder("slow", move || slow.held(&gate))).await.unwrap();
        let quick = alive.clone();
        swarm.spawn(holder("quick", move || quick.one())).await.unwrap();
        let receipt = swarm.stop(Stop::brutally()).await;
        assert_eq!(left(&receipt), [("slow", Left::Behaviour)]);
        assert!(!receipt.nothing_left() && !receipt.is_clean());
        assert!(receipt.to_string().ends_with("still running: s.1 (its behaviour)"), "{receipt}");
        drop(open);
    });
}

#[test]
fn holdings_are_gone_when_a_receipt_says_so_and_named_else() {
    on_threads(async {
        for (within, is_named) in [(60, false), (1, true)] {
            let (swarm, alive) = (Swarm::builder("s").start().await.unwrap(), Alive::default());
            let (held, (gate, begun, open)) = (alive.clone(), Gate::shut());
            let spec = AgentSpec::new("holder", move || Holder {
                _behaviour: Alive::default().one(),
                holding: Some(held.held(&gate)),
                work: None,
            });
            swarm.spawn(spec.shutdown(Shutdown::Brutal)).await.unwrap();
            let stop =
                tokio::spawn(async move { swarm.stop(Stop::within(Duration::from_secs(within))).await });
            begun.await.unwrap();
            // A stop with time waits for the drop; one without says what goes on.
            if !is_named {
                assert!(!stop.is_finished());
                open.send(()).unwrap();
            }
            let receipt = stop.await.unwrap();
            let expected: &[(&str, Left)] =
                if is_named { &[("holder", Left::Holding("process".to_owned()))] } else { &[] };
            assert_eq!(left(&receipt), expected);
            assert_eq!(
                (receipt.nothing_left(), alive.count()),
                (!is_named, usize::from(is_named)),
                "{receipt}"
            );
        }
    });
}

#[test]
fn where_other_work_blocks_every_worker_what_could_not_be_dropped_is_named() {
    on_threads(async {
        let (swarm, alive) = (Swarm::builder("s").start().await.unwrap(), Alive::default());
        let one = alive.clone();
        swarm.spawn(holder("idle", move || one.one())).await.unwrap();
        let mut blocked = Vec::new();
        for _ in 0..2 {
            let (gate, begun, open) = Gate::shut();
            tokio::spawn(async move { gate.pass() });
            begun.await.unwrap();
            blocked.push(open);
        }
        let receipt = swarm.stop(Stop::brutally()).await;
        if receipt.nothing_left() {
            assert_eq!(alive.count(), 0, "{receipt}");
        } else {
            assert_eq!(left(&receipt), [("idle", Left::Behaviour)]);
        }
        drop(blocked);
    });
}

#[test]
fn blocking_work_that_goes_on_when_its_turn_was_cut_is_named() {
    on_threads(async {
        for (within, is_named) in [(60, false), (1, true)] {
            let swarm = Swarm::builder("s").start().await.unwrap();
            let (gate, begun, open) = Gate::shut();
            let spec = AgentSpec::new("worker", move || Holder {
                _behaviour: Alive::default().one(),
                holding: None,
                work: Some(gate.clone()),
            });
            let asked =
                tokio::spawn(swarm.spawn(spec).await.unwrap().ask(()).within(Duration::from_secs(600)));
            begun.await.unwrap();
            let stop =
                tokio::spawn(async move { swarm.stop(Stop::within(Duration::from_secs(within))).await });
            assert!(asked.await.unwrap().is_err(), "its turn is cut while its work goes on");
            if !is_named {
                assert!(!stop.is_finished());
                open.send(()).unwrap();
            }
            let receipt = stop.await.unwrap();
            let expected: &[(&str, Left)] = if is_named { &[("worker", Left::Blocking)] } else { &[] };
            assert_eq!(left(&receipt), expected);
            assert_eq!(receipt.nothing_left(), !is_named);
            assert_eq!(receipt.rows()[0].end, End::Clean, "the turn came back and its hook ran");
        }
    });
}

/// Makes a call that holds something, and ends or not.
struct Caller(Alive);

impl Agent for Caller {
    type Task = bool;
    type Output = ();

    async fn handle(&mut self, ends: &bool, cx: &Context) -> Result<(), AgentError> {
        let (alive, ends) = (&self.0, *ends);
        let call = |call: Call| async move {
            let _held = call.hold("process", alive.one());
            if !ends {
                std::future::pending::<()>().await;
            }
            Ok(())
        };
        Ok(cx.effect("run", ()).free().run(call).await?)
    }
}

#[test]
fn what_a_call_holds_is_released_with_it_and_named_by_the_stop_that_cuts_it() {
    on_threads(async {
        for stop in [Stop::default(), Stop::brutally()] {
            let (swarm, alive) = (Swarm::builder("s").start().await.unwrap(), Alive::default());
            let its = alive.clone();
            let caller = swarm.spawn(AgentSpec::new("caller", move || Caller(its.clone()))).await.unwrap();
            let taken = || {
                let events = swarm.events_so_far();
                events.iter().filter(|event| matches!(event.what, What::HoldingTaken { .. })).count()
            };
            caller.ask(true).await.unwrap();
            assert_eq!((taken(), alive.count()), (1, 0), "a call that has ended holds nothing");
            let interrupted = tokio::spawn(caller.ask(false));
            crate::until("it holds something", || taken() == 2);
            assert_eq!(caller.interrupt(), skep::control::Interrupted::Turn);
            assert!(interrupted.await.unwrap().is_err());
            assert_eq!(alive.count(), 0, "nor does one that was cut while its agent lives on");
            let stopped = tokio::spawn(caller.ask(false));
            crate::until("it holds something again", || taken() == 3);
            let receipt = swarm.stop(stop).await;
            assert!(stopped.await.unwrap().is_err());
            assert_eq!((&receipt.rows()[0].holdings[..], alive.count()), (&["process".to_owned()][..], 0));
            assert!(receipt.nothing_left(), "{receipt}");
        }
    });
}
