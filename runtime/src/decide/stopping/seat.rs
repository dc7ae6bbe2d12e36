//! What the plan knows of one seat.

use std::collections::BTreeSet;
use std::time::Duration;

use super::shares::{Deadlines, PATIENCE_MIN};
use super::words::{Node, SeatKey};
use crate::words::ends::{End, HookFault};
use crate::words::policy::Shutdown;
use crate::words::time::Time;

/// What a hook that is late has to be done in, once a thread has come to run it.
const LATE: Duration = Duration::from_millis(1);

/// How soon it is looked again whether something has begun, at the earliest.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What runs in a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Occupant {
    /// The turn that was in progress at the fence; or a runner that had none, and is to say so.
    Turn { until: Time, has_begun: bool },
    /// That turn, its abort not yet confirmed.
    TurnCut,
    /// Nothing, and `self` is whole.
    Rest,
    /// The stop hook. It is not known whether a thread has come to run it, until somebody has looked.
    Hook { until: Time, has_begun: bool },
    /// The stop hook, its abort not yet confirmed.
    HookCut { hung: bool },
    /// Nothing, and nothing will any more.
    Over { end: End, fault: Option<HookFault> },
}

/// Why a seat gets no time any more, the harsher the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sentence {
    None,
    /// Its part of the stop is over: whoever is at work is cut, and a hook that still begins has no time.
    Late,
    OutOfTime,
    Brutal,
}

#[derive(Debug)]
pub(super) struct PlannedSeat {
    pub(super) parent: Option<SeatKey>,
    pub(super) ordered: bool,
    pub(super) order: u32,
    pub(super) shutdown: Shutdown,
    hook: bool,
    pub(super) fenced: Time,
    /// The root of the innermost request that it belongs to.
    pub(super) request: SeatKey,
    /// It has come to its place: its children may close, and then it.
    pub(super) opened: bool,
    /// Its limits are its own, not its parent's.
    pub(super) watched: bool,
    /// Those of the stops that were asked for of itself; the others are those of its part.
    pub(super) asked: Deadlines,
    /// Meant once it is opened.
    pub(super) limits: Deadlines,
    pub(super) sentence: Sentence,
    pub(super) phase: Occupant,
    /// Until when what was cut may confirm it; then it is looked whether it ever will.
    pub(super) confirm: Time,
    /// That look is under way.
    pub(super) is_looked_at: bool,
    /// Children by start order.
    pub(super) unordered: BTreeSet<(u32, SeatKey)>,
    pub(super) ordered_children: BTreeSet<(u32, SeatKey)>,
    /// The ordered child that has its share of the time now.
    pub(super) in_turn: Option<SeatKey>,
}

impl PlannedSeat {
    pub(super) fn new(node: &Node, parent: Option<SeatKey>, request: SeatKey, now: Time) -> Self {
        let until = match node.shutdown {
            Shutdown::Brutal => now,
            Shutdown::Within(span) => now + span,
            Shutdown::UntilDeadline => Time::NEVER,
        };
        Self {
            parent,
            ordered: node.ordered,
            order: node.order,
            shutdown: node.shutdown,
            hook: node.hook,
            fenced: now,
            request,
            opened: false,
            watched: false,
            asked: Deadlines::NONE,
            limits: Deadlines::NONE,
            sentence: Sentence::None,
            phase: if node.busy { Occupant::Turn { until, has_begun: node.works } } else { Occupant::Rest },
            confirm: Time::NEVER,
            is_looked_at: false,
            unordered: BTreeSet::new(),
            ordered_children: BTreeSet::new(),
            in_turn: None,
        }
    }

    pub(super) fn is_brutal(&self) -> bool {
        self.shutdown == Shutdown::Brutal || self.sentence == Sentence::Brutal
    }

    pub(super) fn is_condemned(&self) -> bool {
        self.sentence >= Sentence::OutOfTime
    }

    pub(super) fn is_late(&self) -> bool {
        self.sentence == Sentence::Late
    }

    pub(super) const fn is_cut(&self) -> bool {
        matches!(self.phase, Occupant::TurnCut | Occupant::HookCut { .. })
    }

    /// Sets until when what was cut is waited for, once it is known what there is to share.
    pub(super) fn await_cut(&mut self, now: Time) {
        if self.opened && self.is_cut() {
            let own = match self.shutdown {
                Shutdown::Brutal | Shutdown::UntilDeadline => Duration::ZERO,
                Shutdown::Within(span) => span,
            };
            let confirm = if self.is_late() {
                (now + PATIENCE_MIN).min(self.limits.give_up)
            } else {
                self.limits.confirm(own, now)
            };
            self.confirm = self.confirm.min(confirm);
        }
    }

    pub(super) fn has_children(&self) -> bool {
        !self.unordered.is_empty() || !self.ordered_children.is_empty()
    }

    /// In the order in which they would be pushed to a stack that pops ordered ones by start order, and then the others: the
    /// reverse of such a walk is a stop's order, unordered first and ordered from the last.
    pub(super) fn children(&self) -> impl Iterator<Item = SeatKey> + '_ {
        self.unordered.iter().chain(self.ordered_children.iter().rev()).map(|(_, key)| *key)
    }

    pub(super) fn siblings_of(&mut self, ordered: bool) -> &mut BTreeSet<(u32, SeatKey)> {
        if ordered { &mut self.ordered_children } else { &mut self.unordered }
    }

    /// The limits of an opened child of this seat whose own are `whole`.
    pub(super) fn grant(&self, child: SeatKey, whole: Deadlines, now: Time) -> Deadlines {
        if self.in_turn == Some(child) && !self.is_late() {
            whole.share(self.ordered_children.len(), now)
        } else {
            whole
        }
    }

    /// Until when a hook that begins at `now` may run; `None` if there is no hook to run, for whatever reason.
    pub(super) fn hook_until(&self, now: Time) -> Option<Time> {
        if !self.hook || self.is_condemned() {
            return None;
        }
        let own = match self.shutdown {
            Shutdown::Brutal => return None,
            Shutdown::Within(span) => now + span,
            Shutdown::UntilDeadline => Time::NEVER,
        };
        let until = if self.is_late() { own.min(now + LATE) } else { own }.min(self.limits.abort);
        (until > now).then_some(until)
    }

    /// Until when something has time again that had not begun at the end of its time.
    pub(super) fn anew(&self, now: Time) -> Time {
        let own = match self.shutdown {
            Shutdown::Within(span) if !self.is_late() => now + span,
            _ => Time::ZERO,
        };
        own.min(self.limits.abort).max(now + LOOK_AGAIN)
    }

    /// Drops what runs; says whether there is something to abort.
    pub(super) fn cut(&mut self, hung: bool) -> bool {
        self.phase = match self.phase {
            Occupant::Turn { .. } => Occupant::TurnCut,
            Occupant::Hook { .. } => Occupant::HookCut { hung },
            _ => return false,
        };
        self.confirm = Time::NEVER;
        true
    }

    /// When it must be looked at next, if nothing is reported.
    pub(super) fn next_due(&self) -> Time {
        let run = match self.phase {
            Occupant::Turn { until, .. } | Occupant::Hook { until, .. } => until,
            Occupant::TurnCut | Occupant::HookCut { .. } => self.confirm,
            Occupant::Rest | Occupant::Over { .. } => Time::NEVER,
        };
        let limit = match (self.watched, self.sentence) {
            (false, _) => Time::NEVER,
            (true, Sentence::None) => self.limits.abort,
            (true, Sentence::Late) => self.asked.abort,
            (true, Sentence::OutOfTime | Sentence::Brutal) => self.limits.give_up,
        };
        run.min(limit)
    }

    /// How it ends if it ends as it stands.
    pub(super) fn end(&self) -> (End, Option<HookFault>) {
        match &self.phase {
            Occupant::Over { end, fault } => (*end, fault.clone()),
            Occupant::Turn { .. } | Occupant::TurnCut => (End::Stuck, None),
            Occupant::Hook { .. } | Occupant::HookCut { hung: true } => (End::Stuck, Some(HookFault::Hung)),
            Occupant::HookCut { hung: false } => (End::Stuck, None),
            Occupant::Rest if self.hook || self.is_brutal() => (End::Aborted, None),
            Occupant::Rest => (End::Clean, None),
        }
    }
}
