//! What says that a runner, or a hook, is there, and what is done when it goes without a last word.

use std::sync::Arc;

use crate::decide::stopping::{HookEnd, TurnEnd};
use crate::engine::seat::Seat;
use crate::engine::stop::ground::ground_lost;
use crate::env::census::{Counted, Living};
use crate::words::policy::{Exit, FailureClass};

/// Counts the runner in, and gives its presence up when it is gone. A runner that goes without a last word has lost its
/// behaviour, its turn and its hook: by a bug of ours or with the runtime that it ran on.
pub(crate) struct PresenceGuard {
    pub(crate) seat: Arc<Seat>,
    pub(crate) generation: u64,
    counted: Option<Counted>,
    goes: Goes,
}

/// How a runner goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// Without a last word, so far.
    Silently,
    /// Whoever lets it go says how it ended.
    WithLastWord,
    /// Its behaviour lies in the seat, and the place knows it.
    ToRest,
}

impl PresenceGuard {
    pub(crate) fn new(seat: &Arc<Seat>, generation: u64) -> Self {
        let counted = Some(Counted::new(&seat.engine.census, &seat.id, Living::Runner));
        Self { seat: Arc::clone(seat), generation, counted, goes: Goes::Silently }
    }

    pub(crate) fn rest(mut self) {
        self.goes = Goes::ToRest;
    }

    pub(crate) fn leave(mut self) {
        self.goes = Goes::WithLastWord;
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.counted = None;
        match self.goes {
            Goes::Silently => self.seat.is_deserted_by(self.generation),
            Goes::WithLastWord => self.seat.is_left_by(self.generation),
            Goes::ToRest => {}
        }
    }
}

impl Seat {
    /// A runner is gone without a last word.
    fn is_deserted_by(self: &Arc<Self>, generation: u64) {
        if self.line.lock().is_superseded(generation) {
            // It was given up before, with its turn.
            self.is_left_by(generation);
            return;
        }
        let is_ground_gone = self.engine.env.ground_is_gone();
        let turn = self.gate.lock().turn.take();
        if let Some(turn) = turn {
            turn.lose(is_ground_gone.then(ground_lost));
        }
        self.release_holdings_aside();
        // One critical section with the fence: it finds a runner that will say how it ended, or none.
        let is_fenced = {
            let mut line = self.line.lock();
            line.place.is_left_by(generation);
            line.place.is_fenced()
        };
        self.rest_if_quiet();
        self.check_vacant();
        if is_fenced {
            self.engine.turn_ended(self, TurnEnd::Dropped);
            self.engine.hook_ended(self, HookEnd::Dropped);
        } else if !is_ground_gone {
            let exit = Exit::failed(FailureClass::Bug, "its runner ended without a last word");
            self.exited(exit, true, false);
        }
    }
}
