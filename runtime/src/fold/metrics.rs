//! How a swarm is doing in numbers: a typed snapshot, and the fold that it is taken from.
//!
//! Every agent has a sparse table of its own counts; when it ends for good that is added to its parent's, so what is kept is
//! bounded by what lives. The sum over a living subtree is what that subtree did since its top was spawned. The runtime keeps
//! these tables in its seats and advances them in `append`; [`Metered`] is the same over a journal.
//!
//! # Invariants
//! 1. Of every count, the sum over all that lives is the number of its events: an agent's end hands on what it counted, and
//!    what comes late is counted at the first ancestor that lives.
//! 2. No id and no name of an agent is in a snapshot. Kinds of effects and links are, of each the first 32 that were met;
//!    the rest is `other`.

mod gauge;
mod names;
mod snapshot;
mod tally;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::gauge::Gauge;
pub(crate) use self::names::{NameId, Named, Names};
pub use self::snapshot::{EffectMetrics, Histogram, Metrics};
use self::tally::Tally;
use super::Fold;
use crate::event::{Event, Role, What};
use crate::id::AgentId;
use crate::lifecycle::{AgentState, Lifecycle};

/// The type under which a scope's seat is spawned.
const SCOPE: &str = "scope";

/// Where the gauges of agents are kept: in seats, or in the rows of a fold.
pub(crate) trait Places {
    /// An agent there.
    type At: Clone;
    /// Its gauge, if it has one, and whether it has ended for good.
    fn with<R>(&mut self, at: &Self::At, then: impl FnOnce(&mut Option<Box<Gauge>>, bool) -> R) -> R;
    /// Its parent.
    fn above(&self, at: &Self::At) -> Option<Self::At>;
    /// The place of a name in the list of its kind.
    fn place(&mut self, named: Named<'_>) -> NameId;
}

/// Counts an event at its agent. The agent's state is that after the event; a place is no agent.
pub(crate) fn measure<P: Places>(places: &mut P, at: &P::At, is_place: bool, event: &Event) {
    if gauge::counts(event) {
        let name = Named::of(&event.what).map_or(0, |named| places.place(named));
        let late =
            places.with(at, |gauge, has_ended| gauge.get_or_insert_default().take(event, name, has_ended));
        if let Some(late) = late {
            let parent = places.above(at);
            climb(places, parent, |tally| tally.add_all(&late));
        }
    }
    let Some(series) = gauge::counts_above(&event.what) else { return };
    let parent = places.above(at);
    let handed_on = places.with(at, |gauge, has_ended| match gauge {
        Some(gauge) if has_ended => gauge.tally.clone(),
        // A session's root hands on to nobody.
        Some(gauge) if parent.is_some() => {
            // Spawned again: what it counted before is its parent's. What is open in it stays to be timed.
            gauge.tally = Tally::default();
            Tally::default()
        }
        _ => Tally::default(),
    });
    climb(places, parent, |tally| {
        if !is_place {
            tally.add(series, 1);
        }
        tally.add_all(&handed_on);
    });
}

/// Adds to an agent's counts; where it has ended, to its parent's too, up to the first that lives.
fn climb<P: Places>(places: &mut P, from: Option<P::At>, add: impl Fn(&mut Tally)) {
    let mut next = from;
    while let Some(at) = next.take() {
        let has_ended = places.with(&at, |gauge, has_ended| {
            add(&mut gauge.get_or_insert_default().tally);
            has_ended
        });
        if has_ended {
            next = places.above(&at);
        }
    }
}

/// What several agents come to.
#[derive(Default)]
pub(crate) struct Sum {
    tally: Tally,
    states: BTreeMap<&'static str, u64>,
    queued: u64,
    longest: u64,
}

impl Sum {
    /// Adds the counts of an agent, and of what has ended below it.
    pub(crate) fn add_counts(&mut self, gauge: &Gauge) {
        self.tally.add_all(&gauge.tally);
    }

    /// Adds what an agent is and has right now.
    pub(crate) fn add_present(&mut self, state: &AgentState, is_place: bool, gauge: Option<&Gauge>) {
        if !state.is_live() {
            return;
        }
        if !is_place {
            *self.states.entry(state.name()).or_default() += 1;
        }
        let queued = gauge.map_or(0, Gauge::queued);
        self.queued += queued;
        self.longest = self.longest.max(queued);
    }

    /// What it all comes to.
    pub(crate) fn metrics(&self, names: &Names) -> Metrics {
        let mut metrics = Metrics::of(&self.tally, names);
        metrics.agents = self.states.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect();
        (metrics.queued, metrics.longest_queue) = (self.queued, self.longest);
        metrics
    }
}

/// The metrics of a session, and of any living agent's subtree, from its events alone.
///
/// It holds a row for each living agent, and for one that has ended only until what is open in it has ended too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    rows: BTreeMap<AgentId, Row>,
    names: Names,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    /// None if what happened is of an agent that is gone, or was never spawned.
    life: Option<Lifecycle>,
    is_place: bool,
    gauge: Option<Box<Gauge>>,
}

impl Row {
    fn is_live(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.state().is_live())
    }

    /// Whether nothing of it will count any more.
    fn is_done(&self) -> bool {
        !self.is_live() && !self.gauge.as_ref().is_some_and(|gauge| gauge.is_open())
    }
}

impl Metered {
    /// The metrics of all of it.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.sum(self.rows.iter())
    }

    /// The metrics of an agent's subtree since the agent was spawned; those of nothing if it has ended.
    #[must_use]
    pub fn metrics_of(&self, agent: &AgentId) -> Metrics {
        self.sum(self.rows.iter().filter(|(id, _)| id.is_within(agent)))
    }

    fn sum<'a>(&self, rows: impl Iterator<Item = (&'a AgentId, &'a Row)>) -> Metrics {
        let mut sum = Sum::default();
        for (id, row) in rows {
            // An ended agent's counts are its parent's; a session's root hands on to nobody.
            if let Some(gauge) = row.gauge.as_ref().filter(|_| row.is_live() || id.parent().is_none()) {
                sum.add_counts(gauge);
            }
            if let Some(life) = &row.life {
                sum.add_present(life.state(), row.is_place, row.gauge.as_deref());
            }
        }
        sum.metrics(&self.names)
    }
}

impl Places for Metered {
    type At = AgentId;

    fn with<R>(&mut self, at: &AgentId, then: impl FnOnce(&mut Option<Box<Gauge>>, bool) -> R) -> R {
        match self.rows.get_mut(at) {
            Some(row) => {
                let is_live = row.is_live();
                then(&mut row.gauge, !is_live)
            }
            // Long gone: what comes for it goes up.
            None => then(&mut None, true),
        }
    }

    fn above(&self, at: &AgentId) -> Option<AgentId> {
        at.parent()
    }

    fn place(&mut self, named: Named<'_>) -> NameId {
        self.names.place(named)
    }
}

impl Fold for Metered {
    fn apply(&mut self, event: &Event) {
        let row = self.rows.entry(event.agent.clone()).or_default();
        if let What::AgentSpawned { role, agent_type, .. } = &event.what {
            row.is_place = *role == Role::Root || agent_type == SCOPE;
            row.life.get_or_insert_default();
        }
        if let Some(life) = &mut row.life {
            // An event that cannot follow is `States`' to report.
            let _ = life.apply(&event.what);
        }
        let is_place = row.is_place;
        measure(self, &event.agent, is_place, event);
        if self.rows.get(&event.agent).is_some_and(Row::is_done) && event.agent.parent().is_some() {
            self.rows.remove(&event.agent);
        }
    }

    /// It lets go by itself.
    fn forget(&mut self, _: &AgentId) {}
}
