//! The control thread keeps what is below us out of a user's traces.
//!
//! The actor library makes a span for each of its actors, which says nothing to anybody, and enters it around all that a cell
//! does. On the control thread nothing reaches the subscriber but what we say aloud. In a simulation there is no such thread:
//! there what a cell says is said apart from any span.

use std::cell::{Cell, RefCell};

use tracing::Dispatch;
use tracing::dispatcher::{DefaultGuard, set_default, with_default};

use crate::env::quiet::caught;

thread_local! {
    /// Set on a control thread, but for the moments in which something is said aloud.
    static HUSHED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    static APART: Cell<bool> = const { Cell::new(false) };
}

/// From here on nothing of this thread reaches a subscriber but what is said aloud.
pub(super) fn hush() {
    HUSHED.set(Some(set_default(&Dispatch::none())));
}

/// Runs what belongs to no span, whichever is entered.
pub(crate) fn apart<R>(run: impl FnOnce() -> R) -> R {
    struct HushBefore(bool);
    impl Drop for HushBefore {
        fn drop(&mut self) {
            APART.set(self.0);
        }
    }
    let _restore = HushBefore(APART.replace(true));
    run()
}

/// Says something, also on a control thread: to the subscriber of whoever started the swarm, if it had one of its own. Gives
/// `say` whether it is said apart from any span. A subscriber is a user's: what it panics with ends here.
pub(crate) fn aloud(to: Option<&Dispatch>, say: impl FnOnce(bool)) {
    drop(caught(|| unhushed(to, say)));
}

fn unhushed(to: Option<&Dispatch>, say: impl FnOnce(bool)) {
    /// The thread is hushed after a panic too.
    struct Hush;
    impl Drop for Hush {
        fn drop(&mut self) {
            hush();
        }
    }
    let Ok(hushed) =
        HUSHED.try_with(|hushed| hushed.try_borrow_mut().ok().and_then(|mut hushed| hushed.take()))
    else {
        return;
    };
    let Some(hushed) = hushed else { return say(APART.get()) };
    let _hush = Hush;
    // Back to what holds for the whole process.
    drop(hushed);
    match to {
        Some(to) => with_default(to, || say(true)),
        None => say(true),
    }
}
