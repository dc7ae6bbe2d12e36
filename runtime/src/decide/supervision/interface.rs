//! What others ask of a supervisor (S10), and its end.

use super::action::Action;
use super::aside::{Backlogged, ChildCall, Pending};
use super::event::{Event, Started};
use super::table::{By, ChildLife};
use super::{Core, Moment};
use crate::words::child::ChildKey;
use crate::words::child_interface::{Answer, InterfaceError};
use crate::words::child_report::Context;
use crate::words::policy::{Exit, Shutdown};

impl Core {
    /// A call of the interface: answered now, with an answer that is outstanding, or from the backlog. A start that
    /// hangs can always be terminated.
    pub(super) fn asked(&mut self, ask: ChildCall, key: ChildKey, ticket: u64, m: &mut Moment<'_>) {
        let hanging =
            ask == ChildCall::Terminate && matches!(self.table.life(key), Some(ChildLife::Starting(_)));
        if self.must_wait(key) && !hanging {
            self.backlog.push_back(Backlogged::Asked { ask, key, ticket });
        } else {
            self.answer(ask, key, ticket, m);
        }
    }

    pub(super) fn answer(&mut self, ask: ChildCall, key: ChildKey, ticket: u64, m: &mut Moment<'_>) {
        let Some(child) = self.table.get_mut(key) else {
            m.reply(ticket, Err(InterfaceError::NotFound));
            return;
        };
        let shutdown = child.shutdown;
        match (ask, child.life()) {
            (_, ChildLife::Stopping(_)) => child.aside().tickets.push((ask, ticket)),
            (ChildCall::Terminate, ChildLife::Starting(_) | ChildLife::Running) => {
                child.aside().tickets.push((ask, ticket));
                self.table.set(key, ChildLife::Stopping(By::Interface));
                m.say(Action::Stop { key, shutdown });
            }
            (ChildCall::Terminate, life) => {
                if life != ChildLife::Nothing {
                    self.call_off(key, m);
                    self.end(key, Exit::Shutdown, m);
                }
                m.reply(ticket, Ok(Answer::Terminated));
            }
            (ChildCall::Restart, ChildLife::Nothing | ChildLife::Held) => {
                child.aside().tickets.push((ask, ticket));
                self.table.set(key, ChildLife::Starting(By::Interface));
                m.say(Action::Start { key, after: None, automatic: false });
            }
            (ChildCall::Delete, ChildLife::Nothing | ChildLife::Held) => {
                self.table.remove(key);
                m.say(Action::Forget { key, exit: Exit::Shutdown });
                m.reply(ticket, Ok(Answer::Deleted));
            }
            (_, ChildLife::Restarting | ChildLife::Starting(By::Itself | By::Round)) => {
                m.reply(ticket, Err(InterfaceError::Restarting));
            }
            (_, ChildLife::Running | ChildLife::Gone | ChildLife::Starting(_)) => {
                m.reply(ticket, Err(InterfaceError::Running));
            }
        }
    }

    pub(super) fn stopped(&mut self, key: ChildKey, odd: Option<Exit>, m: &mut Moment<'_>) {
        let Some(ChildLife::Stopping(by)) = self.table.life(key) else { return };
        let aside = self.table.get_mut(key).and_then(|child| child.aside.as_mut());
        let is_told = aside.is_some_and(|aside| std::mem::take(&mut aside.is_told));
        if let Some(odd) = odd.filter(|_| !is_told) {
            self.report(Context::ShutdownError, key, odd, m);
        }
        let tickets = self.take_tickets(key);
        if by == By::Interface {
            self.call_attempt_off(key);
        }
        match by {
            By::Round => self.swept(key, Exit::Shutdown, m),
            By::Stray => self.table.set(key, ChildLife::Nothing),
            By::Interface | By::Spawn | By::Itself => self.end(key, Exit::Shutdown, m),
        }
        // Up to the first call to terminate they wait for this stop or for the start that it cut short. Those after it
        // came while the child was being stopped, and are asked again.
        let mut terminated = by != By::Interface;
        for (ask, ticket) in tickets {
            match ask {
                _ if terminated => self.asked(ask, key, ticket, m),
                ChildCall::Terminate => {
                    terminated = true;
                    m.reply(ticket, Ok(Answer::Terminated));
                }
                ChildCall::Restart | ChildCall::Delete => {
                    let why = "terminated during its start".to_owned();
                    m.reply(ticket, Err(InterfaceError::StartFailed(why)));
                }
            }
        }
        self.go_on_after(key, m);
    }

    /// Drops what was still to be done about a child's end; gives the exit back.
    pub(super) fn call_off(&mut self, key: ChildKey, m: &mut Moment<'_>) -> Option<Exit> {
        let child = self.table.get_mut(key)?;
        let life = child.life();
        let brutal = child.shutdown == Shutdown::Brutal;
        let Pending { after, place, .. } = child.aside.as_mut()?.pending.take()?;
        if life == ChildLife::Restarting && place.is_none() {
            m.say(Action::CancelWait { key });
        }
        if life == ChildLife::Gone && after.is_abnormal() && !brutal {
            self.report(Context::ShutdownError, key, after.clone(), m);
        }
        Some(after)
    }

    pub(super) fn take_tickets(&mut self, key: ChildKey) -> Vec<(ChildCall, u64)> {
        let aside = self.table.get_mut(key).and_then(|child| child.aside.as_mut());
        aside.map(|aside| std::mem::take(&mut aside.tickets)).unwrap_or_default()
    }

    /// The supervisor is about to end: nothing waits any more, and `last` says why.
    pub(super) fn finish(&mut self, last: Action, m: &mut Moment<'_>) {
        for (key, life, aside) in self.table.take_asides() {
            if life == ChildLife::Restarting && aside.pending.is_some_and(|pending| pending.place.is_none()) {
                m.say(Action::CancelWait { key });
            }
            for (_, ticket) in aside.tickets {
                m.reply(ticket, Err(InterfaceError::Ending));
            }
        }
        for waiting in self.backlog.drain(..) {
            if let Backlogged::Asked { ticket, .. } = waiting {
                m.reply(ticket, Err(InterfaceError::Ending));
            }
        }
        self.round = None;
        self.over = true;
        m.say(last);
    }

    /// Nothing is decided any more; only what runs is kept up to date.
    pub(super) fn after_the_end(&mut self, event: Event, m: &mut Moment<'_>) {
        match event {
            Event::Terminate { ticket, .. }
            | Event::Restart { ticket, .. }
            | Event::Delete { ticket, .. } => {
                m.reply(ticket, Err(InterfaceError::Ending));
            }
            Event::Started { key, result } => {
                if let Some(ChildLife::Starting(_)) = self.table.life(key) {
                    let runs = result == Started::Ok;
                    self.table.set(key, if runs { ChildLife::Running } else { ChildLife::Nothing });
                }
            }
            Event::Exited { key, .. } | Event::Stopped { key, .. } => self.table.set(key, ChildLife::Nothing),
            Event::Due { .. } | Event::StartAll => {}
        }
    }
}

impl Moment<'_> {
    pub(super) fn reply(&mut self, ticket: u64, answer: Result<Answer, InterfaceError>) {
        self.say(Action::Reply { ticket, answer });
    }
}
