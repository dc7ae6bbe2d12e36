//! The orderly part of a stop: seats are opened from the top and end from the bottom.

use super::seat::Occupant;
use super::words::{Command, EndRow, HookEnd, SeatKey, TurnEnd};
use super::{PlannedSeat, Step};
use crate::words::ends::{End, HookFault};
use crate::words::text::one_line;

/// A seat to be looked at.
#[derive(Debug)]
pub(super) enum Visit {
    /// It has come to its place under its opened parent.
    Open(SeatKey),
    /// Something changed on which its next stage depends.
    Settle(SeatKey),
}

impl Step<'_> {
    pub(super) fn turn_ended(&mut self, key: SeatKey, end: TurnEnd) {
        self.change(key, |seat| {
            let over = |end| Occupant::Over { end, fault: None };
            match (&seat.phase, end) {
                // One that was given up as stuck may still come back before its children have ended.
                (Occupant::Over { end, .. }, _) if *end != End::Stuck => {}
                (_, TurnEnd::Exited) => seat.phase = over(End::AlreadyStopped),
                // A hook's fate is told by its own report.
                (Occupant::Hook { .. } | Occupant::HookCut { .. }, _) => {}
                (_, TurnEnd::Returned) => seat.phase = Occupant::Rest,
                (_, TurnEnd::Dropped | TurnEnd::Crashed) => seat.phase = over(End::Aborted),
            }
        });
        self.work.push_back(Visit::Settle(key));
    }

    pub(super) fn hook_ended(&mut self, key: SeatKey, end: HookEnd) {
        self.change(key, |seat| {
            let (end, fault) = match (&seat.phase, end) {
                (Occupant::Hook { .. }, HookEnd::Done) => (End::Clean, None),
                (Occupant::Hook { .. }, HookEnd::Failed(why)) => {
                    (End::Clean, Some(HookFault::Failed(one_line(&why))))
                }
                (Occupant::Hook { .. }, HookEnd::Panicked(why)) => {
                    (End::Aborted, Some(HookFault::Panicked(one_line(&why))))
                }
                (Occupant::Hook { .. }, HookEnd::Dropped) => (End::Aborted, None),
                // Its time was over before it was, however it ended then.
                (Occupant::HookCut { hung }, _) => (End::Aborted, hung.then_some(HookFault::Hung)),
                _ => return,
            };
            seat.phase = Occupant::Over { end, fault };
        });
        self.work.push_back(Visit::Settle(key));
    }

    /// Looks at seats until none is left to look at.
    pub(super) fn close(&mut self) {
        while let Some(work) = self.work.pop_front() {
            match work {
                Visit::Open(key) => self.open(key),
                Visit::Settle(key) => self.settle(key),
            }
        }
    }

    /// Opens a seat under its parent, or, if a request of its own has opened it before, gives it the limits of its place.
    fn open(&mut self, key: SeatKey) {
        let Some(seat) = self.plan.seats.get(&key) else { return };
        let Some(parent) = seat.parent.and_then(|parent| self.plan.seats.get(&parent)) else { return };
        let now = self.now;
        let limits = parent.grant(key, parent.limits, now);
        let own = limits != parent.limits;
        if seat.opened {
            // Watched since that request.
            self.tighten(key, limits);
            return;
        }
        self.change(key, |seat| {
            seat.opened = true;
            seat.watched |= own;
            seat.limits = limits;
            seat.await_cut(now);
        });
        self.open_unordered(key);
    }

    pub(super) fn open_unordered(&mut self, key: SeatKey) {
        let Some(seat) = self.plan.seats.get(&key) else { return };
        self.work.extend(seat.unordered.iter().map(|(_, child)| Visit::Open(*child)));
        self.work.push_back(Visit::Settle(key));
    }

    /// Takes a seat as far as it can go now.
    fn settle(&mut self, key: SeatKey) {
        let Some(seat) = self.plan.seats.get(&key) else { return };
        if seat.has_children() {
            self.open_next_ordered(key);
            return;
        }
        match seat.phase {
            Occupant::Turn { .. } | Occupant::TurnCut | Occupant::Hook { .. } | Occupant::HookCut { .. } => {}
            Occupant::Rest if !seat.opened && !seat.is_condemned() => {}
            Occupant::Over { .. } => self.end(key),
            Occupant::Rest => match seat.hook_until(self.now) {
                None => self.end(key),
                Some(until) => {
                    self.change(key, |seat| seat.phase = Occupant::Hook { until, has_begun: false });
                    self.out.push(Command::Hook { key, until });
                }
            },
        }
    }

    /// In a condemned subtree nothing has a place to wait for, and nothing is opened.
    fn open_next_ordered(&mut self, key: SeatKey) {
        let Some(seat) = self.plan.seats.get_mut(&key) else { return };
        if !seat.opened || seat.is_condemned() || !seat.unordered.is_empty() {
            return;
        }
        let next = seat.ordered_children.last().map(|(_, child)| *child);
        if seat.in_turn != next {
            seat.in_turn = next;
            self.work.extend(next.map(Visit::Open));
        }
    }

    /// Ends a seat as it stands. All its children have ended.
    pub(super) fn end(&mut self, key: SeatKey) {
        let Some(seat) = self.plan.seats.remove(&key) else { return };
        debug_assert!(!seat.has_children(), "a seat ends after its children");
        self.plan.due.remove(&(seat.next_due(), key));
        self.unlink(key, &seat);
        let (end, hook) = seat.end();
        let took = self.now.since(seat.fenced);
        let row = EndRow { key, end, hook, brutal: seat.is_brutal(), took, left: Vec::new() };
        self.out.push(Command::Ended(row.clone()));
        self.record(row, &seat);
        self.work.extend(seat.parent.map(Visit::Settle));
    }

    pub(super) fn unlink(&mut self, key: SeatKey, seat: &PlannedSeat) {
        let Some(parent_key) = seat.parent else { return };
        if let Some(parent) = self.plan.seats.get_mut(&parent_key) {
            parent.siblings_of(seat.ordered).remove(&(seat.order, key));
        } else if let Some(siblings) = self.plan.loose.get_mut(&parent_key) {
            siblings.remove(&key);
            if siblings.is_empty() {
                self.plan.loose.remove(&parent_key);
            }
        }
    }
}
