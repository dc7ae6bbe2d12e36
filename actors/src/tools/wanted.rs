//! Work on a thread that ends when nobody waits for it any more. A thread cannot be stopped, but it can check.

use std::sync::{Arc, Weak};

/// Held by whoever waits for some work; dropped with their future.
#[derive(Debug, Default)]
pub(super) struct Waiter(Arc<()>);

/// Tells whether anybody still waits.
#[derive(Clone, Debug)]
pub(super) struct Wanted(Weak<()>);

impl Waiter {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted(Arc::downgrade(&self.0))
    }
}

impl Wanted {
    pub(super) fn still(&self) -> bool {
        self.0.strong_count() > 0
    }
}
