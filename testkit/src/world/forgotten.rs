//! What a test in a world has left out. It is told at the world's end, where it is known whether the test has failed in itself:
//! that comes first.

use std::cell::RefCell;

thread_local! {
    /// Of the world that this thread is in, if it is in one.
    static LEFT_OUT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// While it lives, what is left out on this thread is kept for the world's end.
pub(super) struct Forgotten(());

/// For the world that begins on this thread.
pub(super) fn of_a_new_world() -> Forgotten {
    LEFT_OUT.set(Some(Vec::new()));
    Forgotten(())
}

impl Forgotten {
    /// All of it, if anything was left out.
    pub(super) fn take(&self) -> Option<String> {
        let all = LEFT_OUT.with_borrow_mut(|all| all.as_mut().map(std::mem::take).unwrap_or_default());
        (!all.is_empty()).then(|| all.join("\n"))
    }
}

impl Drop for Forgotten {
    fn drop(&mut self) {
        LEFT_OUT.set(None);
    }
}

/// Leaves it to the world on this thread; gives it back where there is none.
pub(crate) fn leave(text: String) -> Option<String> {
    LEFT_OUT.with_borrow_mut(|all| match all {
        Some(all) => {
            all.push(text);
            None
        }
        None => Some(text),
    })
}
