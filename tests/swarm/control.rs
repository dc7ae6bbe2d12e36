//! P5: control is always answered, on the real clock, whatever the turn does.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use skep::testkit::{Lab, Point};
use skep::{AgentError, AgentSpec, AgentState, Context, Filter, Shutdown, Stop, Swarm};

use super::forest::{Act, Imp, ms};

fn on_threads(workers: usize, test: impl AsyncFnOnce()) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
    runtime.block_on(test());
    runtime.shutdown_background();
}

/// Computes and never awaits anything that is not ready.
struct Loops;

impl skep::Agent for Loops {
    type Task = u64;
    type Output = u64;
    async fn handle(&mut self, task: &u64, cx: &Context) -> Result<u64, AgentError> {
        let mut sum = *task;
        loop {
            for _ in 0..4_096 {
                sum = sum.wrapping_mul(31).wrapping_add(7);
            }
            std::hint::black_box(sum);
            cx.breathe().await?;
        }
    }
}

/// Blocks its thread until the test lets it go.
struct Blocks(Arc<Mutex<Receiver<()>>>);

impl skep::Agent for Blocks {
    type Task = ();
    type Output = ();
    async fn handle(&mut self, (): &(), cx: &Context) -> Result<(), AgentError> {
        cx.progress("blocks");
        self.0.lock().unwrap().recv().ok();
        Ok(())
    }
}

/// Waits until something has happened, told by the journal.
async fn until(swarm: &Swarm, event_type: &str) {
    let mut events = swarm.history(Filter::all());
    while let Some(event) = events.next().await {
        if event.expect("a young journal has lost nothing").what.name() == event_type {
            return;
        }
    }
    panic!("the swarm ended before {event_type}");
}

/// Status and stop are answered while the turn is still at it: it shows in the status, and whatever blocks its thread is
/// named as stuck.
async fn is_answered(lab: &Lab, swarm: &Swarm, within: u64, stuck: usize) {
    let states: Vec<_> = swarm.status().into_iter().map(|status| status.state).collect();
    assert!(states.contains(&AgentState::Thinking), "{states:?}");
    let receipt = swarm.stop(Stop::within(ms(within))).await;
    assert_eq!(receipt.stuck(), stuck, "{receipt}");
    lab.conclude(receipt).await.unwrap();
}

#[test]
fn an_agent_that_loops_answers_status_and_stop() {
    on_threads(1, async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let loops = swarm.spawn(AgentSpec::new("loops", || Loops)).await.unwrap();
        loops.tell(1).unwrap();
        until(&swarm, "turn_began").await;
        is_answered(&lab, &swarm, 20_000, 0).await;
    });
}

#[test]
fn an_agent_that_hangs_answers_status_and_stop() {
    on_threads(1, async || {
        let lab = Lab::real_io().fault(Point::turn().of("imp").hangs_deaf());
        let swarm = lab.start().await;
        // When its own time is over it is cut, and has as long again to be gone, on a busy machine too.
        let imp = Imp::spec("imp").shutdown(Shutdown::within(ms(2_000)));
        swarm.spawn(imp).await.unwrap().tell(vec![]).unwrap();
        until(&swarm, "fault_injected").await;
        is_answered(&lab, &swarm, 20_000, 0).await;
    });
}

#[test]
fn an_agent_that_blocks_one_of_two_workers_answers_status_and_stop() {
    blocked(2);
}

#[test]
fn an_agent_that_blocks_the_only_worker_answers_status_and_stop() {
    blocked(1);
}

fn blocked(workers: usize) {
    on_threads(workers, async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let (lets_go, held) = channel();
        let held = Arc::new(Mutex::new(held));
        let blocks = swarm.spawn(AgentSpec::new("blocks", move || Blocks(Arc::clone(&held)))).await.unwrap();
        swarm.spawn(Imp::spec("other")).await.unwrap();
        blocks.tell(()).unwrap();
        // The last thing that it says before it blocks.
        until(&swarm, "progress").await;
        is_answered(&lab, &swarm, 2_000, 1).await;
        drop(lets_go);
    });
}

#[skep::swarm_test(seeds = 50)]
async fn a_stop_is_answered_by_its_deadline_whatever_the_agents_do(lab: Lab) {
    let mut dice = lab.dice();
    let lab = lab
        .fault(Point::turn().chance(400).blocks(ms(dice.between(100, 5_000))).may_rest())
        .fault(Point::turn().chance(400).hangs_deaf().may_rest())
        .fault(Point::stop().chance(300).blocks(ms(dice.between(100, 5_000))).may_rest());
    let swarm = lab.start().await;
    for number in 0..dice.between(1, 8) {
        let imp = swarm.spawn(Imp::spec(format!("imp-{number}"))).await.expect("a plain agent starts");
        imp.tell(vec![Act::Sleep(dice.below(100)), Act::Step]).expect("its mailbox is empty");
    }
    tokio::time::sleep(ms(dice.below(150))).await;
    let within = ms(dice.between(1, 2_000));
    let receipt = swarm.stop(Stop::within(within)).await;
    assert!(receipt.took() <= within + ms(60), "{receipt} of {within:?}");
    if let Err(failure) = lab.conclude(receipt).await {
        panic!("{failure}");
    }
}
