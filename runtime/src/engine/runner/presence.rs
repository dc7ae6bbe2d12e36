//! What says that a runner, or a hook, is there.

use std::sync::Arc;

use super::super::census::{Counted, Living};
use super::super::seat::Seat;

/// Counts the runner in, and gives its presence up when it is gone.
pub(in crate::engine) struct PresenceGuard {
    pub(super) seat: Arc<Seat>,
    pub(super) generation: u64,
    counted: Option<Counted>,
}

impl PresenceGuard {
    pub(in crate::engine) fn new(seat: &Arc<Seat>, generation: u64) -> Self {
        let counted = Some(Counted::new(&seat.engine, &seat.id, Living::Runner));
        Self { seat: Arc::clone(seat), generation, counted }
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.counted = None;
        self.seat.gone(self.generation);
    }
}
