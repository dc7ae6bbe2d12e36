//! What was given up with a thread that blocks comes back one day. It has no part in the life that follows, and does nothing more.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, AskError, Context, Living, Scope, ScopeOwner, Shutdown, Stop,
    Supervisor, Swarm,
};

use super::until;

const GRACE: Duration = Duration::from_millis(100);
const SOON: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_secs(20);

/// Something that blocks its thread until the test lets it go on, once.
#[derive(Clone)]
struct Gate(Arc<Mutex<Option<Ends>>>);

/// Tells that somebody is at it, and hears that it is opened.
type Ends = (Sender<()>, Receiver<()>);

type Then = Arc<dyn Fn(&Context) + Send + Sync>;

impl Gate {
    /// With who is told that somebody is at it, and who opens it.
    fn new() -> (Self, Receiver<()>, Sender<()>) {
        let ((told, at_it), (open, opened)) = (channel(), channel());
        (Self(Arc::new(Mutex::new(Some((told, opened))))), at_it, open)
    }

    fn pass(&self) {
        let gate = self.0.lock().unwrap().take();
        if let Some((told, opened)) = gate {
            told.send(()).unwrap();
            opened.recv().ok();
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Do {
    Answer,
    Block,
    Crash,
}

/// Blocks where it is told to.
struct Hand {
    gate: Gate,
    in_start: bool,
    _in_drop: InDrop,
    /// What is done when it comes back, by whatever handle it has.
    then: Option<Then>,
}

impl Hand {
    fn new(gate: &Gate) -> Self {
        Self { gate: gate.clone(), in_start: false, _in_drop: InDrop(None), then: None }
    }
}

impl Agent for Hand {
    type Task = Do;
    type Output = u64;

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        cx.hold("lock", ());
        if self.in_start && cx.incarnation() > 1 {
            self.gate.pass();
        }
        Ok(())
    }

    async fn handle(&mut self, what: &Do, cx: &Context) -> Result<u64, AgentError> {
        match what {
            Do::Answer => {}
            Do::Block => {
                self.gate.pass();
                if let Some(then) = &self.then {
                    then(cx);
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Do::Crash => return Err(AgentError::crash("told to")),
        }
        Ok(u64::from(cx.incarnation()))
    }
}

struct InDrop(Option<Gate>);

impl Drop for InDrop {
    fn drop(&mut self) {
        if let Some(gate) = &self.0 {
            gate.pass();
        }
    }
}

fn on_threads(test: impl AsyncFnOnce(Swarm)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let swarm = Swarm::builder("s").interrupt_grace(GRACE).intensity(100, Duration::from_secs(1));
        tokio::time::timeout(3 * LONG, test(swarm.start().await.unwrap())).await.expect("nothing hangs");
    });
}

/// The agent answers as its second incarnation, and is ended like any other.
async fn lives_on(swarm: Swarm, hand: &AgentRef<Hand>, life: u64) {
    let runners = || {
        let census = swarm.census(hand.id());
        census
            .into_iter()
            .filter(|(_, what, _)| *what == Living::Runner)
            .map(|(.., count)| count)
            .sum::<usize>()
    };
    until("what was given up is gone", || runners() <= 1);
    for _ in 0..20 {
        assert_eq!(hand.ask(Do::Answer).within(LONG).await.unwrap(), life);
    }
    let receipt = swarm.stop(Stop::within(LONG)).await;
    assert!(receipt.is_clean() && receipt.nothing_left(), "{receipt}");
    assert_eq!(receipt.rows().last().unwrap().holdings, ["lock"], "what its last life held");
    assert_eq!(swarm.census(swarm.id()), []);
}

#[test]
fn a_turn_that_comes_back_takes_nothing_of_the_next_life() {
    on_threads(async |swarm| {
        let (gate, at_it, open) = Gate::new();
        let hand = swarm.spawn(AgentSpec::new("hand", move || Hand::new(&gate))).await.unwrap();
        hand.tell(Do::Block).unwrap();
        at_it.recv().unwrap();
        hand.kill();
        assert_eq!(hand.ask(Do::Answer).within(LONG).await.unwrap(), 2);
        drop(open);
        lives_on(swarm, &hand, 2).await;
    });
}

#[test]
fn a_turn_that_blocks_is_given_up_after_a_kill_though_its_task_has_expired() {
    on_threads(async |swarm| {
        let (gate, at_it, open) = Gate::new();
        let hand = swarm.spawn(AgentSpec::new("hand", move || Hand::new(&gate))).await.unwrap();
        let ask = tokio::spawn(hand.ask(Do::Block).within(SOON).into_future());
        at_it.recv().unwrap();
        hand.kill();
        assert!(matches!(ask.await.unwrap(), Err(AskError::Expired(_))));
        assert_eq!(hand.ask(Do::Answer).within(LONG).await.unwrap(), 2);
        drop(open);
        lives_on(swarm, &hand, 2).await;
    });
}

#[test]
fn a_turn_that_blocks_is_found_stale_though_its_task_has_expired() {
    on_threads(async |swarm| {
        let (gate, at_it, open) = Gate::new();
        let hand = AgentSpec::new("hand", move || Hand::new(&gate)).heartbeat(SOON / 2, 2 * SOON);
        let hand = swarm.spawn(hand).await.unwrap();
        let ask = tokio::spawn(hand.ask(Do::Block).within(SOON).into_future());
        at_it.recv().unwrap();
        assert!(matches!(ask.await.unwrap(), Err(AskError::Expired(_))));
        assert_eq!(hand.ask(Do::Answer).within(LONG).await.unwrap(), 2);
        drop(open);
        lives_on(swarm, &hand, 2).await;
    });
}

#[test]
fn a_start_that_blocks_its_thread_has_failed_when_its_time_is_over() {
    on_threads(async |swarm| {
        let (gate, at_it, open) = Gate::new();
        let hand = AgentSpec::new("hand", move || Hand { in_start: true, ..Hand::new(&gate) });
        let hand = swarm.spawn(hand.attempts(1).start_within(SOON)).await.unwrap();
        assert!(hand.ask(Do::Crash).await.is_err());
        at_it.recv().unwrap();
        assert_eq!(hand.ask(Do::Answer).within(LONG).await.unwrap(), 3);
        drop(open);
        lives_on(swarm, &hand, 3).await;
    });
}

#[test]
fn an_agent_that_is_killed_in_a_start_that_blocks_comes_back() {
    on_threads(async |swarm| {
        let (gate, at_it, open) = Gate::new();
        let hand = AgentSpec::new("hand", move || Hand { in_start: true, ..Hand::new(&gate) });
        let hand = swarm.spawn(hand.attempts(1)).await.unwrap();
        assert!(hand.ask(Do::Crash).await.is_err());
        at_it.recv().unwrap();
        hand.kill();
        assert_eq!(hand.ask(Do::Answer).within(LONG).await.unwrap(), 3);
        drop(open);
        lives_on(swarm, &hand, 3).await;
    });
}

#[test]
fn a_drop_that_comes_back_ends_nobody_elses_life_and_releases_nothing_of_it() {
    on_threads(async |swarm| {
        let (gate, at_it, open) = Gate::new();
        let lives = AtomicU32::new(0);
        let hand = AgentSpec::new("hand", move || Hand {
            _in_drop: InDrop((lives.fetch_add(1, Ordering::SeqCst) == 0).then(|| gate.clone())),
            ..Hand::new(&gate)
        });
        let hand = hand.attempts(1).shutdown(Shutdown::within(SOON));
        let hand = swarm.children().start_child(hand).await.unwrap();
        assert!(hand.ask(Do::Crash).await.is_err());
        at_it.recv().unwrap();
        swarm.children().terminate_child("hand").await.unwrap();
        swarm.children().restart_child("hand").await.unwrap();
        let life = hand.ask(Do::Answer).within(LONG).await.unwrap();
        drop(open);
        lives_on(swarm, &hand, life).await;
    });
}

#[test]
fn a_turn_that_is_named_stuck_does_nothing_more_by_whatever_handle() {
    on_threads(async |swarm| {
        let (gate, at_it, open) = Gate::new();
        let (other_gate, ..) = Gate::new();
        let other = swarm.spawn(AgentSpec::new("other", move || Hand::new(&other_gate))).await.unwrap();
        let (said, hears) = channel();
        let (its, handle) = (other.clone(), swarm.clone());
        let then: Then = Arc::new(move |cx| {
            let spawned = {
                let mut spawn = std::pin::pin!(handle.spawn(Supervisor::dynamic().named("late")));
                let mut poll = std::task::Context::from_waker(std::task::Waker::noop());
                matches!(spawn.as_mut().poll(&mut poll), std::task::Poll::Ready(Err(_)))
            };
            let refused = [
                its.tell(Do::Answer).is_err(),
                its.try_ask(Do::Answer).is_err(),
                its.ask(Do::Answer).detach().is_err(),
                cx.ask(&its, Do::Answer).detach().is_err(),
                spawned,
                Scope::open(&ScopeOwner::from(&handle), "late").is_err(),
            ];
            said.send(refused).unwrap();
        });
        let hand = AgentSpec::new("hand", move || Hand { then: Some(Arc::clone(&then)), ..Hand::new(&gate) });
        let hand = swarm.spawn(hand).await.unwrap();
        hand.tell(Do::Block).unwrap();
        at_it.recv().unwrap();
        let receipt = hand.stop(Stop::within(2 * GRACE)).await;
        assert_eq!(receipt.stuck(), 1, "{receipt}");
        drop(open);
        let refused = tokio::task::spawn_blocking(move || hears.recv_timeout(LONG)).await.unwrap().unwrap();
        assert_eq!(refused, [true; 6]);
        drop(swarm.stop(Stop::within(LONG)).await);
    });
}
