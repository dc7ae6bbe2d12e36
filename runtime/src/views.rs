//! What can be seen of a swarm, each view computed from events alone.
//!
//! A fold takes events in, one by one in the order of their seq, and is a value: it can be cloned, compared and written
//! down. So the live view, one that is folded from a journal, and one of any point of the past are the same code.
//!
//! ```text
//!  events ──┬─▶ Tree       who is where, in which state, doing what
//!           ├─▶ States     each agent's lifecycle; what could not follow
//!           ├─▶ Costs      what each cost, and its subtree
//!           ├─▶ Timeline   which state when
//!           ├─▶ Tasks      each task's attempts and its one outcome
//!           ├─▶ Windows    what counts in the windows of budgets
//!           └─▶ Metered    how all of it is doing in numbers, without a name
//! ```
//!
//! A fold that runs for weeks lets go of agents that have ended for good ([`Fold::forget`]): what they cost stays in their
//! parent's row, as does their number. A [`Snapshot`] does that at a journal's cut.
//!
//! # Invariants
//! 1. A snapshot of a fold that takes in the rest of the events equals the fold of them all; one that has let go of ended
//!    agents equals it in all that lives, in every sum, and in their number.
//! 2. No event is an error. What is not known yet makes a row or is left out, as each fold says; what should never happen
//!    is kept in the fold, to be seen.
//! 3. An event costs a look-up in a map, and for costs one for each ancestor. Nothing walks all agents.

pub(crate) mod bill;
mod costs;
pub(crate) mod draw;
mod metrics;
mod rows;
mod snapshot;
mod states;
mod tasks;
#[cfg(test)]
mod tests;
mod timeline;
mod tree;
mod windows;

pub use costs::Costs;
pub use metrics::{EffectMetrics, Histogram, Metered, Metrics};
pub use snapshot::Snapshot;
pub use states::{Misstep, States};
pub use tasks::{TaskFault, TaskRow, TaskState, Tasks};
pub use timeline::{Mark, Span, Timeline};
pub use tree::{Tree, TreeRow};
pub use windows::Windows;

use std::collections::BTreeMap;

use crate::words::event::Event;
use crate::words::id::AgentId;

/// A view that is computed from events.
pub trait Fold {
    /// Takes the next event in.
    fn apply(&mut self, event: &Event);

    /// Lets go of an agent that has ended for good, and of everything below it, once the view was asked for the last time:
    /// see [`What::frees`](crate::What::frees). What it settles later is booked at its parent. A session's root stays.
    fn forget(&mut self, agent: &AgentId);

    /// The view after all of `events`, in their order.
    fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self
    where
        Self: Sized + Default,
    {
        let mut fold = Self::default();
        for event in events {
            fold.apply(event);
        }
        fold
    }
}

/// Takes an agent and all below it out of a map: as text they stand one after another.
fn forget_within<V>(rows: &mut BTreeMap<AgentId, V>, agent: &AgentId) {
    if agent.parent().is_none() {
        return;
    }
    rows.remove(agent);
    let below = |rows: &BTreeMap<AgentId, V>| {
        let next = rows.range(agent..).next()?.0;
        next.is_within(agent).then(|| next.clone())
    };
    while let Some(next) = below(rows) {
        rows.remove(&next);
    }
}
