//! The beginning of a life: an agent is entered, its start is polled once where the spawn is called, and its end is waited
//! for, by whoever began it and by all that spawn the same agent meanwhile.

use std::sync::Arc;

use super::enter::{EnteredAgent, enter};
use super::{Naming, SpawnPlace};
use crate::agent::Agent;
use crate::agent::runner::{FirstPoll, Runner};
use crate::agent::spec::AgentSpec;
use crate::decide::supervision::Started;
use crate::engine::seat::Seat;
use crate::engine::turn::waits::{self, Awaited};
use crate::env::signal::Signal;
use crate::words::error::SpawnError;

/// An agent that has its place and is about to start.
pub(crate) struct Spawning {
    seat: Arc<Seat>,
    begun: FirstPoll,
    /// Whoever is asked during the start and waits for the turn that spawns would close a circle.
    _waits: Option<waits::EnteredWait>,
}

impl Spawning {
    /// One that is up, or as far as nobody can wait for it.
    fn over(seat: Arc<Seat>) -> Self {
        Self { seat, begun: FirstPoll::Over(Some(Started::Ok)), _waits: None }
    }

    pub(crate) const fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// Waits until it has started.
    pub(crate) async fn started(self) -> Result<Arc<Seat>, SpawnError> {
        let started = match self.begun {
            FirstPoll::Over(started) => started,
            FirstPoll::Pending(first_start) => first_start.ended().await,
        };
        first_started(&self.seat, started)
    }
}

/// Gives an agent its place and begins its start; or finds the one that stands there.
pub(crate) async fn begin<A: Agent>(
    place: SpawnPlace<'_>,
    mut spec: AgentSpec<A>,
) -> Result<Spawning, SpawnError> {
    place.parent.engine.env.seam().await;
    let seat = loop {
        match enter(&place, &mut spec)? {
            EnteredAgent::New(seat) => break seat,
            EnteredAgent::Known(seat) => return Ok(Spawning::over(seat)),
            EnteredAgent::Held(over) => wait(&place, &over).await?,
            EnteredAgent::Starting(starting) => {
                let waits = place.by.as_ref().map(|turn| {
                    turn.waits_for(Awaited::Agent(Arc::clone(&starting.behind))).circle(&starting.behind)
                });
                let Ok(waits) = waits.transpose() else {
                    // Its start waits for whoever spawns here, so it will not end before this does.
                    return already(&place, starting.seat);
                };
                if place.naming != Naming::Child {
                    let begun = FirstPoll::Pending(starting.start);
                    return Ok(Spawning { seat: starting.seat, begun, _waits: waits });
                }
                // As OTP, which serves the next call when the start is over: the child is there then, or its name is free.
                wait(&place, starting.start.over()).await?;
            }
        }
    };
    let waits = place.turn.map(|turn| turn.waits_for(Awaited::Agent(Arc::clone(&seat))));
    let begun = Runner::<A>::start_in_place(&seat);
    Ok(Spawning { seat, begun, _waits: waits })
}

/// The answer where a start cannot be waited for.
fn already(place: &SpawnPlace<'_>, seat: Arc<Seat>) -> Result<Spawning, SpawnError> {
    if place.naming == Naming::Child {
        let (agent, name) = (seat.id.clone(), seat.name.to_string());
        return Err(SpawnError::AlreadyStarted { agent, name });
    }
    Ok(Spawning::over(seat))
}

/// Spawns an agent and waits until it has started. Under a parent that is paused it waits for the resume first.
///
/// Dropping the future before the start is over lets the start go on; the agent is its parent's, not the caller's.
pub(crate) async fn spawn<A: Agent>(
    place: SpawnPlace<'_>,
    spec: AgentSpec<A>,
) -> Result<Arc<Seat>, SpawnError> {
    begin(place, spec).await?.started().await
}

/// Waits for a signal, unless the turn that spawns is cancelled meanwhile.
async fn wait(place: &SpawnPlace<'_>, over: &Signal) -> Result<(), SpawnError> {
    let Some(turn) = place.turn else {
        over.raised().await;
        return Ok(());
    };
    tokio::select! {
        biased;
        () = turn.cancel.raised() => Err(SpawnError::Cancelled { agent: place.parent.id.clone() }),
        () = over.raised() => Ok(()),
    }
}

fn first_started(seat: &Arc<Seat>, started: Option<Started>) -> Result<Arc<Seat>, SpawnError> {
    let agent = seat.id.clone();
    match started {
        Some(Started::Ok) => Ok(Arc::clone(seat)),
        Some(Started::Ignored) => Err(SpawnError::Ignored { agent }),
        Some(Started::Failed(message)) => Err(SpawnError::Start { agent, message }),
        None => Err(SpawnError::Stopped { agent }),
    }
}
