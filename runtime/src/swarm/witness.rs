//! What the lab sees of a swarm, without being one of its handles.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::lab::overdue::Overdue;
use crate::engine::seat::Seat;
use crate::env::census::Living;
use crate::journal::{Events, Filter};
use crate::views::Metrics;
use crate::words::balance::Balance;
use crate::words::id::{AgentId, Seq};
use crate::words::policy::{Intensity, Strategy};
use crate::words::state::AgentState;
use crate::words::supervisor::Policy;

/// How many restarts of a child are borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bears {
    /// How many, in which time.
    pub intensity: Intensity,
    /// Whether they are counted for the child alone, and not with those of its siblings.
    pub is_alone: bool,
}

/// A look at a swarm from outside. It keeps nothing running: the swarm still ends with its last handle.
#[derive(Clone)]
pub struct Witness {
    engine: Arc<Engine>,
    root: Arc<Seat>,
}

impl super::Swarm {
    /// A look at the swarm that is no handle of it.
    #[must_use]
    pub fn witness(&self) -> Witness {
        Witness { engine: Arc::clone(&self.0.engine), root: self.root_seat() }
    }
}

impl Witness {
    /// The last event's seq.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.engine.journal.last()
    }

    /// Follows what happens, from the session's begin.
    #[must_use]
    pub fn history(&self, filter: Filter) -> Events {
        Events::new(&self.engine.journal, filter, 1)
    }

    /// The entries of each of the engine's tables, by the table's name: what a long life must not make grow.
    #[must_use]
    pub fn entries(&self) -> BTreeMap<&'static str, usize> {
        self.engine.entries()
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.engine.over.is_raised()
    }

    /// What lives at an agent or below it by a count that knows nothing of seats: cells, runners, turns.
    #[must_use]
    pub fn census(&self, root: &AgentId) -> Vec<(AgentId, Living, usize)> {
        self.engine.census.within(root)
    }

    /// The live view, seat by seat, to be held against the folds: id, state, own balance, subtree balance.
    #[must_use]
    pub fn live_view(&self) -> Vec<(AgentId, AgentState, Balance, Balance)> {
        let seats = self.root.subtree();
        let row = |seat: &Arc<Seat>| (seat.id.clone(), seat.state(), seat.meter.own(), seat.meter.subtree());
        seats.iter().map(row).collect()
    }

    /// Tasks, and turns of theirs, that go on past their deadlines.
    #[must_use]
    pub fn overdue(&self) -> Vec<Overdue> {
        self.root.subtree().iter().flat_map(|seat| seat.overdue()).collect()
    }

    /// How many restarts are borne of each child that is restarted without its siblings and whose restarts count.
    #[must_use]
    pub fn bears(&self) -> Vec<(AgentId, Bears)> {
        let mut all = Vec::new();
        for seat in self.root.subtree() {
            let gate = seat.gate.lock();
            let Some(family) = &gate.family else { continue };
            let Policy { strategy, intensity, each_child_alone, .. } = family.core.supervisor();
            for (number, child) in family.seats.iter().filter(|(_, child)| !child.is_adopted()) {
                let Some(policy) = family.core.policy(*number) else { continue };
                if policy.counted && (strategy == Strategy::OneForOne || policy.dynamic) {
                    let is_alone = each_child_alone || policy.limit.is_some();
                    let intensity = policy.limit.unwrap_or(intensity);
                    all.push((child.id.clone(), Bears { intensity, is_alone }));
                }
            }
        }
        all
    }

    /// The metrics as everybody is shown them, to be held against a fold of all events.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.engine.metrics(&self.root.id)
    }
}
