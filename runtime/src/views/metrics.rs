//! How a swarm is doing in numbers: a typed snapshot, and the fold that it is taken from.
//!
//! Every agent has a sparse table of its own counts; when it ends for good that is added to its parent's, so what is kept is
//! bounded by what lives. The sum over a living subtree is what that subtree did since its top was spawned.
//!
//! # Invariants
//! 1. Of every count, the sum over all that lives is the number of its events: an agent's end hands on what it counted, and
//!    what comes late is counted at the first ancestor that lives.
//! 2. No id and no name of an agent is in a snapshot. Kinds of effects and links are, of each the first 32 that were met;
//!    the rest is `other`.

mod gauge;
mod names;
mod reading;
mod tally;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::gauge::Gauge;
use self::names::{Label, Names};
pub use self::reading::{EffectMetrics, Histogram, Metrics};
use self::tally::{Series, Tally};
use super::Fold;
use super::rows::Rows;
use crate::decide::lifecycle::Lifecycle;
use crate::words::event::{Event, Role, What};
use crate::words::id::AgentId;
use crate::words::state::AgentState;

/// The type under which a scope's seat is spawned.
const SCOPE: &str = "scope";

/// What several agents come to.
#[derive(Default)]
struct Sum {
    tally: Tally,
    states: BTreeMap<&'static str, u64>,
    queued: u64,
    longest: u64,
}

impl Sum {
    /// Adds the counts of an agent, and of what has ended below it.
    fn add_counts(&mut self, gauge: &Gauge) {
        self.tally.add_all(&gauge.tally);
    }

    /// Adds what an agent is and has right now.
    fn add_present(&mut self, state: &AgentState, is_place: bool, gauge: Option<&Gauge>) {
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
    fn metrics(&self, names: &Names) -> Metrics {
        let mut metrics = Metrics::of(&self.tally, names);
        metrics.agents = self.states.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect();
        (metrics.queued, metrics.longest_queue) = (self.queued, self.longest);
        metrics
    }
}

/// The metrics of a session, and of any agent's subtree, from its events alone.
///
/// It holds a row for each living agent, and for one that has ended only until what is open in it has ended too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    rows: Rows<MetricRow>,
    names: Names,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct MetricRow {
    /// None if what happened is of an agent that is gone, or was never spawned.
    life: Option<Lifecycle>,
    is_place: bool,
    gauge: Option<Box<Gauge>>,
}

impl MetricRow {
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
        // An ended agent's counts are its parent's; a session's root hands on to nobody.
        self.sum(|id, row| row.is_live() || id.parent().is_none())
    }

    /// The metrics of an agent's subtree since the agent was spawned; those of nothing if it has ended. Walks all agents.
    #[must_use]
    pub fn metrics_of(&self, agent: &AgentId) -> Metrics {
        self.sum(|id, row| id.is_within(agent) && (row.is_live() || id.parent().is_none()))
    }

    fn sum(&self, has_part: impl Fn(&AgentId, &MetricRow) -> bool) -> Metrics {
        let mut sum = Sum::default();
        for (_, row) in self.rows.iter().filter(|(id, row)| has_part(id, row)) {
            if let Some(gauge) = &row.gauge {
                sum.add_counts(gauge);
            }
            if let Some(life) = &row.life {
                sum.add_present(life.state(), row.is_place, row.gauge.as_deref());
            }
        }
        sum.metrics(&self.names)
    }

    /// Counts an event that an agent has come or gone, at its parent.
    fn count_above(&mut self, series: Series, event: &Event) {
        let parent = event.agent.parent();
        let Some(row) = self.rows.get_mut(&event.agent) else { return };
        let is_live = row.is_live();
        let handed_on = match &mut row.gauge {
            Some(gauge) if !is_live => gauge.tally.clone(),
            // A session's root hands on to nobody.
            Some(gauge) if parent.is_some() => {
                // Spawned again: what it counted before is its parent's. What is open in it stays to be timed.
                gauge.tally = Tally::default();
                Tally::default()
            }
            _ => Tally::default(),
        };
        let is_agent = !row.is_place;
        self.climb(parent, |tally| {
            if is_agent {
                tally.add(series, 1);
            }
            tally.add_all(&handed_on);
        });
    }

    /// Adds to an agent's counts; where it has ended, to its parent's too, up to the first that lives.
    fn climb(&mut self, from: Option<AgentId>, add: impl Fn(&mut Tally)) {
        let mut next = from;
        while let Some(at) = next.take() {
            let row = self.rows.get_mut(&at);
            let is_live = row.as_ref().is_some_and(|row| row.is_live());
            if let Some(row) = row {
                add(&mut row.gauge.get_or_insert_default().tally);
            }
            if !is_live {
                next = at.parent();
            }
        }
    }
}

impl Fold for Metered {
    fn apply(&mut self, event: &Event) {
        let row = self.rows.get_or_default(&event.agent);
        if let What::AgentSpawned { role, agent_type, .. } = &event.what {
            row.is_place = *role == Role::Root || agent_type == SCOPE;
            row.life.get_or_insert_default();
        }
        if let Some(life) = &mut row.life {
            // An event that cannot follow is `States`' to report.
            let _ = life.apply(&event.what);
        }
        let is_live = row.is_live();
        let late = gauge::counts(event).then(|| {
            let name = Label::of(&event.what).map_or(0, |named| self.names.place(named));
            row.gauge.get_or_insert_default().take(event, name, !is_live)
        });
        let is_done = row.is_done();
        if let Some(late) = late.flatten() {
            self.climb(event.agent.parent(), |tally| tally.add_all(&late));
        }
        if let Some(series) = gauge::counts_above(&event.what) {
            self.count_above(series, event);
        }
        if is_done && event.agent.parent().is_some() {
            self.rows.remove(&event.agent);
        }
    }

    /// It lets go by itself.
    fn forget(&mut self, _: &AgentId) {}
}
