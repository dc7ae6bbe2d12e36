//! The metrics of a running swarm: counted in `append` where the seats are, added up where they are read.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Engine;
use super::seat::Seat;
use crate::event::Event;
use crate::fold::Metrics;
use crate::fold::metrics::{Gauge, NameId, Named, Names, Places, Sum, measure};

/// The seats as the places of their gauges. Each is locked alone, one after the other.
struct Seats<'a>(&'a Mutex<Names>);

impl<'a> Places for Seats<'a> {
    type At = &'a Seat;

    fn with<R>(&mut self, at: &&'a Seat, then: impl FnOnce(&mut Option<Box<Gauge>>, bool) -> R) -> R {
        let mut live = at.live.lock();
        let has_ended = !live.lifecycle.state().is_live();
        then(&mut live.gauge, has_ended)
    }

    fn above(&self, at: &&'a Seat) -> Option<&'a Seat> {
        at.parent.as_deref()
    }

    fn place(&mut self, named: Named<'_>) -> NameId {
        self.0.lock().place(named)
    }
}

impl Seat {
    /// Counts an event of this seat; called by the journal within its critical section, after the state has changed.
    pub(crate) fn measure(&self, event: &Event) {
        measure(&mut Seats(&self.engine.metric_names), &self, !self.body.has_behaviour(), event);
    }
}

impl Engine {
    /// The metrics of a subtree, right now. Each number is one that was true; events may come between two of them.
    pub(crate) fn metrics(&self, top: &Arc<Seat>) -> Metrics {
        let mut sum = Sum::default();
        for seat in top.subtree() {
            let live = seat.live.lock();
            let state = live.lifecycle.state();
            // An ended agent's counts are its parent's.
            if let Some(gauge) = live.gauge.as_ref().filter(|_| state.is_live() || Arc::ptr_eq(&seat, top)) {
                sum.add_counts(gauge);
            }
            sum.add_present(state, !seat.body.has_behaviour(), live.gauge.as_deref());
        }
        sum.metrics(&self.metric_names.lock())
    }
}
