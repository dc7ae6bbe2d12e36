//! The task that a turn works on, as the turn knows it.

use std::sync::Arc;
#[cfg(feature = "lab")]
use std::time::Duration;

use super::Turn;
use crate::asked::Asked;
#[cfg(feature = "lab")]
use crate::engine::seat::Seat;
use crate::lifecycle::StopReason;
use crate::task::Piece;

/// Hears what the agent says while it works: the asker.
pub(crate) trait Listener: Send + Sync {
    fn say(&self, text: &str);

    fn tell(&self, piece: Piece);

    /// Whether the task has its outcome.
    fn is_over(&self) -> bool;

    /// What the task's turns have asked.
    fn asked(&self) -> &Arc<Asked>;

    /// By how much it is open past its deadline.
    #[cfg(feature = "lab")]
    fn late_by(&self, seat: &Seat) -> Option<Duration>;

    /// The turn could not be stopped: nothing that it says counts any more. With a reason if its agent has ended.
    fn lose(&self, turn: &Turn, ended: Option<StopReason>);
}
