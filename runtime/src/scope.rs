//! A scope: a seat without behaviour that ends all that was begun in it. Patterns open one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::agent::Agent;
use crate::agent_ref::AgentRef;
use crate::context::Context;
use crate::engine::seat::Seat;
use crate::engine::spawn::{Naming, Place, scope, spawn};
use crate::engine::turn::Turn;
use crate::env::Env;
use crate::error::SpawnError;
use crate::event::Role;
use crate::id::AgentId;
use crate::ledger::{Balance, Breakdown};
use crate::receipt::{Stop, StopReceipt};
use crate::spec::AgentSpec;
use crate::swarm::Swarm;

/// Whose a scope is: a task's, an agent's, or the whole swarm's.
#[derive(Clone)]
pub struct ScopeOwner {
    seat: Arc<Seat>,
    turn: Option<Arc<Turn>>,
}

impl ScopeOwner {
    /// The environment that the owner lives in: time, chance, blocking work and the outside.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.seat.engine.env
    }

    fn role(&self) -> Role {
        self.turn.as_ref().and_then(|turn| turn.task.clone()).map_or(Role::Scope, Role::Task)
    }
}

impl From<&Context> for ScopeOwner {
    fn from(cx: &Context) -> Self {
        Self { seat: Arc::clone(&cx.turn.seat), turn: Some(Arc::clone(&cx.turn)) }
    }
}

impl<A: Agent> From<&AgentRef<A>> for ScopeOwner {
    fn from(agent: &AgentRef<A>) -> Self {
        Self { seat: agent.seat(), turn: None }
    }
}

impl From<&Swarm> for ScopeOwner {
    fn from(swarm: &Swarm) -> Self {
        Self { seat: swarm.root_seat(), turn: None }
    }
}

/// An open scope. Dropping it stops all that was begun in it, in the background; [`Scope::close`] waits for that.
pub struct Scope {
    seat: Arc<Seat>,
    is_closed: AtomicBool,
}

impl Scope {
    /// Opens a scope. It ends with its owner at the latest.
    ///
    /// # Errors
    /// [`SpawnError`] if the owner is stopping, or its turn is over.
    pub fn open(owner: &ScopeOwner, name: &str) -> Result<Self, SpawnError> {
        let place = Place::under(&owner.seat, owner.role(), Naming::New);
        let place = match &owner.turn {
            Some(turn) => place.in_turn(turn),
            None => place,
        };
        Ok(Self { seat: scope(&place, name)?, is_closed: AtomicBool::new(false) })
    }

    /// The scope's id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.seat.id
    }

    /// Begins an agent in the scope, transient unless its spec says otherwise. A name that is taken gets a number.
    ///
    /// # Errors
    /// [`SpawnError`]: a bad spec, a fence, a limit, a start that failed.
    pub async fn spawn<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let place = Place::under(&self.seat, Role::Scope, Naming::New);
        Ok(AgentRef::new(spawn(place, spec).await?))
    }

    /// How many agents live in the scope, at any depth, in O(1).
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.seat.live_below()
    }

    /// What was spent and is reserved in the scope, by agents that have ended too.
    #[must_use]
    pub fn cost(&self) -> Balance {
        self.seat.meter.subtree()
    }

    /// The bill of the scope, agent by agent.
    #[must_use]
    pub fn breakdown(&self) -> Breakdown {
        self.seat.engine.breakdown(&self.seat.id)
    }

    /// Stops all that was begun in the scope and waits for the receipt.
    pub async fn close(self, stop: Stop) -> StopReceipt {
        self.stop(stop).await
    }

    /// The same for a scope that others still look at: whatever waits for an agent of it gets its end, and nothing can be
    /// begun in it any more.
    ///
    /// The fence is up when this is first polled; dropping the future afterwards takes nothing back.
    pub async fn stop(&self, stop: Stop) -> StopReceipt {
        self.is_closed.store(true, Ordering::Release);
        self.seat.engine.stop_ordered(&self.seat, stop).await
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.is_closed.load(Ordering::Acquire) {
            self.seat.engine.stop_in_background(&self.seat);
        }
    }
}
