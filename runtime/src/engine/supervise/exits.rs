//! How incarnations end, and how an agent ends for good.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::cell::Item;
use crate::decide::delivery::Dropped;
use crate::decide::place::{Cut, Hears};
use crate::decide::supervision::{Event, Started};
use crate::engine::seat::Seat;
use crate::engine::seat::line::NextOrder;
use crate::engine::stop::{EndHeard, Purpose};
use crate::engine::turn::Cancel;
use crate::env::fault::Phase;
use crate::env::theirs::Sleeper;
use crate::words::ends::End;
use crate::words::ends::Left;
use crate::words::event::{Role, What};
use crate::words::policy::{Exit, FailureClass, Strategy};
use crate::words::state::StopReason;
use crate::words::time::Time;

impl Seat {
    /// An incarnation has ended by itself. Its children are stopped first, then its supervisor hears of it.
    pub(crate) fn exited(self: &Arc<Self>, exit: Exit, counted: bool, brutal: bool) {
        self.exited_by(None, exit, counted, brutal);
    }

    /// The same, said by the runner of a generation.
    pub(crate) fn exited_by(self: &Arc<Self>, by: Option<u64>, exit: Exit, counted: bool, brutal: bool) {
        if self.note_end_of_life(by, What::AgentExited { exit: exit.clone() }) != Hears::Supervisor {
            return;
        }
        if matches!(exit, Exit::Escalated { .. }) {
            self.leave_orphans();
        }
        self.end_children(EndHeard::Exited { exit, counted }, brutal);
    }

    /// A start has failed or was no start. What it had begun is stopped first, then its supervisor hears of it.
    pub(crate) fn not_started(self: &Arc<Self>, by: Option<u64>, result: Started) {
        let hears = match &result {
            Started::Failed(message) => {
                self.note_end_of_life(by, What::AgentStartFailed { message: message.clone() })
            }
            Started::Ok | Started::Ignored => self.line.lock().place.exits(by),
        };
        if hears != Hears::Nobody {
            self.end_children(EndHeard::Started(result), false);
        }
    }

    /// The end of a life, said in one critical section with the end of the agent: nothing of it is said after that.
    fn note_end_of_life(&self, by: Option<u64>, what: What) -> Hears {
        let _gate = self.gate.lock();
        let hears = self.line.lock().place.exits(by);
        if hears != Hears::Nobody {
            self.note(what);
        }
        hears
    }

    fn end_children(self: &Arc<Self>, then: EndHeard, brutal: bool) {
        let life = self.life.load(Ordering::Acquire);
        let has_children = {
            let gate = self.gate.lock();
            gate.family.as_ref().is_some_and(|family| !family.seats.is_empty())
        };
        if has_children {
            self.engine.stop(self, Purpose::Children { life, then }, brutal, Time::NEVER);
        } else {
            self.tell_parent(life, then);
        }
    }

    /// Its children have ended: what a supervisor knew of them is forgotten but for their specs.
    pub(crate) fn children_ended(self: &Arc<Self>, life: u32, then: EndHeard) {
        self.reset_children();
        if !self.is_closed() {
            self.tell_parent(life, then);
        }
    }

    /// Its supervisor hears of the end of a life; by then it may have begun another.
    fn tell_parent(self: &Arc<Self>, life: u32, then: EndHeard) {
        match (self.supervisor(), then) {
            (Some((supervisor, number)), EndHeard::Exited { exit, counted }) => {
                self.once_dropped(move || {
                    supervisor.push(Item::ChildExited { number, life, exit, counted });
                });
            }
            (Some((supervisor, number)), EndHeard::Started(result)) => {
                // Whoever spawned it may use its name again: its supervisor hears first, and may wind it up.
                let first = self.line.lock().first_start();
                first.note(Some(result.clone()));
                supervisor.decide_of((number, life), Event::Started { key: number, result: result.clone() });
                self.line.lock().end_first_start(&first);
                first.end(Some(result));
            }
            // The root has nobody above it: its end is the swarm's.
            (None, EndHeard::Exited { exit, .. }) => self.engine.stop_swarm_because(&exit),
            (None, EndHeard::Started(_)) => {}
        }
    }

    /// Its children are gone or down: the supervision begins anew, with the specs that stand.
    pub(crate) fn reset_children(&self) {
        let left = self.gate.lock().family.as_mut().map(|family| family.reset());
        drop(left);
    }

    /// It has started: whoever spawned it and its supervisor hear of it.
    pub(crate) fn tell_parent_started(&self) {
        if let Some((supervisor, number)) = self.supervisor() {
            supervisor.decide(Event::Started { key: number, result: Started::Ok });
        }
        // Nobody begins to wait for it now: the table says that it runs.
        if let Some(first) = self.line.lock().take_first_start() {
            first.end(Some(Started::Ok));
        }
    }

    /// Kills it: the incarnation ends at once, its subtree is stopped brutally, its supervisor decides what comes next. Of what has
    /// ended nothing is left to kill.
    pub(crate) fn kill(self: &Arc<Self>) {
        let exit = Exit::failed(FailureClass::Killed, "killed");
        let turn =
            self.gate.lock().turn.clone().filter(|turn| matches!(turn.phase, Phase::Turn | Phase::Start));
        self.end_incarnation(exit.clone(), true);
        if let Some(turn) = turn {
            turn.give_up_after_grace(exit, true);
        }
    }

    /// Ends the incarnation from outside, whatever it does.
    pub(crate) fn end_incarnation(self: &Arc<Self>, exit: Exit, brutal: bool) {
        self.end_incarnation_if(exit, brutal, |_| true);
    }

    /// The same if it is still the one that began at this generation.
    pub(crate) fn end_incarnation_since(self: &Arc<Self>, since: u64, exit: Exit) {
        self.end_incarnation_if(exit, false, |seat| seat.holdings.lock().since() == since);
    }

    fn end_incarnation_if(self: &Arc<Self>, exit: Exit, brutal: bool, is_it: impl FnOnce(&Self) -> bool) {
        let waker = {
            let mut line = self.line.lock();
            if !is_it(self) {
                return;
            }
            match line.place.cut() {
                Cut::Runner => {
                    line.orders.exit = Some((exit, Dropped::Exit));
                    line.take_waker()
                }
                Cut::Dormant => {
                    drop(line);
                    self.drop_dormant();
                    self.release_holdings_aside();
                    self.exited(exit, true, brutal);
                    return;
                }
                Cut::Nobody => return,
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Drops a dormant behaviour where user code may run.
    pub(crate) fn drop_dormant(self: &Arc<Self>) {
        if self.body.has_behaviour() {
            let remains = self.remains(Left::Behaviour);
            let seat = Arc::clone(self);
            self.engine.env.aside().later(Box::new(move || {
                seat.body.drop_dormant();
                drop(remains);
            }));
        }
    }

    /// Interrupts a turn: it is cancelled, and dropped at its await if it has not returned by the grace.
    pub(crate) fn interrupt(&self, turn: &Arc<crate::engine::turn::Turn>, why: Cancel) {
        {
            // One critical section with its leaving: nothing is said of a turn that is over.
            let _gate = self.gate.lock();
            if !turn.is_open() || !turn.set_why(why) {
                return;
            }
            turn.note(What::TurnInterrupted);
        }
        turn.cancel.raise();
        let late = Arc::downgrade(turn);
        let grace = self.engine.env.after(self.engine.interrupt_grace, move || {
            if let Some(turn) = late.upgrade() {
                let number = turn.number;
                turn.seat.order(|orders| orders.drop_turn = Some((number, Dropped::Interrupt)));
            }
        });
        turn.keep_grace(grace);
    }

    /// Whether what ended may come back under the same spec.
    fn spec_stands(&self) -> bool {
        self.keeps_spec
            || (self.role == Role::Static
                && !self.is_adopted()
                && self
                    .parent
                    .as_ref()
                    .is_some_and(|parent| parent.supervisor_policy().strategy != Strategy::OneForOne))
    }

    /// Nothing runs for it and nothing will by itself, but its spec may stand: `Ended` of the supervision.
    pub(crate) fn end_with_spec(self: &Arc<Self>, reason: StopReason) {
        if self.spec_stands() {
            self.wind_up_below();
            self.wind_up(reason, None, true);
        } else {
            self.end_without_spec(reason);
        }
    }

    /// Nothing runs for it and its spec is gone.
    pub(crate) fn end_without_spec(self: &Arc<Self>, reason: StopReason) {
        for seat in self.subtree().iter().skip(1).rev() {
            seat.end(StopReason::Stopped, None);
        }
        self.end(reason, None);
        self.leave_family(true);
    }

    /// Its incarnation is over and those below it were stopped with it: with nobody to start them again they end too,
    /// children before parents.
    fn wind_up_below(self: &Arc<Self>) {
        for seat in self.subtree().iter().skip(1).rev() {
            seat.wind_up(StopReason::Stopped, None, true);
        }
    }

    /// It has ended for good. `end` is how a stop ended it, if one did.
    pub(crate) fn end(self: &Arc<Self>, reason: StopReason, end: Option<End>) {
        self.wind_up(reason, end, false);
        self.drop_spec();
        // Its children have ended too. They hold their parent, so it must not hold them.
        let family = self.gate.lock().family.take();
        drop(family);
        if self.is_occupied() {
            self.engine.leaving.lock().insert(self.key, Arc::clone(self));
        }
        self.check_vacant();
    }

    /// Its place ends with a fault plan's word, whatever is below it.
    #[cfg(feature = "lab")]
    pub(crate) fn lose_place(self: &Arc<Self>) {
        let message = "lost".to_owned();
        self.wind_up(StopReason::Failed { class: FailureClass::Bug, message }, None, true);
    }

    /// It will not come back, and says so if its spec had stood until now.
    fn drop_spec(&self) {
        let _gate = self.gate.lock();
        self.line.lock().place.goes();
        self.note_spec_dropped();
    }

    /// Under its gate, or that of its parent where nobody else ends it.
    pub(crate) fn note_spec_dropped(&self) {
        let stands = self.live.lock().spec_stands;
        if stands {
            self.note(What::SpecDropped);
        }
    }

    fn wind_up(self: &Arc<Self>, reason: StopReason, end: Option<End>, spec_stands: bool) {
        let (released, was_dormant) = {
            let mut gate = self.gate.lock();
            let was_dormant = {
                let mut line = self.line.lock();
                if !line.place.begins_to_end() {
                    // A stop and its supervisor may both end it; the first says why.
                    return;
                }
                line.place.takes_dormant()
            };
            (self.ungrip(&mut gate), was_dormant)
        };
        Sleeper::wake_all(self.body.close(reason.clone()));
        self.body.end_queued(self, &reason);
        if was_dormant {
            self.drop_dormant();
        }
        self.release_holdings_aside();
        // What an earlier stop could not stop may still be there.
        let end = if self.is_stuck() { Some(End::Stuck) } else { end };
        self.release_allowance();
        {
            // One critical section with its end for good, which may come from elsewhere.
            let _gate = self.gate.lock();
            let spec_stands = spec_stands && self.line.lock().place.may_come_back();
            self.note(What::AgentStopped { reason, end, spec_stands });
            self.line.lock().place.has_ended();
        }
        let first = {
            let mut line = self.line.lock();
            line.orders.next = Some(NextOrder::End);
            line.take_first_start()
        };
        self.order(|_| {});
        if let Some(first) = first {
            first.end(None);
        }
        self.close_cell();
        if let Some(released) = released {
            released.let_go();
        }
    }

    /// Takes the ended seat out of its parent's table. `known`: the supervision has forgotten it or may simply do so.
    pub(crate) fn leave_family(self: &Arc<Self>, known: bool) {
        let Some((parent, number)) = self.supervisor() else { return };
        let mut gate = parent.gate.lock();
        let Some(family) = gate.family.as_mut() else { return };
        family.leave(number);
        let removed = family.core.remove(number);
        drop(gate);
        if !removed && !known {
            // An answer is outstanding: the supervision ends what it was about first.
            parent.push(Item::Gone { number });
        }
    }
}
