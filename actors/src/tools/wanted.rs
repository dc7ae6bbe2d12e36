//! Work on a thread that ends when nobody waits for it any more. A thread cannot be stopped, but it can look.

use std::sync::{Arc, Weak};

/// Whoever waits for some work; dropped with their future.
#[derive(Debug, Default)]
pub(super) struct Waiter(Arc<()>);

/// Whether somebody still waits.
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
