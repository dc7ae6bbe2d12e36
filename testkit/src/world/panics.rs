//! Where a test's panics were. They are said once, in the report of the run, and not at every run of a shrinking.

use std::cell::RefCell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

use crate::vars;

thread_local! {
    /// What was heard in the world that this thread is in.
    static HEARD: RefCell<Option<Panics>> = const { RefCell::new(None) };
}

struct Panics {
    is_loud: bool,
    last: Option<String>,
}

/// While it lives, panics of this thread are heard and not printed.
pub(super) struct Heard(());

/// Begins to hear. Where a backtrace is wanted, a world that `may_speak` prints its panics too.
pub(super) fn hear(may_speak: bool) -> Heard {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let mut is_loud = true;
            let note = |heard: &RefCell<Option<Panics>>| {
                if let Some(panics) = &mut *heard.borrow_mut() {
                    panics.last = info.location().map(ToString::to_string);
                    is_loud = panics.is_loud;
                }
            };
            // A thread that ends has no such cell any more; nor is it in a world.
            HEARD.try_with(note).ok();
            if is_loud {
                before(info);
            }
        }));
    });
    let is_loud = may_speak && vars::wants_backtraces();
    HEARD.with(|heard| *heard.borrow_mut() = Some(Panics { is_loud, last: None }));
    Heard(())
}

impl Heard {
    /// The place of the last panic.
    pub(super) fn last(&self) -> Option<String> {
        HEARD.with(|heard| heard.borrow().as_ref().and_then(|panics| panics.last.clone()))
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        HEARD.with(|heard| *heard.borrow_mut() = None);
    }
}
