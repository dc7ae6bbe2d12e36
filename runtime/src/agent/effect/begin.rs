//! The begin of an effect, and of each of its tries: what it may do is looked at, and what it may cost is reserved, in one
//! critical section with the event that says so.

use std::sync::Arc;

use tracing::Span;

use super::{Booking, Effect};
use crate::engine::seat::rights::Rights;
use crate::engine::turn::trace;
use crate::env::fault::Phase;
use crate::words::budget::OnRefusal;
use crate::words::ceiling::Beyond;
use crate::words::effect::{Cost, Repeat};
use crate::words::error::EffectError;
use crate::words::event::{EffectEnd, Need, On, What};
use crate::words::id::AgentId;
use crate::words::naming;
use crate::words::reach::Reach;
use crate::words::refusal::Refusal;

/// An effect that has begun, from its first try to its end.
pub(super) struct BegunEffect {
    pub(super) booking: Arc<Booking>,
    pub(super) span: Span,
}

impl BegunEffect {
    pub(super) fn end(self, end: EffectEnd) {
        self.booking.settle(end);
        trace::effect_ends(&self.span, end);
    }
}

/// Whose limit forbids an effect, and how.
struct BeyondLimit {
    of: AgentId,
    why: Beyond,
    is_grant: bool,
}

/// Why an effect cannot begin.
enum NoBegin {
    Beyond(BeyondLimit),
    OverBudget(Refusal),
}

impl From<Refusal> for NoBegin {
    fn from(refusal: Refusal) -> Self {
        Self::OverBudget(refusal)
    }
}

impl Effect {
    /// Every ceiling that bounds the turn, and what its agent is granted.
    pub(super) fn pass_ceilings(&self) -> Result<(), EffectError> {
        match self.beyond() {
            None => Ok(()),
            Some(beyond) => Err(self.is_beyond(beyond)),
        }
    }

    fn beyond(&self) -> Option<BeyondLimit> {
        let forbids = |rights: &Rights, is_grant| {
            let (of, why) = rights.forbids(&self.kind, &self.reach, self.tier)?;
            Some(BeyondLimit { of: of.clone(), why, is_grant })
        };
        forbids(&self.turn.rights, false).or_else(|| forbids(&self.turn.seat.grants, true))
    }

    fn is_beyond(&self, beyond: BeyondLimit) -> EffectError {
        let BeyondLimit { of, why, is_grant } = beyond;
        let (agent, kind) = (self.agent(), naming::shown(&self.kind));
        let (link, error) = if is_grant {
            ("grants", EffectError::NotGranted { agent, kind: kind.clone(), of, why })
        } else {
            ("ceiling", EffectError::BeyondCeiling { agent, kind: kind.clone(), of, why })
        };
        self.turn.note(What::EffectRefused { kind, link: link.to_owned(), message: error.to_string() });
        error
    }

    /// The ceilings and the budget of every ancestor, the fence and the pauses, and the event that begins the effect or its next try, in one
    /// critical section. False if a pause holds it.
    pub(super) fn begin(&self, number: u32, begun: &mut Option<BegunEffect>) -> Result<bool, EffectError> {
        let seat = &self.turn.seat;
        let engine = &seat.engine;
        let is_hook = self.turn.phase == Phase::Stop;
        // All tries that may follow; a hook has kept what was reserved for them.
        let tries = if is_hook && begun.is_some() {
            0
        } else {
            self.tries_in_all().saturating_sub(number.saturating_sub(1)).max(1)
        };
        let worst = self.cost.worst().map(|worst| worst.times(tries));
        let reserved = worst.unwrap_or_default();
        let effect = begun.as_ref().map_or_else(|| engine.number(), |begun| begun.booking.effect());
        let began = {
            let gate = seat.gate.lock();
            if !self.turn.is_open() || (!seat.is_up() && !is_hook) {
                return Err(self.cancelled());
            }
            if gate.hold.is_some() && !is_hook {
                return Ok(false);
            }
            let what = match begun {
                None => What::EffectBegan { effect, kind: self.kind.clone(), reserved, on: self.says() },
                Some(_) => What::TryBegan { effect, reserved },
            };
            // Once more, after the waits: a ceiling may have been narrowed meanwhile.
            let may = || self.beyond().map_or(Ok(()), |beyond| Err(NoBegin::Beyond(beyond)));
            let is_priced = !matches!(self.cost, Cost::Unpriced(_));
            match worst.filter(|_| is_hook && is_priced && begun.is_none()) {
                Some(worst) => self.turn.draw_allowance(what, worst, may),
                None => engine.journal.append_if(&self.turn.entry(), [what], |wall| {
                    may()?;
                    match worst.as_ref().filter(|_| !is_priced) {
                        Some(worst) => seat.meter.admit_unpriced(worst, wall)?,
                        None => seat.meter.admit(worst.as_ref(), wall)?,
                    }
                    Ok(())
                }),
            }
        };
        let began = match began {
            Err(NoBegin::Beyond(beyond)) => return Err(self.is_beyond(beyond)),
            Err(NoBegin::OverBudget(refusal)) => Err(refusal),
            Ok(_) => Ok(()),
        };
        if let Err(refusal) = began {
            let (kind, message) = (self.kind.clone(), refusal.to_string());
            self.turn.note(What::EffectRefused { kind: kind.clone(), link: "budget".to_owned(), message });
            if refusal.policy == OnRefusal::Pause && !is_hook && refusal.wanted.is_some() {
                let need = Need { agent: seat.id.clone(), kind: kind.clone(), refusal: refusal.clone() };
                if engine.pause_refusing(seat, need) {
                    return Ok(false);
                }
            }
            if refusal.policy == OnRefusal::Stop {
                engine.stop_refusing(&refusal.ancestor);
            }
            let refusal = Box::new(refusal);
            return Err(EffectError::OverBudget { agent: self.agent(), kind, refusal });
        }
        if self.repeat == Repeat::Once {
            self.turn.set_once_begun();
        }
        match begun {
            Some(begun) => begun.booking.try_began(reserved),
            None => {
                let booking = Arc::new(Booking::new(Arc::clone(&self.turn), effect, self.cost, reserved));
                *begun = Some(BegunEffect { booking, span: trace::of_effect(&self.turn, &self.kind) });
            }
        }
        Ok(true)
    }

    /// What its event says that it is done to.
    fn says(&self) -> Option<Box<On>> {
        let says = self.subject.is_some() || self.reach != Reach::Unknown;
        says.then(|| Box::new(On { subject: self.subject.clone(), reach: self.reach.clone() }))
    }
}
