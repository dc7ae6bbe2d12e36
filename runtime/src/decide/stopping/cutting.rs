//! The other part of a stop: limits move earlier, pass, and cut what still runs.

use super::Step;
use super::closing::Visit;
use super::seat::{Occupant, Sentence};
use super::shares::{Deadlines, PATIENCE_MIN};
use super::words::{Command, SeatKey};

impl Step<'_> {
    /// Does what is due by now.
    pub(super) fn fall_due(&mut self) {
        while let Some(&(time, key)) = self.plan.due.first()
            && time <= self.now
        {
            self.pass(key);
            self.close();
        }
    }

    /// One of a seat's moments has come. Each case takes away its own cause, so `fall_due` comes to an end.
    fn pass(&mut self, key: SeatKey) {
        let now = self.now;
        let Some(seat) = self.plan.seats.get(&key) else { return };
        match seat.phase {
            Occupant::Turn { until, has_begun } | Occupant::Hook { until, has_begun } if until <= now => {
                if has_begun {
                    self.cut(key);
                } else {
                    self.look(key);
                }
            }
            _ if seat.is_cut() && seat.confirm <= now => self.look(key),
            _ if seat.is_condemned() => self.give_up(key),
            _ if seat.asked.abort <= now => self.condemn(key, Sentence::OutOfTime),
            _ => self.be_late(key),
        }
    }

    /// Has somebody look at it, before it is held against it that it is not done.
    fn look(&mut self, key: SeatKey) {
        let now = self.now;
        self.change(key, |seat| {
            if seat.is_cut() {
                seat.is_looked_at = true;
                seat.confirm = now + PATIENCE_MIN;
                return;
            }
            let anew = seat.anew(now);
            if let Occupant::Turn { until, .. } | Occupant::Hook { until, .. } = &mut seat.phase {
                *until = anew;
            }
        });
        self.out.push(Command::Look { key });
    }

    pub(super) fn looked(&mut self, key: SeatKey, has_begun: bool, blocks: bool) {
        let Some(seat) = self.plan.seats.get(&key) else { return };
        match seat.phase {
            // Its time was over when it was looked for.
            Occupant::Turn { has_begun: false, .. } | Occupant::Hook { has_begun: false, .. }
                if has_begun =>
            {
                self.cut(key);
            }
            Occupant::TurnCut | Occupant::HookCut { .. } if seat.is_looked_at => {
                self.change(key, |seat| seat.is_looked_at = false);
                if blocks {
                    self.wait_no_more(key);
                }
            }
            _ => {}
        }
    }

    pub(super) fn cut(&mut self, key: SeatKey) {
        let now = self.now;
        let is_cut = self.change(key, |seat| {
            let is_cut = seat.cut(true);
            seat.await_cut(now);
            is_cut
        });
        if is_cut == Some(true) {
            self.out.push(Command::Abort { key });
        }
    }

    /// It is stuck, and ends so as soon as its children have ended: those who wait for it go on.
    fn wait_no_more(&mut self, key: SeatKey) {
        self.change(key, |seat| {
            let (end, fault) = seat.end();
            seat.phase = Occupant::Over { end, fault };
        });
        self.work.push_back(Visit::Settle(key));
    }

    /// Passes a sentence on to what comes below a seat that has it.
    pub(super) fn sentence(&mut self, root: SeatKey, sentence: Sentence) {
        match sentence {
            Sentence::None => {}
            Sentence::Late => self.be_late(root),
            Sentence::OutOfTime | Sentence::Brutal => self.condemn(root, sentence),
        }
    }

    /// Cuts what runs in a subtree and lets no hook begin there any more.
    pub(super) fn condemn(&mut self, root: SeatKey, sentence: Sentence) {
        let met = self.walk(root, |step, key| {
            let cut = step.change(key, |seat| {
                if seat.sentence >= sentence {
                    return None;
                }
                seat.sentence = sentence;
                Some(seat.cut(sentence == Sentence::OutOfTime))
            });
            if cut == Some(Some(true)) {
                step.out.push(Command::Abort { key });
            }
            cut.flatten().is_some()
        });
        self.work.extend(met.into_iter().rev().map(Visit::Settle));
    }

    /// The part of a stop that a subtree had is over. What is at work there is cut; the rest has the time of the whole, and no
    /// part of it.
    fn be_late(&mut self, root: SeatKey) {
        let now = self.now;
        let above = self.plan.seats.get(&root).and_then(|seat| seat.parent);
        let whole = above.map_or(Deadlines::NONE, |above| self.limits_around(above));
        let mut met = Vec::new();
        let mut stack = vec![(root, whole)];
        while let Some((key, whole)) = stack.pop() {
            let Some(seat) = self.plan.seats.get(&key).filter(|seat| !seat.is_condemned()) else { continue };
            let limits = whole.tightened(seat.asked);
            stack.extend(seat.children().map(|child| (child, limits)));
            let is_cut = self.change(key, |seat| {
                seat.sentence = Sentence::Late;
                seat.watched = seat.asked != Deadlines::NONE;
                if seat.opened {
                    seat.limits = limits;
                }
                let is_at_work = match &mut seat.phase {
                    Occupant::Turn { until, has_begun } | Occupant::Hook { until, has_begun } => {
                        *until = now;
                        *has_begun
                    }
                    _ => false,
                };
                let is_cut = is_at_work && seat.cut(true);
                seat.await_cut(now);
                is_cut
            });
            if is_cut == Some(true) {
                self.out.push(Command::Abort { key });
            }
            met.push(key);
        }
        self.work.extend(met.into_iter().rev().map(Visit::Settle));
    }

    /// Ends all that is left of a subtree.
    fn give_up(&mut self, root: SeatKey) {
        let left = self.walk(root, |_, _| true);
        for key in left.into_iter().rev() {
            self.end(key);
        }
    }

    /// Moves the limits of a subtree earlier, if they were later.
    pub(super) fn tighten(&mut self, root: SeatKey, limits: Deadlines) {
        let now = self.now;
        let mut stack = vec![(root, limits)];
        while let Some((key, limits)) = stack.pop() {
            let tightened = self.change(key, |seat| {
                // What is not opened will get its limits when it is; but a request may have opened something below.
                if !seat.opened {
                    return Some(limits);
                }
                let before = seat.limits;
                seat.limits = before.tightened(limits);
                (seat.limits != before).then_some(seat.limits)
            });
            if let Some(limits) = tightened.flatten()
                && let Some(seat) = self.plan.seats.get(&key)
            {
                stack.extend(seat.children().map(|child| (child, seat.grant(child, limits, now))));
            }
        }
    }

    /// Visits a subtree, parents first, and goes below a seat if `visit` says so. Gives the visited of which it said so;
    /// backwards they are in a stop's order.
    pub(super) fn walk(
        &mut self,
        root: SeatKey,
        mut visit: impl FnMut(&mut Self, SeatKey) -> bool,
    ) -> Vec<SeatKey> {
        let mut visited = Vec::new();
        let mut stack = vec![root];
        while let Some(key) = stack.pop() {
            if !visit(self, key) {
                continue;
            }
            visited.push(key);
            if let Some(seat) = self.plan.seats.get(&key) {
                stack.extend(seat.children());
            }
        }
        visited
    }
}
