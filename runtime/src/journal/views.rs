//! The folds that a journal keeps: at its cut, and of now where somebody has asked for that.

use std::sync::Arc;

use parking_lot::Mutex;

use super::log::Log;
use crate::event::Event;
use crate::fold::{Fold, Snapshot};

/// Read this many at a time, so that who looks does not hold an append up.
const BATCH: usize = 1_024;

/// # Invariants
/// 1. `cut` has taken in what was cut and nothing else.
/// 2. `now`, where it is, is ahead of `cut` and equals it with the events up to its seq taken in.
#[derive(Default)]
pub(super) struct Views {
    /// Shared with those that lagged: one who still reads it has a copy made.
    cut: Arc<Snapshot>,
    /// Boxed, since most swarms are never asked.
    now: Option<Box<Snapshot>>,
}

impl Views {
    /// Takes in what was cut from the log.
    pub(super) fn cut(&mut self, events: &[Arc<Event>]) {
        let cut = Arc::make_mut(&mut self.cut);
        for event in events {
            cut.cut(event);
        }
        // Nobody has asked for so long that nothing is gained by going on from there.
        let is_behind = self.now.as_ref().is_some_and(|now| now.seq < cut.seq);
        if is_behind {
            self.now = None;
        }
        if let Some(now) = &mut self.now {
            for event in events {
                now.let_go(event);
            }
        }
    }

    pub(super) fn at_cut(&self) -> Arc<Snapshot> {
        Arc::clone(&self.cut)
    }

    /// The views after all that has happened.
    pub(super) fn now(&mut self, log: &Mutex<Log>) -> &Snapshot {
        let now = self.now.get_or_insert_with(|| Box::new((*self.cut).clone()));
        // What is cut meanwhile would be cut under the lock that is held here.
        loop {
            let events = log.lock().read(now.seq + 1, BATCH).unwrap_or_default();
            if events.is_empty() {
                return now;
            }
            for event in &events {
                now.apply(event);
            }
        }
    }
}
