//! The fault points: what a plan wants done at one is performed here. Without the feature `lab` `no_points.rs` stands here.

mod deliver;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use self::deliver::{Delivery, Late, deliver};
use crate::engine::seat::Seat;
use crate::engine::turn::Turn;
use crate::env::fault::{Fault, Phase, Site};
use crate::env::marks::Spoil;
use crate::env::theirs::Sleeper;
use crate::words::error::AgentError;
use crate::words::event::What;
use crate::words::id::Seq;
use crate::words::pause::Pause;
use crate::words::state::StopReason;
use crate::words::time::Time;
use crate::words::usage::Usage;

/// What is left for the caller to do after a point was passed.
#[derive(Default)]
pub(crate) struct Passed {
    /// What a provider bills on top.
    pub(crate) spike: Usage,
    /// What the drop of what is made here does.
    pub(crate) spoil: Spoil,
}

/// What a fault has done to a turn that lasts.
#[derive(Default)]
pub(crate) struct Bent {
    /// A simulated block: neither polled nor dropped until then.
    blocked_until: AtomicU64,
    /// What it shows of its progress is not seen.
    is_mute: AtomicBool,
}

impl Bent {
    pub(crate) fn is_blocked(&self, now: impl Fn() -> Time) -> bool {
        let until = Time::from_nanos(self.blocked_until.load(Ordering::Acquire));
        until > Time::ZERO && now() < until
    }

    pub(crate) fn is_mute(&self) -> bool {
        self.is_mute.load(Ordering::Acquire)
    }
}

/// Asks the plan at a point and writes its word down: the one place where it is asked.
pub(crate) fn decide(
    seat: &Seat,
    phase: Phase,
    detail: &str,
    note: impl FnOnce(What) -> Seq,
) -> Option<Fault> {
    let site = Site { agent: &seat.id, name: &seat.name, phase, detail };
    let (rule, fault) = seat.engine.env.faults()?.at(&site)?;
    let point = if detail.is_empty() { phase.to_string() } else { format!("{phase}:{detail}") };
    note(What::FaultInjected { rule, point, action: fault.name().to_owned() });
    Some(fault)
}

/// Passes a fault point of a turn. An error is the plan's; a hang never returns.
pub(crate) async fn pass(turn: &Arc<Turn>, phase: Phase, detail: &str) -> Result<Passed, AgentError> {
    match decide(&turn.seat, phase, detail, |what| turn.note(what)) {
        None => Ok(Passed::default()),
        // Boxed, since each turn would else carry room for every fault.
        Some(fault) => Box::pin(perform(turn, fault)).await,
    }
}

/// Awaits a user's future, and tells the plan when that waits for nothing that the simulated world knows.
pub(crate) async fn seeing<F: Future>(turn: &Arc<Turn>, phase: Phase, detail: &str, future: F) -> F::Output {
    let seat = &turn.seat;
    let tell = |waits| {
        if let Some(faults) = seat.engine.env.faults() {
            faults.waits_blindly(&Site { agent: &seat.id, name: &seat.name, phase, detail }, waits);
        }
    };
    seat.engine.env.seeing(future, tell).await
}

async fn perform(turn: &Arc<Turn>, fault: Fault) -> Result<Passed, AgentError> {
    if let Some(error) = fault.as_error() {
        return Err(error);
    }
    let seat = &turn.seat;
    let env = &seat.engine.env;
    match fault {
        Fault::Panic => panic!("a fault plan's panic"),
        Fault::Hang => {
            turn.cancel.raised().await;
            return Err(AgentError::message("a fault plan's hang was cancelled"));
        }
        Fault::HangDeaf => std::future::pending::<()>().await,
        Fault::Slow(pause) => {
            let _excused = turn.excuse();
            env.sleep_until(env.now() + pause).await;
        }
        Fault::Block(span) => block(turn, span).await,
        Fault::Pause(span) => pause(seat, span),
        Fault::LoseCell => seat.lose_cell(),
        Fault::MislayCell => seat.mislay_cell(),
        Fault::LoseHeartbeat => turn.bent.is_mute.store(true, Ordering::Release),
        Fault::Vanish => {
            vanish(seat);
            std::future::pending::<()>().await;
        }
        Fault::Kill => {
            seat.kill();
            // The kill drops this future at its next await.
            std::future::pending::<()>().await;
        }
        Fault::KillSubtree => {
            seat.subtree().iter().rev().for_each(Seat::kill);
            std::future::pending::<()>().await;
        }
        Fault::KillSupervisor => {
            if let Some((supervisor, _)) = seat.supervisor() {
                supervisor.kill();
            }
        }
        // In a subtree that is stopping the fence has to refuse it, whichever way it comes.
        Fault::Spawn => seat.body.begin_late(Arc::clone(turn)).await,
        Fault::JumpClock(by) => {
            if let Some(faults) = env.faults() {
                faults.jump_clock(by);
            }
        }
        Fault::CostSpike(spike) => return Ok(Passed { spike, ..Passed::default() }),
        // An error, one whose time is when what is made here is dropped, or one that has no place in a turn.
        fault => return Ok(Passed { spoil: seat.spoil(&fault), ..Passed::default() }),
    }
    Ok(Passed::default())
}

/// Loses the agent as a bug would: its place ends, its runner is given up, and nothing below it is told.
fn vanish(seat: &Arc<Seat>) {
    seat.give_up_runner(Some(StopReason::Stopped));
    seat.lose_place();
}

/// A block: on a real clock it is one; in simulation the turn is neither polled nor dropped for so long.
async fn block(turn: &Arc<Turn>, span: Duration) {
    // What answers a question has the thread of whoever asks.
    let turn = turn.polled_in();
    let env = &turn.seat.engine.env;
    if !env.is_simulated() {
        env.block_thread(span);
        return;
    }
    let until = env.now() + span;
    turn.bent.blocked_until.store(until.as_nanos(), Ordering::Release);
    // It may have been given up by then, so it is woken by itself and not by the bell of its seat.
    let mut wake = None;
    std::future::poll_fn(|cx| {
        if wake.is_some() {
            return std::task::Poll::Ready(());
        }
        let sleeper = Sleeper::new(cx);
        wake = Some(env.at(until, move || sleeper.wake()));
        std::task::Poll::Pending
    })
    .await;
}

/// Pauses the agent, unless it is ending, and sees that it is resumed.
fn pause(seat: &Arc<Seat>, span: Duration) {
    let engine = Arc::clone(&seat.engine);
    if engine.order_pause(seat, Pause::at_next_await(), None).is_err() {
        return;
    }
    let (env, seat) = (engine.env.clone(), Arc::clone(seat));
    let until = env.now() + span;
    env.clone().spawn_work(async move {
        tokio::select! {
            biased;
            () = engine.over.raised() => {}
            // Somebody else may have resumed or stopped it.
            () = env.sleep_until(until) => drop(engine.resume(&seat)),
        }
    });
}

impl Seat {
    /// What a fault does to the drop of what is made or arrives here.
    fn spoil(&self, fault: &Fault) -> Spoil {
        Spoil::of(&self.engine.env, &self.engine.over, fault)
    }
}

/// Arrives at a point of somebody else's making, such as the other end of a connection, in the turn that is polled here. The
/// plan's fault is written down and returned: whoever arrives performs it. Nothing outside a turn.
#[must_use]
pub fn arrive(phase: Phase, detail: &str) -> Option<Fault> {
    let turn = crate::engine::turn::current()?;
    decide(&turn.seat, phase, detail, |what| turn.note(what))
}
