//! The supervision core: what a supervisor decides, after Erlang/OTP's `supervisor`.
//!
//! A pure machine. It hears [`Event`]s, and says [`Action`]s that an engine performs; it never waits, reads no clock and
//! draws no random number. Answers may come late and in any order; each child has at most one of them outstanding.
//!
//! ```text
//!            Start ─▶ Started                       Stop ─▶ Stopped
//!  nothing ──────────────────▶ running ──▶ stopping ──────────────▶ nothing, or forgotten
//!     ▲                           │ Exited
//!     └───── not restarted ◀──────┤
//!                                 ▼
//!              restarting (Wait ─▶ Due) ── Start ─▶ …
//! ```
//!
//! A child under `one_for_one`, and a dynamic one under any strategy, is handled alone: its slow start delays nobody.
//! Under `one_for_all` and `rest_for_one` a restart is a *round* that stops the siblings in scope in reverse order and
//! starts them in order.
//!
//! # Invariants
//! 1. At most one round is under way. What would need another, and all that the interface asks meanwhile, waits in the
//!    backlog in the order in which it came, as in OTP's mailbox. A round begins only when no spawn and no call of the
//!    interface is starting or stopping a child with a spec.
//! 2. No child is started while anything runs for it, or while an answer is outstanding for it.
//! 3. Each ticket of the interface gets one reply, or is given back by [`Core::reset`].
//! 4. For a child with a spec `Ended` is said when nothing runs for it and no restart is owed to it; for a dynamic or a
//!    temporary one `Forget`, once, and nothing is ever said of it again, except to stop what should not run.
//! 5. One exit costs O(log n) of n children, a round O(log n) for each child in its scope.

pub mod action;
pub mod event;

mod aside;
mod change;
mod exits;
mod interface;
mod pause;
mod round;
mod starts;
mod table;
mod window;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use self::action::Action;
pub use self::event::{Event, Started};
pub use crate::words::child::{self, BadChild, ChildKey, ChildPolicy, Decision};
pub use crate::words::child_interface::{Answer, InterfaceError};
pub use crate::words::child_report::{self as report, ChildReport, Context, Report};
pub use crate::words::supervisor::{BadPolicy, Policy};
pub use crate::words::written::{ChildSpec, ChildType, SupervisorFlags, WrittenStrategy};

use self::aside::{Backlogged, ChildCall};
use self::round::Round;
use self::table::{By, ChildLife, Table};
use self::window::RecentRestarts;
use crate::words::policy::{Exit, Restart, Shutdown};
use crate::words::time::Time;

/// What can be seen of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildState {
    /// It is being started, for the first time or again.
    Starting,
    /// It runs.
    Running,
    /// It waits for its next attempt.
    Restarting,
    /// It is being stopped, or its end is about to be dealt with.
    Stopping,
    /// Nothing runs for it.
    Nothing,
}

/// The numbers of `count_children`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counts {
    /// Children with a spec of their own. A dynamic supervisor adds one, for its template.
    pub specs: usize,
    /// Children that run; not those that are starting or restarting.
    pub active: usize,
    /// Children that are supervisors, whether they run or not.
    pub supervisors: usize,
    /// The others, whether they run or not.
    pub workers: usize,
}

/// In which order a supervisor's children are stopped with it (S7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopOrder {
    /// Dynamic ones: first, and all at once.
    pub together: Vec<ChildKey>,
    /// Those with a spec: then, one after another, from the last to the first.
    pub one_by_one: Vec<ChildKey>,
}

/// The decisions of one supervisor.
#[derive(Debug)]
pub struct Core {
    policy: Policy,
    table: Table,
    window: RecentRestarts,
    round: Option<Round>,
    backlog: VecDeque<Backlogged>,
    /// Places in the backlog that have been given out.
    places: u64,
    /// A child was given up alone since the last round: what was stopped for it is started again.
    resumes: bool,
    /// It has given up, shut down or failed to start, and decides nothing more.
    over: bool,
}

/// What a decision is made with: the time, noise, and where the actions go.
struct Moment<'a> {
    now: Time,
    noise: u32,
    out: &'a mut Vec<Action>,
}

impl Moment<'_> {
    fn say(&mut self, action: Action) {
        self.out.push(action);
    }

    /// The caller's number first; more of them, which only a long backlog needs, are mixed from it.
    fn noise(&mut self) -> u32 {
        let noise = self.noise;
        self.noise = noise.wrapping_mul(0x9E37_79B9).rotate_left(13).wrapping_add(1);
        noise
    }
}

impl Core {
    /// A supervisor without children. The policy is the caller's to [check](Policy::check).
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            table: Table::default(),
            window: RecentRestarts::default(),
            round: None,
            backlog: VecDeque::new(),
            places: 0,
            resumes: false,
            over: false,
        }
    }

    /// Enters a child with a spec and with nothing running, for [`Event::StartAll`].
    ///
    /// # Errors
    /// The field that does not fit; nothing has changed then.
    pub fn declare(&mut self, key: ChildKey, policy: ChildPolicy) -> Result<(), BadChild> {
        if policy.dynamic {
            return Err(BadChild::DynamicDeclared);
        }
        self.enter(key, policy, false, ChildLife::Nothing)
    }

    /// Enters a child as starting: the caller performs the start in place and then says [`Event::Started`]. If that
    /// failed the child and its spec are forgotten. One with a spec comes back with its supervisor, and where its start fails
    /// then, it is tried again and given up alone: what was added may not take along what was declared.
    ///
    /// # Errors
    /// The field that does not fit; nothing has changed then.
    pub fn insert(&mut self, key: ChildKey, policy: ChildPolicy) -> Result<(), BadChild> {
        self.enter(key, policy, true, ChildLife::Starting(By::Spawn))
    }

    fn enter(
        &mut self,
        key: ChildKey,
        policy: ChildPolicy,
        added: bool,
        life: ChildLife,
    ) -> Result<(), BadChild> {
        if self.table.get(key).is_some() {
            return Err(BadChild::Taken(key));
        }
        policy.check(self.policy.auto_shutdown)?;
        self.table.insert(key, policy, added, life);
        Ok(())
    }

    /// Decides about an event and pushes what is to be done to `out`.
    ///
    /// `noise` is a fresh random number, for jitter. `now` never goes back.
    pub fn decide(&mut self, event: Event, now: Time, noise: u32, out: &mut Vec<Action>) {
        let m = &mut Moment { now, noise, out };
        if self.over && event != Event::StartAll {
            self.after_the_end(event, m);
            return;
        }
        match event {
            Event::StartAll => self.start_all(m),
            Event::Started { key, result } => self.started(key, result, m),
            Event::Exited { key, exit, counted } => self.exited(key, exit, counted, m),
            Event::Stopped { key, odd } => self.stopped(key, odd, m),
            Event::Due { key } => self.due(key, m),
            Event::Terminate { key, ticket } => self.asked(ChildCall::Terminate, key, ticket, m),
            Event::Restart { key, ticket } => self.asked(ChildCall::Restart, key, ticket, m),
            Event::Delete { key, ticket } => self.asked(ChildCall::Delete, key, ticket, m),
        }
        self.serve_backlog(m);
        self.release_held(m);
    }

    /// The supervisor itself has ended and all its children with it: dynamic ones are gone, specs stay with nothing
    /// running, the window is empty, pauses are over without an answer. Gives back the tickets that will not be replied to.
    pub fn reset(&mut self) -> Vec<u64> {
        let asides = self.table.take_asides();
        let mut dropped: Vec<u64> =
            asides.flat_map(|(_, _, aside)| aside.tickets).map(|(_, ticket)| ticket).collect();
        dropped.extend(self.backlog.drain(..).filter_map(|waiting| match waiting {
            Backlogged::Asked { ticket, .. } => Some(ticket),
            Backlogged::End { .. } => None,
        }));
        self.table.reset();
        self.window.clear();
        self.round = None;
        self.resumes = false;
        self.over = false;
        dropped
    }

    /// Takes a child out without a word, and says whether it could: not while an answer is outstanding for it, except
    /// that of a dynamic child's spawn.
    pub fn remove(&mut self, key: ChildKey) -> bool {
        let Some(child) = self.table.get(key) else { return false };
        let quiet = match child.life() {
            ChildLife::Nothing | ChildLife::Held => true,
            ChildLife::Running | ChildLife::Starting(By::Spawn) => child.dynamic,
            ChildLife::Starting(_) | ChildLife::Stopping(_) | ChildLife::Gone | ChildLife::Restarting => {
                false
            }
        };
        quiet && self.table.remove(key).is_some()
    }

    /// Changes the supervisor's policy; it holds from the next decision on. Children stay as they are, also significant
    /// ones where auto-shutdown is now never.
    ///
    /// # Errors
    /// The field that does not fit; nothing has changed then.
    pub fn change(&mut self, policy: Policy) -> Result<(), BadPolicy> {
        policy.check()?;
        self.policy = policy;
        Ok(())
    }

    /// Changes a child's policy; it holds from the next decision on. False if there is no such child.
    ///
    /// # Errors
    /// The field that does not fit; nothing has changed then.
    pub fn change_child(&mut self, key: ChildKey, policy: ChildPolicy) -> Result<bool, BadChild> {
        let Some(child) = self.table.get(key) else { return Ok(false) };
        if policy.dynamic != child.dynamic {
            return Err(BadChild::DynamicChanged);
        }
        policy.check(self.policy.auto_shutdown)?;
        Ok(self.table.change(key, policy))
    }

    /// The child has nothing left to do: after the end that comes it is not restarted, however it ends. One that is permanent
    /// is, for it was to be there again after each.
    pub fn expect_end(&mut self, key: ChildKey) {
        let running = self.table.get_mut(key).filter(|child| child.life() == ChildLife::Running);
        if let Some(child) = running.filter(|child| child.restart != Restart::Permanent) {
            child.aside().ends = true;
        }
    }

    /// What can be seen of a child; none if there is no such child.
    #[must_use]
    pub fn state(&self, key: ChildKey) -> Option<ChildState> {
        self.table.life(key).map(ChildState::from)
    }

    /// Whether a child is being started by a spawn, by the interface or with its supervisor: a start that has an end. False in
    /// an attempt to restart it, after which there may be another.
    #[must_use]
    pub fn is_starting(&self, key: ChildKey) -> bool {
        match self.table.life(key) {
            Some(ChildLife::Starting(By::Spawn | By::Interface)) => true,
            Some(ChildLife::Starting(By::Round)) => self.starts_all(),
            _ => false,
        }
    }

    /// The child whose answer comes before any other with a spec is started.
    #[must_use]
    pub fn waits_for(&self) -> Option<ChildKey> {
        self.round.as_ref().and_then(Round::at)
    }

    /// The supervisor's policy.
    #[must_use]
    pub const fn supervisor(&self) -> Policy {
        self.policy
    }

    /// A child's policy.
    #[must_use]
    pub fn policy(&self, key: ChildKey) -> Option<ChildPolicy> {
        self.table.get(key).map(table::TableChild::policy)
    }

    /// How a child is stopped.
    #[must_use]
    pub fn shutdown(&self, key: ChildKey) -> Option<Shutdown> {
        self.table.get(key).map(|child| child.shutdown)
    }

    /// All keys, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<ChildKey> {
        self.table.all().into_iter().map(|(key, _)| key).collect()
    }

    /// How many children there are, in O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no child.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who is to be stopped when the supervisor ends: all for whom something runs, starts or is being stopped.
    #[must_use]
    pub fn stop_order(&self) -> StopOrder {
        fn alive((key, child): (ChildKey, &table::TableChild)) -> Option<ChildKey> {
            matches!(child.life(), ChildLife::Starting(_) | ChildLife::Running | ChildLife::Stopping(_))
                .then_some(key)
        }
        StopOrder {
            together: self.table.dynamic().filter_map(alive).collect(),
            one_by_one: self.table.fixed().rev().filter_map(alive).collect(),
        }
    }

    /// The numbers of `count_children`, in O(1).
    #[must_use]
    pub fn counts(&self) -> Counts {
        let sums = self.table.sums();
        Counts {
            specs: self.table.specs(),
            active: sums.active,
            supervisors: sums.supervisors,
            workers: self.table.len() - sums.supervisors,
        }
    }

    /// All children and what can be seen of them, the newest first.
    #[must_use]
    pub fn which_children(&self) -> Vec<(ChildKey, ChildState)> {
        self.table.all().into_iter().rev().map(|(key, child)| (key, child.life().into())).collect()
    }
}

impl Core {
    fn report(&self, context: Context, key: ChildKey, reason: Exit, m: &mut Moment<'_>) {
        self.tell(context, key, Some(reason), m);
    }

    /// Says something of a child, with what holds for it.
    fn tell(&self, context: Context, child: ChildKey, reason: Option<Exit>, m: &mut Moment<'_>) {
        if let Some(policy) = self.policy(child).map(Box::new) {
            m.say(Action::Report(Report { context, child, policy, reason }));
        }
    }
}

impl From<ChildLife> for ChildState {
    fn from(life: ChildLife) -> Self {
        match life {
            ChildLife::Nothing | ChildLife::Held => Self::Nothing,
            ChildLife::Starting(_) => Self::Starting,
            ChildLife::Running => Self::Running,
            ChildLife::Restarting => Self::Restarting,
            ChildLife::Gone | ChildLife::Stopping(_) => Self::Stopping,
        }
    }
}
