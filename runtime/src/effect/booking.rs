//! What an effect has reserved, and its settlement, which happens exactly once, however the effect ends.
//!
//! # Invariants
//! 1. The reservation is an event, and so is its release: they come in pairs, since the drop of the booking settles what
//!    nothing else has settled.
//! 2. What was said is booked; what is not known is booked at its worst case, and marked.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::engine::turn::Turn;
use crate::event::{EffectEnd, What};
use crate::ledger::overrun;
use crate::usage::Usage;

pub(crate) struct Booking {
    turn: Arc<Turn>,
    effect: u64,
    /// The worst case of one try; none if none was stated.
    worst: Option<Usage>,
    reserved: Usage,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of the tries that are over.
    before: Usage,
    /// Whether some of that is a guess.
    is_guess: bool,
    /// Of the try that is on; none while it has said nothing.
    said: Option<Usage>,
    /// Whether what it said is its own guess.
    has_guessed: bool,
    is_trying: bool,
    is_settled: bool,
}

impl State {
    /// Adds the try that is on to those that are over.
    fn close_try(&mut self, worst: Option<Usage>) {
        if !std::mem::take(&mut self.is_trying) {
            return;
        }
        match self.said.take() {
            Some(said) => {
                self.is_guess |= self.has_guessed;
                self.before += said;
            }
            None => {
                let worst = worst.unwrap_or_default();
                self.is_guess |= !worst.is_zero();
                self.before += worst;
            }
        }
    }
}

impl Booking {
    pub(super) fn new(turn: Arc<Turn>, effect: u64, worst: Option<Usage>, reserved: Usage) -> Self {
        Self { turn, effect, worst, reserved, state: Mutex::default() }
    }

    pub(crate) const fn turn(&self) -> &Arc<Turn> {
        &self.turn
    }

    pub(crate) const fn effect(&self) -> u64 {
        self.effect
    }

    /// A try begins; the one before is over.
    pub(super) fn begin_try(&self) {
        let mut state = self.state.lock();
        state.close_try(self.worst);
        state.is_trying = true;
    }

    /// What the try has used so far. After the settlement it is too late to say.
    pub(super) fn say(&self, usage: Usage, is_guess: bool) {
        let mut state = self.state.lock();
        if state.is_trying && !state.is_settled {
            state.said = Some(usage);
            state.has_guessed = is_guess;
        }
    }

    /// A provider bills something on top of what the call says.
    pub(super) fn add(&self, spike: Usage) {
        self.state.lock().before += spike;
    }

    /// Books what was used and frees what was reserved.
    pub(super) fn settle(&self, end: EffectEnd) {
        let (used, estimated) = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_settled, true) {
                return;
            }
            // What a try that was cut short has said is only what is known of it.
            let is_cut = state.is_trying && !matches!(end, EffectEnd::Done | EffectEnd::Failed);
            state.is_guess |= is_cut && state.said.is_some_and(|said| Some(said) != self.worst);
            state.close_try(self.worst);
            (state.before, state.is_guess)
        };
        let late = self.turn.seat.is_stopped();
        let (effect, reserved) = (self.effect, self.reserved);
        self.turn.note(What::EffectEnded { effect, end, used, reserved, estimated, late });
        if let Some(over) = self.worst.and_then(|_| overrun(&used, &self.reserved)) {
            self.turn.note(What::Overrun { effect, over });
        }
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        self.settle(EffectEnd::Cancelled);
    }
}
