//! What a provider sees of the streams it serves.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// How many answers a model has started, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// All that were ever started.
    pub begun: u64,
    /// Those in progress.
    pub open: u64,
    /// Those that reached their last chunk, or the error that ended them.
    pub ended: u64,
    /// Those whose reader hung up before that.
    pub hung_up: u64,
}

/// Counts a model's answers; clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Arc<Mutex<Traffic>>);

impl Counter {
    pub(super) fn traffic(&self) -> Traffic {
        *self.0.lock()
    }

    pub(super) fn begin(&self) -> Visit {
        let mut traffic = self.0.lock();
        traffic.begun += 1;
        traffic.open += 1;
        Visit { counter: self.clone(), has_ended: false }
    }
}

/// One answer in progress.
pub(super) struct Visit {
    counter: Counter,
    has_ended: bool,
}

impl Visit {
    /// The last part of the answer was given.
    pub(super) fn end(&mut self) {
        if !std::mem::replace(&mut self.has_ended, true) {
            let mut traffic = self.counter.0.lock();
            traffic.open -= 1;
            traffic.ended += 1;
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if !self.has_ended {
            let mut traffic = self.counter.0.lock();
            traffic.open -= 1;
            traffic.hung_up += 1;
        }
    }
}
