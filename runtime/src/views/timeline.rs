//! Which agent was in which state when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fold, forget_within};
use crate::decide::lifecycle::Lifecycle;
use crate::words::event::{Event, What};
use crate::words::id::{AgentId, Incarnation, Seq};
use crate::words::state::AgentState;
use crate::words::time::Time;

/// The states of every agent one after another. What happens to an agent that was never spawned is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    rows: BTreeMap<AgentId, TimelineRow>,
}

/// An event's place and moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// Its place in the journal.
    pub seq: Seq,
    /// Its moment.
    pub at: Time,
}

/// A time in which an agent was in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The state.
    pub state: AgentState,
    /// The agent's life when it began.
    pub incarnation: Incarnation,
    /// The event that brought it about.
    pub began: Mark,
    /// The event that ended it; none if it lasts.
    pub ended: Option<Mark>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct TimelineRow {
    life: Lifecycle,
    spans: Vec<Span>,
}

impl Timeline {
    /// An agent's states in their order, without gaps; empty if it is not known.
    #[must_use]
    pub fn spans(&self, agent: &AgentId) -> &[Span] {
        self.rows.get(agent).map_or(&[], |row| &row.spans)
    }

    /// All agents with their states, in the order of ids as text.
    pub fn iter(&self) -> impl Iterator<Item = (&AgentId, &[Span])> {
        self.rows.iter().map(|(agent, row)| (agent, &*row.spans))
    }

    /// The state of each agent right after the event at `seq`, as far as the events known here go.
    #[must_use]
    pub fn at(&self, seq: Seq) -> BTreeMap<&AgentId, &AgentState> {
        self.iter().filter_map(|(agent, spans)| Some((agent, span_at(spans, seq)?))).collect()
    }
}

fn span_at(spans: &[Span], seq: Seq) -> Option<&AgentState> {
    let begun = spans.partition_point(|span| span.began.seq <= seq);
    Some(&spans[begun.checked_sub(1)?].state)
}

impl Mark {
    /// The mark of an event.
    #[must_use]
    pub const fn of(event: &Event) -> Self {
        Self { seq: event.seq, at: event.at }
    }
}

impl Fold for Timeline {
    fn apply(&mut self, event: &Event) {
        if matches!(event.what, What::AgentSpawned { .. }) {
            self.rows.entry(event.agent.clone()).or_default();
        }
        let Some(row) = self.rows.get_mut(&event.agent) else { return };
        // An event that cannot follow is `States`' to report.
        let _ = row.life.apply(&event.what);
        let now = Mark::of(event);
        let last = row.spans.last_mut();
        if last.as_ref().is_some_and(|last| last.state == *row.life.state()) {
            return;
        }
        if let Some(last) = last {
            last.ended = Some(now);
        }
        let state = row.life.state().clone();
        row.spans.push(Span { state, incarnation: event.incarnation, began: now, ended: None });
    }

    fn forget(&mut self, agent: &AgentId) {
        forget_within(&mut self.rows, agent);
    }
}
