//! A start that blocks its thread while a stop gives it up leaves nothing behind when it comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skep::{Agent, AgentError, AgentSpec, Context, End, Stop, Swarm};

use super::until;

/// A start that blocks until it is let go.
struct Blocks {
    gate: Arc<Gate>,
    _lives: Lives,
}

struct Lives(Arc<AtomicBool>);

impl Drop for Lives {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Agent for Blocks {
    type Task = ();
    type Output = ();

    async fn start(&mut self, _: &Context) -> Result<(), AgentError> {
        self.gate.pass();
        Ok(())
    }

    async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> {
        Ok(())
    }
}

/// A place at which a thread waits until it is let go.
struct Gate {
    comes: Mutex<Sender<()>>,
    goes: Mutex<Receiver<()>>,
}

impl Gate {
    fn pass(&self) {
        self.comes.lock().unwrap().send(()).ok();
        self.goes.lock().unwrap().recv().ok();
    }
}

fn gate() -> (Arc<Gate>, Receiver<()>, Sender<()>) {
    let ((comes, come), (go, goes)) = (channel(), channel());
    (Arc::new(Gate { comes: comes.into(), goes: goes.into() }), come, go)
}

#[test]
fn a_blocked_start_that_a_stop_gave_up_is_stuck_and_its_behaviour_goes_when_it_comes_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    let lives = Arc::new(AtomicBool::new(true));
    let (gate, comes, go) = gate();
    let receipt = runtime.block_on(async {
        let swarm = Swarm::builder("s").start().await.unwrap();
        let (spawner, held, own) = (swarm.clone(), Arc::clone(&lives), Arc::clone(&gate));
        let spawned = tokio::spawn(async move {
            let spec = AgentSpec::new("blocks", move || Blocks {
                gate: Arc::clone(&own),
                _lives: Lives(Arc::clone(&held)),
            });
            spawner.spawn(spec).await.map(drop)
        });
        tokio::task::spawn_blocking(move || comes.recv()).await.unwrap().unwrap();
        let receipt = swarm.stop(Stop::within(Duration::from_millis(300))).await;
        drop(swarm);
        go.send(()).unwrap();
        assert!(spawned.await.unwrap().is_err(), "a stop has ended it");
        receipt
    });
    assert_eq!(receipt.rows()[0].end, End::Stuck, "{receipt}");
    until("its behaviour is dropped", || !lives.load(Ordering::SeqCst));
    // Its factory goes with the seat, and the seat with the last thing that knows it.
    until("nothing holds its factory any more", || Arc::strong_count(&gate) == 1);
}

#[test]
fn an_agent_that_is_killed_in_a_start_that_blocks_ends_instead_of_lying_there() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    let lives = Arc::new(AtomicBool::new(true));
    let (gate, comes, go) = gate();
    runtime.block_on(async {
        let swarm = Swarm::builder("s").start().await.unwrap();
        let (spawner, held, own) = (swarm.clone(), Arc::clone(&lives), Arc::clone(&gate));
        tokio::spawn(async move {
            let blocks = move || Blocks { gate: Arc::clone(&own), _lives: Lives(Arc::clone(&held)) };
            spawner.spawn(AgentSpec::new("blocks", blocks).restart(skep::Restart::Temporary)).await.map(drop)
        });
        tokio::task::spawn_blocking(move || comes.recv()).await.unwrap().unwrap();
        let agent = swarm.agent::<Blocks>("blocks").unwrap();
        agent.kill();
        go.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(20), agent.ended()).await.expect("it ends");
        assert!(swarm.stop(Stop::within(Duration::from_secs(5))).await.nothing_left());
    });
    until("its behaviour is dropped", || !lives.load(Ordering::SeqCst));
}
