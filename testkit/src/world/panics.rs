//! Where a test's panics were. They are said once, in the report of the run, and not at every run of a shrinking.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{set_hook, take_hook};
use std::sync::{Arc, Once};

use skep_runtime::fault::is_caught;

/// The place of a panic, and its backtrace if the environment asks for such.
type Panic = (Option<String>, Option<Arc<Backtrace>>);

thread_local! {
    /// The last panic in the world that this thread is in.
    static HEARD: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// While it lives, panics of this thread are heard and not printed.
pub(super) struct Heard(());

/// Begins to hear.
pub(super) fn hear() -> Heard {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let note = |heard: &RefCell<Option<Panic>>| match &mut *heard.borrow_mut() {
                Some(last) => {
                    let trace = Backtrace::capture();
                    let has_trace = trace.status() == BacktraceStatus::Captured;
                    *last = (info.location().map(ToString::to_string), has_trace.then(|| Arc::new(trace)));
                    true
                }
                None => false,
            };
            // A swarm hears of what it catches, also where its hook came before this one. A thread that ends has no such cell any
            // more; nor is it in a world.
            if is_caught() || !HEARD.try_with(note).unwrap_or_default() {
                before(info);
            }
        }));
    });
    HEARD.with(|heard| *heard.borrow_mut() = Some(Panic::default()));
    Heard(())
}

impl Heard {
    /// The last panic.
    pub(super) fn last(&self) -> Panic {
        HEARD.with(|heard| heard.borrow().clone().unwrap_or_default())
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        HEARD.with(|heard| *heard.borrow_mut() = None);
    }
}
