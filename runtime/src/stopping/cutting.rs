//! The other part of a stop: limits move earlier, pass, and cut what still runs.

use super::Step;
use super::closing::Work;
use super::limits::{Limits, PATIENCE_MIN};
use super::seat::{Phase, Sentence};
use super::words::{Action, SeatKey};
use crate::time::Time;

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
            Phase::Turn { until } | Phase::Hook { until } if until <= now => self.cut(key),
            _ if seat.is_cut() && seat.confirm <= now => self.wait_no_more(key),
            _ if !seat.is_condemned() => self.condemn(key, Sentence::OutOfTime),
            _ => self.give_up(key),
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
            self.out.push(Action::Abort { key });
        }
    }

    /// It is stuck, and ends so as soon as its children have ended: those who wait for it go on.
    fn wait_no_more(&mut self, key: SeatKey) {
        self.change(key, |seat| {
            let (end, fault) = seat.end();
            seat.phase = Phase::Over { end, fault };
        });
        self.work.push_back(Work::Settle(key));
    }

    /// Cuts what runs in a subtree and lets no hook begin there any more.
    pub(super) fn condemn(&mut self, root: SeatKey, sentence: Sentence) {
        let (part_of, confirmed) = self.confirmed(root);
        let met = self.walk(root, |step, key| {
            let cut = step.change(key, |seat| {
                if seat.sentence >= sentence {
                    return None;
                }
                seat.sentence = sentence;
                if Some(seat.request) == part_of {
                    seat.limits.give_up = seat.limits.give_up.max(confirmed);
                }
                Some(seat.cut(sentence == Sentence::OutOfTime))
            });
            if cut == Some(Some(true)) {
                step.out.push(Action::Abort { key });
            }
            cut.flatten().is_some()
        });
        self.work.extend(met.into_iter().rev().map(Work::Settle));
    }

    /// Until when what is cut now may confirm it, however late it is for a part of a stop, and of which stop: nobody is given
    /// up in the look that cuts them, unless that whole stop is over.
    fn confirmed(&self, root: SeatKey) -> (Option<SeatKey>, Time) {
        let seats = &self.plan.seats;
        let whole = seats.get(&root).and_then(|seat| {
            let above = seats.get(&seat.parent?).filter(|above| above.opened && seat.request != root)?;
            Some((seat.request, above.limits.give_up))
        });
        match whole {
            Some((stop, over)) => (Some(stop), (self.now + PATIENCE_MIN).min(over)),
            None => (None, Time::ZERO),
        }
    }

    /// Ends all that is left of a subtree.
    fn give_up(&mut self, root: SeatKey) {
        let left = self.walk(root, |_, _| true);
        for key in left.into_iter().rev() {
            self.end(key);
        }
    }

    /// Moves the limits of a subtree earlier, if they were later.
    pub(super) fn tighten(&mut self, root: SeatKey, limits: Limits) {
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
