//! The task that a turn works on, as the turn knows it.

use std::iter::successors;
use std::sync::Arc;
#[cfg(feature = "lab")]
use std::time::Duration;

use super::Turn;
#[cfg(feature = "lab")]
use crate::engine::seat::Seat;
use crate::engine::turn::asked::Asked;
use crate::engine::turn::told::Piece;
use crate::words::state::StopReason;
use crate::words::usage::Usage;

/// Hears what the agent says while it works: the asker.
pub(crate) trait Listener: Send + Sync {
    fn say(&self, text: &str);

    fn tell(&self, piece: Piece);

    /// Whether the task has its outcome.
    fn is_over(&self) -> bool;

    /// It has cost so much more.
    fn spend(&self, used: &Usage);

    /// What the task's turns have asked.
    fn asked(&self) -> &Arc<Asked>;

    /// By how much it is open past its deadline.
    #[cfg(feature = "lab")]
    fn late_by(&self, seat: &Seat) -> Option<Duration>;

    /// The turn could not be stopped: nothing that it says counts any more. With a reason if its agent has ended.
    fn lose(&self, turn: &Turn, ended: Option<StopReason>);
}

impl Turn {
    /// Adds to what its task has cost, and to every task above for which its agent was begun.
    pub(crate) fn spend(&self, used: &Usage) {
        if used.is_zero() {
            return;
        }
        if let Some(task) = self.listener() {
            task.spend(used);
        }
        let seats = successors(Some(&self.seat), |seat| seat.parent.as_ref());
        for task in seats.filter_map(|seat| seat.of_task.as_deref()?.upgrade()) {
            task.spend(used);
        }
    }
}
