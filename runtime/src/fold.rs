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
//!           └─▶ Tasks      each task's attempts and its one outcome
//! ```
//!
//! # Invariants
//! 1. A snapshot of a fold that takes in the rest of the events equals the fold of them all.
//! 2. No event is an error. What is not known yet makes a row or is left out, as each fold says; what should never happen
//!    is kept in the fold, to be seen.
//! 3. An event costs a look-up in an ordered map, and for costs one for each ancestor. Nothing walks all agents.

mod costs;
pub(crate) mod draw;
mod states;
mod tasks;
#[cfg(test)]
mod tests;
mod timeline;
mod tree;

pub use costs::Costs;
pub use states::{Misstep, States};
pub use tasks::{TaskFault, TaskRow, TaskState, Tasks};
pub use timeline::{Mark, Span, Timeline};
pub use tree::{Tree, TreeRow};

use crate::event::Event;

/// A view that is computed from events.
pub trait Fold {
    /// Takes the next event in.
    fn apply(&mut self, event: &Event);

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
