//! What follows from a child's end: S2, S4, S5 and S9.

use std::time::Duration;

use super::action::Action;
use super::aside::{Backlogged, Pending, Then};
use super::event::Started;
use super::pause::pause;
use super::table::{By, ChildLife};
use super::{Core, Moment};
use crate::words::child::{ChildKey, Decision};
use crate::words::child_report::{Context, ExitLine};
use crate::words::defaults;
use crate::words::policy::{AutoShutdown, Exit, FailureClass, Intensity, Shutdown, Strategy};

impl Core {
    pub(super) fn exited(&mut self, key: ChildKey, exit: Exit, counted: bool, m: &mut Moment<'_>) {
        let Some(child) = self.table.get_mut(key) else { return };
        match child.life() {
            ChildLife::Running => {
                child.aside().pending =
                    Some(Pending { after: exit, then: Then::Decide { counted }, place: None });
                self.table.set(key, ChildLife::Gone);
                self.deal_with(key, m);
            }
            // An agent may be killed before its start has answered.
            ChildLife::Starting(_) => self.started(key, Started::Failed(ExitLine(&exit).to_string()), m),
            ChildLife::Stopping(_) if exit.is_abnormal() && child.shutdown != Shutdown::Brutal => {
                child.aside().is_told = true;
                self.report(Context::ShutdownError, key, exit, m);
            }
            ChildLife::Stopping(_)
            | ChildLife::Nothing
            | ChildLife::Held
            | ChildLife::Gone
            | ChildLife::Restarting => {}
        }
    }

    pub(super) fn due(&mut self, key: ChildKey, m: &mut Moment<'_>) {
        if self.table.life(key) == Some(ChildLife::Restarting) {
            self.deal_with(key, m);
        }
    }

    /// Deals with a pending end now, or gives it a place in the backlog (invariant 1).
    fn deal_with(&mut self, key: ChildKey, m: &mut Moment<'_>) {
        let must_wait = self.must_wait(key) || (!self.alone(key) && self.table.sums().solo > 0);
        let Some(pending) = self.table.get_mut(key).and_then(|child| child.aside().pending.as_mut()) else {
            return;
        };
        if !must_wait {
            self.resolve(key, m);
        } else if pending.place.is_none() {
            self.places += 1;
            pending.place = Some(self.places);
            self.backlog.push_back(Backlogged::End { key, place: self.places });
        }
    }

    /// Serves what has waited, as far as the next round.
    pub(super) fn serve_backlog(&mut self, m: &mut Moment<'_>) {
        while self.round.is_none() {
            let Some(Backlogged::End { key, .. } | Backlogged::Asked { key, .. }) = self.backlog.front()
            else {
                return;
            };
            let end = matches!(self.backlog.front(), Some(Backlogged::End { .. }));
            if end && !self.alone(*key) && self.table.sums().solo > 0 {
                return;
            }
            match self.backlog.pop_front() {
                Some(Backlogged::End { key, place }) if self.place(key) == Some(place) => {
                    self.resolve(key, m);
                }
                Some(Backlogged::Asked { ask, key, ticket }) => self.answer(ask, key, ticket, m),
                Some(Backlogged::End { .. }) | None => {}
            }
        }
    }

    fn place(&self, key: ChildKey) -> Option<u64> {
        self.table.get(key)?.aside.as_ref()?.pending.as_ref()?.place
    }

    /// Whether an event about this child has to wait for a round or behind others.
    pub(super) fn must_wait(&self, key: ChildKey) -> bool {
        let fixed = self.table.get(key).is_some_and(|child| !child.dynamic);
        fixed && (self.round.is_some() || !self.backlog.is_empty())
    }

    /// Whether the child is restarted without its siblings.
    fn alone(&self, key: ChildKey) -> bool {
        self.policy.strategy == Strategy::OneForOne
            || self.table.get(key).is_none_or(|child| child.dynamic)
            || self.returns(key)
    }

    /// Whether it did not come up with its supervisor, and is tried again.
    pub(super) fn returns(&self, key: ChildKey) -> bool {
        self.table.get(key).and_then(|child| child.aside.as_ref()).is_some_and(|aside| aside.returns)
    }

    fn resolve(&mut self, key: ChildKey, m: &mut Moment<'_>) {
        let Some(child) = self.table.get_mut(key) else { return };
        let Some(Pending { after, then, .. }) = child.aside().pending.take() else { return };
        match then {
            Then::Decide { counted } => self.decide_end(key, after, counted, m),
            Then::Start => self.again(key, after, m),
            Then::Retry if child.counted && !self.returns(key) && !self.bears(key, m) => {
                self.beyond(key, after, m);
            }
            Then::Retry => self.again(key, after, m),
        }
    }

    fn decide_end(&mut self, key: ChildKey, exit: Exit, counted: bool, m: &mut Moment<'_>) {
        let Some(child) = self.table.get(key) else { return };
        let is_last = child.aside.as_ref().is_some_and(|aside| aside.ends);
        let decision = if is_last { Decision::Stop } else { child.decision(&exit) };
        let counts = counted && (child.counted || !is_of_a_task(&exit));
        if exit.is_abnormal() || decision != Decision::Stop {
            self.report(Context::ChildTerminated, key, exit.clone(), m);
        }
        match decision {
            Decision::Stop => self.own_end(key, exit, m),
            Decision::Escalate => self.escalate_by_class(key, exit, m),
            Decision::Restart if counts && !self.bears(key, m) => self.beyond(key, exit, m),
            Decision::Restart => match self.pause(key, true, m) {
                Some(pause) => self.wait(key, exit, Then::Start, pause, m),
                None => self.again(key, exit, m),
            },
        }
    }

    /// An automatic start has failed (S5): tries again by an event of its own, so that the interface is served between.
    pub(super) fn start_failed_again(&mut self, key: ChildKey, reason: String, m: &mut Moment<'_>) {
        let exit = Exit::failed(FailureClass::Start, reason);
        self.report(Context::StartError, key, exit.clone(), m);
        let Some(child) = self.table.get_mut(key) else { return };
        let decision = child.decision(&exit);
        let counted = child.counted;
        let aside = child.aside();
        aside.failed_starts = aside.failed_starts.saturating_add(1);
        let bounded = aside.returns || !counted;
        match decision {
            Decision::Escalate => self.escalate_by_class(key, exit, m),
            Decision::Restart if !bounded || aside.failed_starts < defaults::ATTEMPTS => {
                let pause = self.pause(key, false, m).unwrap_or(Duration::ZERO);
                self.wait(key, exit, Then::Retry, pause, m);
            }
            // It has not lived, so this is no end of its own that could end its supervisor.
            Decision::Restart | Decision::Stop if aside.returns => self.end(key, exit, m),
            Decision::Restart | Decision::Stop => self.given_up(key, exit, m),
        }
    }

    /// The child's next pause, if it has a backoff. `ran` says that a life lies between this pause and the last.
    fn pause(&mut self, key: ChildKey, ran: bool, m: &mut Moment<'_>) -> Option<Duration> {
        let child = self.table.get_mut(key)?;
        let backoff = *child.backoff()?;
        let aside = child.aside();
        if ran && m.now.since(aside.since) >= backoff.reset_after {
            aside.pauses = 0;
        }
        aside.pauses = aside.pauses.saturating_add(1);
        Some(pause(&backoff, aside.pauses, m.noise()))
    }

    fn wait(&mut self, key: ChildKey, after: Exit, then: Then, pause: Duration, m: &mut Moment<'_>) {
        self.table.set(key, ChildLife::Restarting);
        if let Some(child) = self.table.get_mut(key) {
            child.aside().pending = Some(Pending { after, then, place: None });
        }
        m.say(Action::Wait { key, pause });
    }

    fn again(&mut self, key: ChildKey, after: Exit, m: &mut Moment<'_>) {
        if self.alone(key) {
            self.table.set(key, ChildLife::Starting(By::Itself));
            m.say(Action::Start { key, after: Some(after), automatic: true });
        } else {
            self.repair(key, after, m);
        }
    }

    /// Whether one more restart is within the intensity (S4); it is noted then.
    fn bears(&mut self, key: ChildKey, m: &Moment<'_>) -> bool {
        let (own, shared) = (self.own_limit(key), self.policy.intensity);
        match (self.table.get_mut(key), own) {
            (Some(child), Some(own)) => child.aside().window.bears(m.now, own),
            _ => self.window.bears(m.now, shared),
        }
    }

    /// The limit that the child is counted under alone, if it is.
    pub(super) fn own_limit(&self, key: ChildKey) -> Option<Intensity> {
        let child = self.table.get(key)?;
        let is_alone = self.policy.each_child_alone || !child.counted;
        child.limit().or(is_alone.then_some(self.policy.intensity))
    }

    fn beyond(&mut self, key: ChildKey, exit: Exit, m: &mut Moment<'_>) {
        let intensity = self.own_limit(key).unwrap_or(self.policy.intensity);
        let plural = if intensity.restarts == 1 { "" } else { "s" };
        let limit = format!("the limit is {} restart{plural} in {:?}", intensity.restarts, intensity.period);
        let is_alone = self.own_limit(key).is_some();
        self.escalate(key, exit, &limit, is_alone, m);
    }

    fn escalate_by_class(&mut self, key: ChildKey, exit: Exit, m: &mut Moment<'_>) {
        let is_alone = self.policy.each_child_alone;
        self.escalate(key, exit, "and its policy escalates that", is_alone, m);
    }

    /// Gives up because of a child: ends escalated or, where the child counts alone, lets the child end so.
    fn escalate(&mut self, key: ChildKey, exit: Exit, why: &str, is_alone: bool, m: &mut Moment<'_>) {
        let escalated = Exit::Escalated { message: format!("child {key} ended: {}; {why}", ExitLine(&exit)) };
        self.report(Context::Shutdown, key, escalated.clone(), m);
        if is_alone {
            self.given_up(key, escalated, m);
        } else {
            self.end(key, exit, m);
            self.finish(Action::GiveUp { exit: escalated }, m);
        }
    }

    /// A child is not tried again, and its supervisor goes on.
    fn given_up(&mut self, key: ChildKey, exit: Exit, m: &mut Moment<'_>) {
        self.resumes = true;
        self.own_end(key, exit, m);
    }

    /// A child ended by itself and stays so, which may end the supervisor (S9).
    fn own_end(&mut self, key: ChildKey, exit: Exit, m: &mut Moment<'_>) {
        let significant = self.table.get(key).is_some_and(|child| child.significant);
        self.end(key, exit, m);
        let ends = match self.policy.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => significant,
            AutoShutdown::AllSignificant => significant && self.table.sums().significant == 0,
        };
        if ends {
            self.finish(Action::AutoShutdown, m);
        }
    }

    /// Nothing runs for the child and nothing is owed to it. Its tickets have been replied to.
    pub(super) fn end(&mut self, key: ChildKey, exit: Exit, m: &mut Moment<'_>) {
        let Some(child) = self.table.get_mut(key) else { return };
        if child.fleeting() {
            self.table.remove(key);
            m.say(Action::Forget { key, exit });
        } else {
            child.aside = None;
            self.table.set(key, ChildLife::Nothing);
            m.say(Action::Ended { key, exit });
        }
    }

    /// Deals with what a round has stopped to start it again, once no attempt is left that would. Where the child that it
    /// was stopped for has been given up, it has done nothing wrong and is started; where somebody has terminated that one,
    /// it is let go, as in OTP.
    pub(super) fn release_held(&mut self, m: &mut Moment<'_>) {
        let sums = self.table.sums();
        if sums.restarting > 0 || self.over || self.round.is_some() || !self.backlog.is_empty() {
            return;
        }
        let resumes = std::mem::take(&mut self.resumes);
        if sums.held == 0 {
            return;
        }
        if resumes {
            self.resume_held(m);
            return;
        }
        for key in self.table.take_held() {
            self.end(key, Exit::Shutdown, m);
        }
    }
}

/// Whether an end used up an attempt of a task, which is bounded by that. One that was killed or gave up used up nothing.
fn is_of_a_task(exit: &Exit) -> bool {
    match exit {
        Exit::Failed { class, .. } => *class != FailureClass::Killed,
        Exit::Normal | Exit::Shutdown => true,
        Exit::Escalated { .. } => false,
    }
}
