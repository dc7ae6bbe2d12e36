//! The stop plan: which agent of a stopping subtree is cut, runs its stop hook and has ended, and when.
//!
//! A pure machine. One [`StopPlan`] holds every seat of a swarm that is being stopped and every stop that was asked for.
//! The engine fences a subtree and cancels its turns, tells the plan by [`StopPlan::step`], performs the [`Command`]s that
//! come out, in their order, and reports what happened. The plan reads no clock: it asks to be woken and is given `now`.
//!
//! ```text
//!             opened                all children have ended, turn over, self whole
//!  fenced ─────────────▶ closing ───────────────────────────────────────────────────▶ hook ──▶ ended
//!     │     its unordered children all at once,                                        │
//!     │     then the ordered ones one by one, the last started first                   │
//!     └──── its limit passes, a brutal stop: cut what runs, no hook ───────────────────┴────▶ ended
//! ```
//!
//! # Invariants
//! 1. A seat ends after all its descendants, and once. Its row goes to every request that it was alive for.
//! 2. A hook begins only with a whole `self`, no child left, time left, and the seat opened: so children come first, and
//!    ordered siblings one after another in reverse start order.
//! 3. The limits of an opened seat are never later than those of its opened ancestors, and only ever move earlier,
//!    but for the end of a part of a stop that is cut late: what is cut has time to confirm it, within the whole.
//! 4. Whatever has limits of its own is *watched*. At a stop's `abort` all that runs under its root is cut and no hook begins there
//!    any more, at its `give_up` all that is left under it ends: every request finishes at its deadline. At the `abort` of a
//!    sibling's part all that is at work under it is cut, and from then on it is *late*: hooks still begin there, and who is not done at
//!    once is cut. So nobody without work is cut before the stop's own limit, however slow the machine is.
//!    What is cut is waited for as [`Limits::confirm`](limits::Limits::confirm) has it, so that one that is stuck costs the others
//!    no hook. It is stuck when it blocks its thread; what no thread has come to drop is waited for as long as there is time.
//! 5. If a seat is condemned, so is its whole subtree, at least as severely. So a walk that condemns stops where it meets one.
//! 6. `due` holds exactly `PlannedSeat::next_due` of each seat; so a tick looks at nothing that is not due.
//! 7. Trees may be very deep: every walk has its own stack, nothing recurses. What is walked is in ordered maps, so that the
//!    same inputs give the same actions; `seats` is only looked up.

mod words;

mod seat;
mod shares;

mod closing;
mod cutting;
mod receipts;
mod requests;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(crate) use words::{ByKey, Command, EndRow, HookEnd, Node, Notice, RequestId, SeatKey, TurnEnd};

use self::closing::Visit;
use self::receipts::Receipt;
use self::seat::PlannedSeat;
use crate::words::time::Time;

/// All that is being stopped in a swarm.
#[derive(Debug, Default)]
pub(crate) struct StopPlan {
    seats: ByKey<PlannedSeat>,
    /// Seats whose parent is not being stopped, by that parent: a later stop of the parent takes them in.
    loose: BTreeMap<SeatKey, BTreeSet<SeatKey>>,
    /// What has been asked for and has not finished, by its root.
    receipts: BTreeMap<SeatKey, Receipt>,
    due: BTreeSet<(Time, SeatKey)>,
    /// Seats that have ended, ever: the place of a row among all rows.
    ended: u64,
    /// What the last `WakeAt` said.
    wake: Option<Time>,
}

impl StopPlan {
    /// Whether this seat is fenced and has not ended.
    #[must_use]
    pub(crate) fn is_stopping(&self, key: SeatKey) -> bool {
        self.seats.contains_key(&key)
    }

    /// Takes in what happened at `now` and appends to `out` what is to be done, in this order.
    ///
    /// `now` never goes back from one call to the next. Reports about seats that the plan does not know (never stopped, or
    /// ended already) change nothing. What an input reports is taken as having happened before anything that is due at
    /// `now`.
    pub(crate) fn step(&mut self, input: Notice, now: Time, out: &mut Vec<Command>) {
        let mut step = Step { plan: self, now, out, work: VecDeque::new() };
        match input {
            Notice::Request { request, root, nodes, deadline, brutal } => {
                step.request(request, root, nodes, deadline, brutal);
            }
            Notice::TurnEnded { key, end } => step.turn_ended(key, end),
            Notice::HookEnded { key, end } => step.hook_ended(key, end),
            Notice::Looked { key, has_begun, blocks } => step.looked(key, has_begun, blocks),
            // A timer may have rung early: then the engine must be told again.
            Notice::Tick => step.plan.wake = None,
        }
        step.close();
        step.fall_due();
        let next = self.next_wake();
        if next != self.wake {
            self.wake = next;
            out.extend(next.map(Command::WakeAt));
        }
    }

    /// The earliest moment at which something is due, `None` if nothing will be. It is what the last `WakeAt` said.
    #[must_use]
    pub(crate) fn next_wake(&self) -> Option<Time> {
        self.due.first().map(|(time, _)| *time)
    }
}

#[cfg(feature = "lab")]
impl StopPlan {
    /// The entries of all its tables.
    pub(crate) fn len(&self) -> usize {
        self.seats.len() + self.loose.len() + self.receipts.len() + self.due.len()
    }
}

/// What tests ask; the engine knows it by what it is told.
#[cfg(test)]
impl StopPlan {
    /// A plan with nothing to stop.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The unfinished request whose root is this seat: another stop of the seat shares its receipt.
    #[must_use]
    pub(crate) fn request_of_root(&self, key: SeatKey) -> Option<RequestId> {
        self.receipts.get(&key).map(Receipt::first_id)
    }

    /// Whether nothing is being stopped.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }
}

/// One call of [`StopPlan::step`].
struct Step<'a> {
    plan: &'a mut StopPlan,
    now: Time,
    out: &'a mut Vec<Command>,
    /// Seats to be looked at before the call returns.
    work: VecDeque<Visit>,
}

impl Step<'_> {
    /// Changes a seat, if it is there, and keeps invariant 6.
    fn change<R>(&mut self, key: SeatKey, change: impl FnOnce(&mut PlannedSeat) -> R) -> Option<R> {
        let seat = self.plan.seats.get_mut(&key)?;
        let before = seat.next_due();
        let result = change(seat);
        let after = seat.next_due();
        if before != after {
            self.plan.due.remove(&(before, key));
            if after != Time::NEVER {
                self.plan.due.insert((after, key));
            }
        }
        Some(result)
    }
}
