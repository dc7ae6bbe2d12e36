//! The fault points: what a plan wants done at one is performed here.

use std::sync::Arc;
use std::time::Duration;

use super::seat::Seat;
use super::turn::Turn;
use crate::error::AgentError;
use crate::event::What;
use crate::fault::{Fault, Phase, Site};
use crate::usage::Usage;

/// What is left for the caller to do after a point was passed.
#[derive(Default)]
pub(crate) struct Passed {
    /// What a provider bills on top.
    pub(crate) spike: Usage,
}

/// Passes a fault point of a turn. An error is the plan's; a hang never returns.
pub(crate) async fn pass(turn: &Arc<Turn>, phase: Phase, detail: &str) -> Result<Passed, AgentError> {
    let seat = &turn.seat;
    let Some(faults) = seat.engine.env.faults() else { return Ok(Passed::default()) };
    let site = Site { agent: &seat.id, name: &seat.name, phase, detail };
    let Some((rule, fault)) = faults.at(&site) else { return Ok(Passed::default()) };
    let point = format!("{phase:?}").to_lowercase();
    let point = if detail.is_empty() { point } else { format!("{point}:{detail}") };
    turn.note(What::FaultInjected { rule, point, action: fault.name().to_owned() });
    // Boxed, since each turn would else carry room for every fault.
    Box::pin(perform(turn, fault)).await
}

async fn perform(turn: &Arc<Turn>, fault: Fault) -> Result<Passed, AgentError> {
    let seat = &turn.seat;
    let env = &seat.engine.env;
    match fault {
        Fault::Panic => panic!("a fault plan's panic"),
        Fault::Error(error) => return Err(error),
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
        Fault::LoseCell => seat.lose_cell(),
        Fault::MislayCell => seat.mislay_cell(),
        Fault::Vanish => {
            seat.vanish();
            std::future::pending::<()>().await;
        }
        Fault::Kill => {
            seat.kill();
            // The kill drops this future at its next await.
            std::future::pending::<()>().await;
        }
        Fault::Spawn => spawn_late(seat, turn).await,
        Fault::CostSpike(spike) => return Ok(Passed { spike }),
    }
    Ok(Passed::default())
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
    turn.block_until(until);
    let seat = Arc::downgrade(&turn.seat);
    let _wake = env.at(until, move || {
        if let Some(seat) = seat.upgrade() {
            seat.order(|_| {});
        }
    });
    let mut first = true;
    std::future::poll_fn(|_| {
        if std::mem::take(&mut first) { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
}

/// Tries to begin a child. In a subtree that is stopping the fence has to refuse it, whichever way it comes.
async fn spawn_late(seat: &Arc<Seat>, turn: &Arc<Turn>) {
    use super::spawn::{Naming, Place, spawn};
    use crate::event::Role;
    use crate::spec::Supervisor;
    let role = turn.task.clone().map_or(Role::Static, Role::Task);
    let name = format!("late-{}", seat.engine.number());
    let place = Place { parent: seat, role, turn: Some(turn), naming: Naming::New };
    // Refused or not, the oracles see what lives afterwards.
    drop(spawn(place, Supervisor::dynamic().named(name)).await);
}
