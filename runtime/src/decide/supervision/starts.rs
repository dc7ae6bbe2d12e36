//! What follows from an answered start.

use super::action::Action;
use super::event::Started;
use super::table::{By, ChildLife};
use super::{Core, Moment};
use crate::words::child::ChildKey;
use crate::words::child_interface::{Answer, InterfaceError};
use crate::words::child_report::Context;
use crate::words::policy::{Exit, FailureClass, Shutdown};

impl Core {
    pub(super) fn started(&mut self, key: ChildKey, result: Started, m: &mut Moment<'_>) {
        match (self.table.life(key), result) {
            (Some(ChildLife::Starting(by)), Started::Ok) => self.runs(key, by, m),
            (Some(ChildLife::Starting(_)), Started::Ignored) => self.ignored(key, m),
            (Some(ChildLife::Starting(by)), Started::Failed(reason)) => self.start_failed(key, by, reason, m),
            (Some(ChildLife::Nothing | ChildLife::Held), Started::Ok) => self.stray(key, m),
            (None, Started::Ok) => m.say(Action::Stop { key, shutdown: Shutdown::default() }),
            // A child that is being stopped is stopped with whatever its start has begun.
            (_, _) => {}
        }
    }

    fn runs(&mut self, key: ChildKey, by: By, m: &mut Moment<'_>) {
        self.reply_to_start(key, &Ok(Answer::Started), m);
        self.table.set(key, ChildLife::Running);
        let lasting = self.own_limit(key).is_some();
        if let Some(child) = self.table.get_mut(key) {
            if !lasting && child.backoff().is_none() {
                child.aside = None;
            } else if let Some(aside) = &mut child.aside {
                aside.failed_starts = 0;
                aside.returns = false;
                aside.ends = false;
                aside.since = m.now;
            }
        }
        if matches!(by, By::Itself | By::Round) {
            self.tell(Context::Progress, key, None, m);
        }
        self.go_on_after(key, m);
    }

    fn ignored(&mut self, key: ChildKey, m: &mut Moment<'_>) {
        self.reply_to_start(key, &Ok(Answer::Ignored), m);
        self.end(key, Exit::Normal, m);
        self.go_on_after(key, m);
    }

    fn start_failed(&mut self, key: ChildKey, by: By, reason: String, m: &mut Moment<'_>) {
        match by {
            By::Spawn => {
                self.table.remove(key);
                m.say(Action::Forget { key, exit: Exit::failed(FailureClass::Start, reason) });
            }
            By::Interface => {
                self.reply_to_start(key, &Err(InterfaceError::StartFailed(reason.clone())), m);
                self.end(key, Exit::failed(FailureClass::Start, reason), m);
            }
            By::Round => self.round_failed(key, reason, m),
            By::Itself | By::Stray => self.start_failed_again(key, reason, m),
        }
    }

    /// A start that was given up answers after all that it runs.
    fn stray(&mut self, key: ChildKey, m: &mut Moment<'_>) {
        let Some(child) = self.table.get(key) else { return };
        let shutdown = child.shutdown;
        if child.life() == ChildLife::Held {
            self.end(key, Exit::Shutdown, m);
        }
        self.table.set(key, ChildLife::Stopping(By::Stray));
        m.say(Action::Stop { key, shutdown });
    }

    fn reply_to_start(&mut self, key: ChildKey, answer: &Result<Answer, InterfaceError>, m: &mut Moment<'_>) {
        for (_, ticket) in self.take_tickets(key) {
            m.say(Action::Reply { ticket, answer: answer.clone() });
        }
    }
}
