//! The turn that is being polled on this thread.

use std::cell::RefCell;
use std::sync::Arc;

use super::Turn;
use crate::engine::seat::rights::Rights;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Turn>>> = const { RefCell::new(None) };
}

/// Runs `poll` as a part of a turn: what it asks, asks in that turn's name.
pub(crate) fn within<R>(turn: &Arc<Turn>, poll: impl FnOnce() -> R) -> R {
    let _within = Within::enter(turn);
    poll()
}

/// Dropped, it leaves the turn's span and then the turn.
struct Within<'t> {
    _entered: tracing::span::Entered<'t>,
    _restore: TurnBefore,
}

/// What was the current turn before.
struct TurnBefore(Option<Arc<Turn>>);

impl Drop for TurnBefore {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| *current = self.0.take());
    }
}

impl<'t> Within<'t> {
    fn enter(turn: &'t Arc<Turn>) -> Self {
        let before = CURRENT.with_borrow_mut(|current| current.replace(Arc::clone(turn)));
        let restore = TurnBefore(before);
        Self { _entered: turn.span.enter(), _restore: restore }
    }
}

/// The turn that is being polled on this thread.
pub(crate) fn current() -> Option<Arc<Turn>> {
    CURRENT.with_borrow(Clone::clone)
}

/// What a turn may do; everything, where there is none.
pub(crate) fn rights(turn: Option<&Turn>) -> Rights {
    turn.map_or(Rights::ALL, |turn| turn.rights.clone())
}

/// Whether the swarm whose turn is being polled on this thread wants backtraces; none leaves it to the environment.
pub(crate) fn wants_backtraces() -> Option<bool> {
    let wish = |turn: &Option<Arc<Turn>>| turn.as_ref().and_then(|turn| turn.seat.engine.backtraces);
    CURRENT.try_with(|current| current.try_borrow().ok().and_then(|turn| wish(&turn))).ok().flatten()
}
