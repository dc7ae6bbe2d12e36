//! Giving a runner up that cannot be stopped: in one way, whoever gives it up.
//!
//! What it still runs is refused everything from here on, another may have its place, and later stops name it until it is gone.

use std::sync::Arc;

use crate::decide::place::GivenUp;
use crate::engine::seat::{Gate, Seat};
use crate::engine::turn::Turn;
use crate::words::event::What;
use crate::words::state::StopReason;

impl Seat {
    /// Gives up whoever has the behaviour. With a reason if the agent has ended.
    pub(crate) fn give_up_runner(self: &Arc<Self>, ended: Option<StopReason>) {
        self.give_up_runner_if(|_| true, ended);
    }

    /// The same, if that still holds under the gate. Says whether it did.
    pub(crate) fn give_up_runner_if(
        self: &Arc<Self>,
        still: impl FnOnce(&Gate) -> bool,
        ended: Option<StopReason>,
    ) -> bool {
        let (turn, given_up, waker) = {
            let mut gate = self.gate.lock();
            if !still(&gate) {
                return false;
            }
            let turn = gate.turn.take().or_else(|| gate.winding.upgrade());
            let mut line = self.line.lock();
            (line.orders.exit, line.orders.drop_turn) = (None, None);
            // Nobody rings for it any more: when its thread comes back it looks once, and goes.
            (turn, line.place.gives_up(), line.take_waker())
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(turn) = turn {
            turn.lose(ended);
        }
        match given_up {
            GivenUp::Runner => self.note_given_up(),
            GivenUp::Dormant => self.drop_dormant(),
            GivenUp::Nobody => {}
        }
        true
    }

    /// Says that something of it could not be stopped, and keeps it to be named by later stops: a restart must not hide it.
    fn note_given_up(self: &Arc<Self>) {
        self.release_holdings_aside();
        let report = "it could not be stopped: its code may still run, but is refused everything".to_owned();
        self.note(What::Reported { report, child: None });
        self.engine.leaving.lock().insert(self.key, Arc::clone(self));
        self.check_vacant();
    }
}

impl Turn {
    /// Nobody works on it any more, and it did not say how it ended: its task does.
    pub(crate) fn lose(self: &Arc<Self>, ended: Option<StopReason>) {
        self.leave();
        if let Some(asker) = self.listener() {
            asker.lose(self, ended);
            self.note_end();
        }
    }
}
