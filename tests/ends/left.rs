//! A receipt that says that nothing is left is right: behaviours, holdings and blocking work are gone, or it names them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use skep::{Agent, AgentError, AgentSpec, Context, End, Left, Shutdown, Stop, StopReceipt, Swarm};

/// Counts what lives of a kind.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::SeqCst);
        One(self.clone(), Duration::ZERO)
    }

    fn slow(&self, drop_takes: Duration) -> One {
        let mut one = self.one();
        one.1 = drop_takes;
        one
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// One of them; its drop may take its time.
struct One(Alive, Duration);

impl Drop for One {
    fn drop(&mut self) {
        std::thread::sleep(self.1);
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Holder {
    _behaviour: One,
    holding: Option<One>,
}

impl Agent for Holder {
    type Task = u64;
    type Output = ();

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        if let Some(holding) = self.holding.take() {
            cx.hold("process", holding);
        }
        Ok(())
    }

    async fn handle(&mut self, millis: &u64, cx: &Context) -> Result<(), AgentError> {
        let millis = *millis;
        cx.blocking(move || std::thread::sleep(Duration::from_millis(millis))).await?;
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
    AgentSpec::new(name, move || Holder { _behaviour: behaviour(), holding: None })
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
        let slow = alive.clone();
        swarm.spawn(holder("slow", move || slow.slow(Duration::from_secs(2)))).await.unwrap();
        let quick = alive.clone();
        swarm.spawn(holder("quick", move || quick.one())).await.unwrap();
        let receipt = swarm.stop(Stop::brutally()).await;
        assert_eq!(left(&receipt), [("slow", Left::Behaviour)]);
        assert!(!receipt.nothing_left() && !receipt.is_clean());
        assert!(receipt.to_string().ends_with("still running: s.1 (its behaviour)"), "{receipt}");
    });
}

#[test]
fn holdings_are_gone_when_a_receipt_says_so_and_named_else() {
    on_threads(async {
        for (drop_takes, is_named) in [(100, false), (3_000, true)] {
            let (swarm, alive) = (Swarm::builder("s").start().await.unwrap(), Alive::default());
            let held = alive.clone();
            let spec = AgentSpec::new("holder", move || Holder {
                _behaviour: Alive::default().one(),
                holding: Some(held.slow(Duration::from_millis(drop_takes))),
            });
            swarm.spawn(spec.shutdown(Shutdown::Brutal)).await.unwrap();
            let receipt = swarm.stop(Stop::within(Duration::from_secs(1))).await;
            let expected: &[(&str, Left)] =
                if is_named { &[("holder", Left::Holding("process".to_owned()))] } else { &[] };
            assert_eq!(left(&receipt), expected);
            assert_eq!(receipt.nothing_left(), !is_named);
            assert!(is_named || alive.count() == 0, "{receipt}");
        }
    });
}

#[test]
fn where_other_work_blocks_every_worker_what_could_not_be_dropped_is_named() {
    on_threads(async {
        let (swarm, alive) = (Swarm::builder("s").start().await.unwrap(), Alive::default());
        let one = alive.clone();
        swarm.spawn(holder("idle", move || one.one())).await.unwrap();
        for _ in 0..2 {
            tokio::spawn(async { std::thread::sleep(Duration::from_millis(2_500)) });
        }
        let receipt = tokio::task::spawn_blocking(move || {
            std::thread::sleep(Duration::from_millis(100));
            let receipt = tokio::runtime::Handle::current().block_on(swarm.stop(Stop::brutally()));
            (receipt.nothing_left(), alive.count(), receipt)
        });
        let (nothing_left, alive, receipt) = receipt.await.unwrap();
        assert_eq!(nothing_left, alive == 0, "{receipt}");
    });
}

#[test]
fn blocking_work_that_goes_on_when_its_turn_was_cut_is_named() {
    on_threads(async {
        for (works, is_named) in [(300, false), (4_000, true)] {
            let swarm = Swarm::builder("s").start().await.unwrap();
            let agent = swarm.spawn(holder("worker", || Alive::default().one())).await.unwrap();
            let asked = tokio::spawn(agent.ask(works).within(Duration::from_secs(60)));
            while agent.state().name() != "waiting" {
                tokio::task::yield_now().await;
            }
            let began = Instant::now();
            let receipt = swarm.stop(Stop::within(Duration::from_secs(1))).await;
            assert!(began.elapsed() < Duration::from_secs(3));
            let expected: &[(&str, Left)] = if is_named { &[("worker", Left::Blocking)] } else { &[] };
            assert_eq!(left(&receipt), expected);
            assert_eq!(receipt.nothing_left(), !is_named);
            assert_eq!(receipt.rows()[0].end, End::Clean, "the turn came back and its hook ran");
            assert!(asked.await.unwrap().is_err());
        }
    });
}
