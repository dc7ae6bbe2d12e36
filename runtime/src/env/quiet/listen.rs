//! What is heard of panics on a thread while somebody there listens.

use std::any::Any;
use std::cell::{Cell, RefCell};

use crate::words::error::Panic;

/// So many of the panics that the code had caught itself are remembered beside its last one.
const KEPT: usize = 8;

/// What the hook has seen of a panic.
pub(super) struct HeardPanic {
    pub(super) message: String,
    pub(super) place: String,
    pub(super) backtrace: Option<String>,
}

struct PanicListener {
    depth: u32,
    /// Whether whoever listens wants backtraces; none leaves it to the environment.
    wish: Option<bool>,
    /// With the depth of whoever listened.
    heard: Vec<(u32, HeardPanic)>,
}

thread_local! {
    static LISTENER: RefCell<PanicListener> = const { RefCell::new(PanicListener { depth: 0, wish: None, heard: Vec::new() }) };
}

/// While this lives, the panics of this thread are for whoever has it.
pub(super) struct Listening {
    /// What whoever listens further out wants.
    outer: Option<bool>,
}

/// Listens on this thread, with a wish for backtraces or without; one left to the environment takes the outer one's.
pub(super) fn listen(wish: Option<bool>) -> Listening {
    let outer = with(|listener| {
        listener.depth += 1;
        let outer = listener.wish;
        listener.wish = wish.or(outer);
        outer
    });
    Listening { outer: outer.flatten() }
}

impl Listening {
    /// What was heard of the panic that has this payload: the last one that said the same.
    pub(super) fn heard(&self, payload: &(dyn Any + Send)) -> Option<HeardPanic> {
        let message = Panic::message_of(payload);
        with(|listener| {
            let own = listener.depth;
            let first =
                listener.heard.iter().position(|(depth, _)| *depth == own).unwrap_or(listener.heard.len());
            listener.heard.split_off(first)
        })?
        .into_iter()
        .rev()
        .map(|(_, heard)| heard)
        .find(|heard| heard.message == message)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        with(|listener| {
            listener.depth = listener.depth.saturating_sub(1);
            listener.wish = self.outer;
            // Mostly nothing was heard.
            while listener.heard.last().is_some_and(|(depth, _)| *depth > listener.depth) {
                listener.heard.pop();
            }
        });
    }
}

thread_local! {
    static IS_SIMULATED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a simulation runs on this thread: its panics are planned, by the thousand, and the same in each run of a seed.
pub(crate) fn simulates(is_so: bool) {
    IS_SIMULATED.set(is_so);
}

pub(super) fn is_simulated() -> bool {
    IS_SIMULATED.try_with(Cell::get).unwrap_or(false)
}

/// Whether anybody listens on this thread, and then what is wished for.
pub(super) fn listener() -> Option<Option<bool>> {
    with(|listener| (listener.depth > 0).then_some(listener.wish)).flatten()
}

/// Tells whoever listens on this thread.
pub(super) fn hear(heard: HeardPanic) {
    with(|listener| {
        let own = listener.depth;
        let first =
            listener.heard.iter().position(|(depth, _)| *depth == own).unwrap_or(listener.heard.len());
        if listener.heard.len() - first == KEPT {
            listener.heard.remove(first);
        }
        listener.heard.push((own, heard));
    });
}

/// Nothing where the thread is ending: a panic may come at any moment.
fn with<R>(look: impl FnOnce(&mut PanicListener) -> R) -> Option<R> {
    LISTENER
        .try_with(|listener| listener.try_borrow_mut().ok().map(|mut listener| look(&mut listener)))
        .ok()
        .flatten()
}
