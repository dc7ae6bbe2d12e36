//! A world whose time stands still while things go on happening: nothing else would end it.
//!
//! Whoever counts what happens runs inside the world, somewhere below the test; the world itself waits outside. They meet at
//! the thread, on which there is one world at a time.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// So many events at one moment of the virtual clock, and a test is taken to go round without end: ten thousand agents that are
/// spawned at once, do a task and are stopped are half of it.
pub(crate) const MOST: u64 = 200_000;

thread_local! {
    static WORLD: RefCell<Weak<Standstill>> = const { RefCell::new(Weak::new()) };
}

/// Where a world hears that its time no longer goes on.
#[derive(Debug, Default)]
pub(crate) struct Standstill {
    why: Mutex<Option<String>>,
    raised: Notify,
}

impl Standstill {
    /// For the world that begins on this thread.
    pub(super) fn of_a_new_world() -> Arc<Self> {
        let here = Arc::default();
        WORLD.with_borrow_mut(|world| *world = Arc::downgrade(&here));
        here
    }

    /// That of the world on this thread; none in a runtime of the test's own.
    pub(crate) fn here() -> Option<Arc<Self>> {
        WORLD.with_borrow(Weak::upgrade)
    }

    /// Ends the world. The first says why.
    pub(crate) fn raise(&self, why: String) {
        self.why.lock().get_or_insert(why);
        self.raised.notify_one();
    }

    /// Why the world has to end.
    pub(super) async fn raised(&self) -> String {
        loop {
            if let Some(why) = self.why.lock().clone() {
                return why;
            }
            self.raised.notified().await;
        }
    }
}
