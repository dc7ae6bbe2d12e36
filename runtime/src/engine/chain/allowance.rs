//! What is kept back at the spawn for an agent's stop hook: money that is there when all else is spent.
//!
//! It is a reservation like an effect's. When the hook begins an effect, the reservation is given up, the effect's worst
//! case is reserved, and the rest is reserved again, all in one critical section: nobody else gets the money in between.

use crate::engine::seat::Seat;
use crate::engine::turn::Turn;
use crate::journal::Entry;
use crate::words::event::{ALLOWANCE, EffectEnd, What};
use crate::words::id::Seq;
use crate::words::refusal::Refusal;
use crate::words::usage::Usage;

/// What is left of a seat's allowance, under the number of its reservation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    effect: u64,
    left: Usage,
}

impl Seat {
    /// Writes down that the seat is there and keeps its allowance back, in one critical section with whether it may be there.
    pub(crate) fn note_spawned<E: From<Refusal>>(
        &self,
        spawned: What,
        cause: Option<Seq>,
        may: impl FnOnce() -> Result<(), E>,
    ) -> Result<Seq, E> {
        let entry = Entry { seat: self, incarnation: 0, task: None, cause };
        let journal = &self.engine.journal;
        let left = self.policies.stop_allowance;
        if left.is_zero() {
            return journal.append_if(&entry, [spawned], |_| may());
        }
        let effect = self.engine.number();
        let whats = [spawned, began(effect, left)];
        let fits = |wall| {
            may()?;
            self.meter.admit(Some(&left), wall).map_err(E::from)
        };
        let seq = journal.append_if(&entry, whats, fits)?;
        *self.allowance.lock() = Some(Allowance { effect, left });
        Ok(seq)
    }

    /// Gives up what is left of the allowance; the agent has ended.
    pub(crate) fn release_allowance(&self) {
        if let Some(allowance) = self.allowance.lock().take() {
            self.note(ended(allowance));
        }
    }
}

impl Turn {
    /// Begins an effect of a stop hook, from the allowance as far as that goes.
    pub(crate) fn draw_allowance<E: From<Refusal>>(
        &self,
        effect_began: What,
        worst: Usage,
        may: impl FnOnce() -> Result<(), E>,
    ) -> Result<Seq, E> {
        let seat = &self.seat;
        let journal = &seat.engine.journal;
        let mut allowance = seat.allowance.lock();
        let Some(held) = *allowance else {
            return journal.append_if(&self.entry(), [effect_began], |wall| {
                may()?;
                seat.meter.admit(Some(&worst), wall).map_err(E::from)
            });
        };
        let beyond = worst.above(&held.left);
        let rest = Allowance { effect: seat.engine.number(), left: held.left.above(&worst) };
        let whats = [ended(held), effect_began, began(rest.effect, rest.left)];
        let seq = journal.append_if(&self.entry(), whats, |wall| {
            may()?;
            if beyond.is_zero() { Ok(()) } else { seat.meter.admit(Some(&beyond), wall).map_err(E::from) }
        })?;
        *allowance = Some(rest);
        Ok(seq)
    }
}

/// A declared child does without its allowance.
pub(crate) fn refused_allowance(refusal: &Refusal) -> What {
    What::EffectRefused {
        kind: ALLOWANCE.to_owned(),
        link: "budget".to_owned(),
        message: refusal.to_string(),
    }
}

fn began(effect: u64, reserved: Usage) -> What {
    What::EffectBegan { effect, kind: ALLOWANCE.to_owned(), reserved, on: None }
}

fn ended(allowance: Allowance) -> What {
    What::EffectEnded {
        effect: allowance.effect,
        end: EffectEnd::Done,
        used: Usage::ZERO,
        reserved: allowance.left,
        estimated: false,
        late: false,
    }
}
