//! What an effect has reserved, try by try, and its settlement, which happens exactly once, however the effect ends.
//!
//! # Invariants
//! 1. The reservation is an event, and so is its release: they come in pairs, since the drop of the booking settles what
//!    nothing else has settled.
//! 2. What was said is booked; what is not known is booked at its worst case, and marked.
//! 3. Between two tries nothing is reserved, and what was used is booked. A stop hook keeps what it has not used: its allowance
//!    was kept back for it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::decide::ledger::overrun;
use crate::engine::turn::Turn;
use crate::env::fault::Phase;
use crate::words::effect::Cost;
use crate::words::event::{EffectEnd, What};
use crate::words::usage::Usage;

pub(crate) struct Booking {
    turn: Arc<Turn>,
    effect: u64,
    cost: Cost,
    state: Mutex<BookingState>,
}

struct BookingState {
    reserved: Usage,
    trial: Trial,
    /// What the tries have used that are over.
    used: Usage,
    /// Whether some of that is a guess.
    is_guess: bool,
    /// The same of the last of them.
    last: (Usage, bool),
    is_settled: bool,
}

/// What is known of the try that is on.
#[derive(Default)]
struct Trial {
    /// What a provider bills on top.
    spike: Usage,
    /// None while the call has said nothing.
    said: Option<Usage>,
    /// Whether what it said is its own guess.
    has_guessed: bool,
    /// The number of the call, once that has begun. What an earlier one says is too late.
    call: Option<u32>,
}

impl Trial {
    /// What it has used, and whether that is a guess. Of a call that was cut short, what it has said is only what is known.
    fn used(&self, worst: Option<Usage>, is_cut: bool) -> (Usage, bool) {
        let (used, is_guess) = match self.said {
            Some(said) => (said, self.has_guessed || (is_cut && Some(said) != worst)),
            None if self.call.is_some() => {
                let worst = worst.unwrap_or_default();
                (worst, !worst.is_zero())
            }
            None => (Usage::ZERO, false),
        };
        (self.spike + used, is_guess)
    }
}

impl BookingState {
    /// What the try has used that was on, and whether that is a guess.
    fn end_try(&mut self, worst: Option<Usage>, is_cut: bool) -> (Usage, bool) {
        let (used, is_guess) = std::mem::take(&mut self.trial).used(worst, is_cut);
        self.used += used;
        self.is_guess |= is_guess;
        self.last = (used, is_guess);
        self.last
    }
}

impl Booking {
    /// Of an effect that has begun with so much reserved.
    pub(crate) fn new(turn: Arc<Turn>, effect: u64, cost: Cost, reserved: Usage) -> Self {
        let state = BookingState {
            reserved,
            trial: Trial::default(),
            used: Usage::ZERO,
            is_guess: false,
            last: (Usage::ZERO, false),
            is_settled: false,
        };
        Self { turn, effect, cost, state: Mutex::new(state) }
    }

    pub(crate) const fn turn(&self) -> &Arc<Turn> {
        &self.turn
    }

    pub(crate) const fn effect(&self) -> u64 {
        self.effect
    }

    /// The next try has begun, with so much reserved for it.
    pub(crate) fn try_began(&self, reserved: Usage) {
        self.state.lock().reserved += reserved;
    }

    /// The call of a try begins.
    pub(crate) fn begin_call(&self, number: u32) {
        self.state.lock().trial.call = Some(number);
    }

    /// What the try has used so far. After the settlement it is too late to say.
    pub(crate) fn say(&self, number: u32, usage: Usage, is_guess: bool) {
        let mut state = self.state.lock();
        if !state.is_settled && state.trial.call == Some(number) {
            state.trial.said = Some(usage);
            state.trial.has_guessed = is_guess;
        }
    }

    /// A provider bills something on top of what the call says.
    pub(crate) fn add(&self, spike: Usage) {
        self.state.lock().trial.spike += spike;
    }

    /// What the tries have used that are over, and whether some of that is a guess.
    pub(crate) fn used(&self) -> (Usage, bool) {
        let state = self.state.lock();
        (state.used, state.is_guess)
    }

    /// The same of the last of them.
    pub(crate) fn used_by_a_try(&self) -> (Usage, bool) {
        self.state.lock().last
    }

    /// Books what a try has used and frees what was reserved, until the next begins.
    pub(crate) fn retried(&self, tries: u32, error: String) {
        let (used, freed, estimated) = {
            let mut state = self.state.lock();
            let (used, is_guess) = state.end_try(self.cost.worst(), false);
            let before = state.reserved;
            state.reserved = if self.is_of_a_hook() { before.above(&used) } else { Usage::ZERO };
            (used, before.above(&state.reserved), is_guess)
        };
        let effect = self.effect;
        self.write(What::EffectRetried { effect, tries, error, used, freed, estimated }, &used, &freed);
    }

    /// Books what was used and frees what was reserved.
    pub(crate) fn settle(&self, end: EffectEnd) {
        let (used, reserved, estimated) = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_settled, true) {
                return;
            }
            let is_cut = !matches!(end, EffectEnd::Done | EffectEnd::Failed);
            let (used, _) = state.end_try(self.cost.worst(), is_cut);
            (used, state.reserved, state.is_guess)
        };
        let (effect, late) = (self.effect, self.turn.seat.is_stopped());
        self.write(What::EffectEnded { effect, end, used, reserved, estimated, late }, &used, &reserved);
    }

    /// Its turn is a stop hook, which may keep what is reserved for as long as it lives.
    pub(crate) fn is_of_a_hook(&self) -> bool {
        self.turn.phase == Phase::Stop
    }

    /// Writes a booking down, in one step with the overrun that it may be: under a budget that this closes, nothing begins in
    /// between.
    fn write(&self, booked: What, used: &Usage, freed: &Usage) {
        // Before anybody can see the task's end, of which this may be a part.
        self.turn.spend(used);
        match self.over(used, freed) {
            Some(over) => {
                let overrun = What::Overrun { effect: self.effect, over, free: self.cost == Cost::Free };
                self.turn.seat.engine.journal.append_all(&self.turn.entry(), [booked, overrun]);
            }
            None => {
                self.turn.note(booked);
            }
        }
    }

    /// What was billed beyond what was said beforehand; of an effect that said nothing, where a budget of calls let it pass.
    fn over(&self, used: &Usage, reserved: &Usage) -> Option<Usage> {
        let over = overrun(used, reserved)?;
        if self.cost != Cost::Open {
            return Some(over);
        }
        let calls = Usage::calls(over.calls);
        (self.turn.seat.meter.bounds_calls() && !calls.is_zero()).then_some(calls)
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        self.settle(EffectEnd::Cancelled);
    }
}
