//! Waits of a turn that are no silence, and those of them that show in its agent's state.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::turn::Turn;
use crate::words::event::{Wait, What};

impl Turn {
    /// A wait that is no silence, until the guard is dropped.
    pub(crate) fn excuse(self: &Arc<Self>) -> Excused {
        self.waits.fetch_add(1, Ordering::AcqRel);
        Excused(Arc::clone(self))
    }

    /// A wait that shows in the state, until the guard is dropped.
    pub(crate) fn wait(self: &Arc<Self>, on: Wait) -> ShownWait {
        let wait = self.seat.engine.number();
        let counts = self.note_open(|| What::WaitBegan { wait, on });
        ShownWait { wait, counts, excused: self.excuse() }
    }
}

pub(crate) struct Excused(Arc<Turn>);

impl Drop for Excused {
    fn drop(&mut self) {
        self.0.show_progress();
        self.0.waits.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(crate) struct ShownWait {
    wait: u64,
    counts: bool,
    excused: Excused,
}

impl Drop for ShownWait {
    fn drop(&mut self) {
        if self.counts {
            let wait = self.wait;
            self.excused.0.note_open(|| What::WaitEnded { wait });
        }
    }
}
