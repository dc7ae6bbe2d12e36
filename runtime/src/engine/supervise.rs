//! Performs what a seat's supervision core decides. Short: all that is decided is decided in `supervision`.
//!
//! # Invariants
//! 1. The actions of one supervisor are performed one at a time, in the order in which they were decided, whichever threads
//!    the events came from.

pub(crate) mod cell;
pub(crate) mod exits;
pub(crate) mod first_start;
pub(crate) mod interface;
pub(crate) mod orphans;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::seat::Seat;
use super::stop::Purpose;
use crate::decide::pausing::Grip;
use crate::decide::place::Back;
use crate::decide::supervision::{Action, Event, Started};
use crate::engine::seat::family::Family;
use crate::engine::seat::line::NextOrder;
use crate::engine::supervise::cell::Item;
use crate::words::event::What;
use crate::words::policy::{Exit, Shutdown};
use crate::words::time::Time;

/// How long a brutal stop of a child waits for what was dropped to be gone.
const BRUTAL: std::time::Duration = std::time::Duration::from_secs(1);

impl Seat {
    /// Serves one item of the control queue.
    pub(crate) fn serve(self: &Arc<Self>, item: Item) {
        match item {
            Item::StartChildren => self.decide(Event::StartAll),
            Item::ChildExited { number, life, exit, counted } => {
                self.decide_of((number, life), Event::Exited { key: number, exit, counted });
            }
            Item::ChildStopped { number, odd } => self.decide(Event::Stopped { key: number, odd }),
            Item::Due { number } => self.decide(Event::Due { key: number }),
            Item::Asked { ticket, event, reply } => self.asked(ticket, event, reply),
            Item::Gone { number } => self.forget_gone(number),
        }
    }

    /// Has the core decide about an event and performs the actions.
    pub(crate) fn decide(self: &Arc<Self>, event: Event) {
        self.decide_if(event, |_| true);
    }

    /// The same about a certain life of a child. Its end may be heard when it was stopped and started again since: that
    /// life is no news any more, and must not be taken for the next one's end.
    pub(crate) fn decide_of(self: &Arc<Self>, (number, life): (u32, u32), event: Event) {
        self.decide_if(event, |family| {
            family.seats.get(&number).is_some_and(|child| child.life.load(Ordering::Acquire) == life)
        });
    }

    fn decide_if(self: &Arc<Self>, event: Event, is_news: impl FnOnce(&Family) -> bool) {
        let env = &self.engine.env;
        {
            let mut gate = self.gate.lock();
            if !self.is_up() {
                // Its own end is under way, or a stop: the children end with it, whatever becomes of one of them.
                return;
            }
            let Some(family) = gate.family.as_mut().filter(|family| is_news(family)) else { return };
            let noise = u32::try_from(env.random() >> 32).unwrap_or_default();
            let mut actions = Vec::new();
            family.core.decide(event, env.now(), noise, &mut actions);
            for action in &actions {
                if let Action::Start { key, .. } = action
                    && let Some(child) = family.seats.get(key)
                {
                    child.life.fetch_add(1, Ordering::AcqRel);
                }
            }
            if !family.add(actions) {
                return;
            }
        }
        while let Some(action) = self.next_action() {
            self.perform(action);
        }
    }

    fn next_action(&self) -> Option<Action> {
        self.gate.lock().family.as_mut()?.next_action()
    }

    fn child(&self, number: u32) -> Option<Arc<Self>> {
        self.gate.lock().family.as_ref()?.seats.get(&number).cloned()
    }

    pub(crate) fn perform(self: &Arc<Self>, action: Action) {
        match action {
            Action::Start { key, .. } => self.start_child(key),
            Action::Stop { key, shutdown } => match self.child(key) {
                Some(child) => self.stop_child(&child, shutdown),
                None => self.push(Item::ChildStopped { number: key, odd: None }),
            },
            Action::Wait { key, pause } if pause.is_zero() => self.push(Item::Due { number: key }),
            Action::Wait { key, pause } => self.pause_child(key, pause),
            Action::CancelWait { key } => {
                if let Some(family) = self.gate.lock().family.as_mut() {
                    family.pauses.remove(&key);
                }
            }
            Action::Ended { key, exit } => {
                if let Some(child) = self.child(key) {
                    child.end_with_spec(exit.into());
                }
            }
            Action::Forget { key, exit } => {
                if let Some(child) = self.child(key) {
                    child.end_without_spec(exit.into());
                }
            }
            Action::StartedAll => self.order(|orders| orders.next = Some(NextOrder::Serve)),
            Action::StartFailed { key, reason } => {
                let name = self.child(key).map_or_else(|| key.to_string(), |child| child.name.to_string());
                self.give_up(Exit::failed(
                    crate::words::policy::FailureClass::Start,
                    format!("{name} failed to start: {reason}"),
                ));
            }
            Action::Report(report) => {
                if let Some(report) = self.report_of(report) {
                    self.note(What::SupervisorReport(Box::new(report)));
                }
            }
            Action::Reply { ticket, answer } => {
                let reply =
                    self.gate.lock().family.as_mut().and_then(|family| family.replies.remove(&ticket));
                if let Some(reply) = reply {
                    reply.send(answer);
                }
            }
            Action::GiveUp { exit } => self.give_up(exit),
            Action::AutoShutdown => self.give_up(Exit::Shutdown),
        }
    }

    /// It ends by itself because of its children: they are stopped first, in order.
    fn give_up(self: &Arc<Self>, exit: Exit) {
        if self.body.has_behaviour() {
            self.end_incarnation(exit, false);
        } else {
            self.exited(exit, true, false);
        }
    }

    fn stop_child(&self, child: &Arc<Self>, shutdown: Shutdown) {
        let env = &self.engine.env;
        let until_deadline = env.now() + self.engine.stop_within;
        let deadline = match shutdown {
            // No time for the child, and some for what it runs to be dropped: a runner that is not given it is no stuck one.
            Shutdown::Brutal => env.now() + BRUTAL,
            // Room for the plan's own patience above what the child gets.
            Shutdown::Within(limit) => env.now() + limit + limit / 4 + std::time::Duration::from_millis(200),
            Shutdown::UntilDeadline => until_deadline,
        };
        // A time that never comes is as good as none said: nobody would ever hear of a child that does not end.
        let deadline = if deadline == Time::NEVER { until_deadline } else { deadline };
        self.engine.stop(child, Purpose::Child, shutdown == Shutdown::Brutal, deadline);
    }

    fn pause_child(self: &Arc<Self>, number: u32, pause: std::time::Duration) {
        if let Some(child) = self.child(number) {
            let _gate = child.gate.lock();
            if child.is_closed() {
                // A stop has come by since; with its end the supervision hears that the child is gone.
                return;
            }
            child.note(What::AgentRestarting { pause });
        }
        let parent = Arc::downgrade(self);
        let timer = self.engine.env.after(pause, move || {
            if let Some(parent) = parent.upgrade() {
                parent.push(Item::Due { number });
            }
        });
        if let Some(family) = self.gate.lock().family.as_mut() {
            family.pauses.insert(number, timer);
        }
    }

    /// Starts a child, unless its own end or a stop has come by since the core decided: that ends the child too.
    fn start_child(self: &Arc<Self>, number: u32) {
        // One critical section with the fence, which goes over the parent first.
        let gate = self.gate.lock();
        if !self.is_up() {
            return;
        }
        let child = gate.family.as_ref().and_then(|family| family.seats.get(&number));
        let comes_back = child.is_some_and(|child| child.come_back(gate.grip()));
        drop(gate);
        if !comes_back {
            self.push(Item::Gone { number });
        }
    }

    /// The next incarnation, also of one that had ended while its spec stood. False if a stop has ended it for good since
    /// its supervisor decided. `above` is what holds its parent, and so it.
    fn come_back(self: &Arc<Self>, above: Option<Grip>) -> bool {
        // One critical section with the fence of a stop that comes by.
        let mut gate = self.gate.lock();
        let back = self.line.lock().place.comes_back();
        if back == Back::Reborn {
            self.hold_as_parent(&mut gate, above);
            self.reopen_cell();
            self.note(self.spawned());
            self.body.reopen();
        }
        drop(gate);
        if matches!(back, Back::Again | Back::Reborn) {
            self.restart();
        }
        // The stop that has come by says what becomes of it.
        back != Back::Never
    }

    /// A child is gone of which the core still expects something: it is told what will never come.
    fn forget_gone(self: &Arc<Self>, number: u32) {
        self.decide(Event::Terminate { key: number, ticket: 0 });
        self.decide(Event::Started { key: number, result: Started::Ignored });
        self.decide(Event::Stopped { key: number, odd: None });
        if let Some(family) = self.gate.lock().family.as_mut() {
            family.core.remove(number);
        }
    }

    /// Whether there are children that start with it: those that its spec declares and those with a spec that came later.
    pub(crate) fn has_children_to_start(&self) -> bool {
        self.gate.lock().family.as_ref().is_some_and(|family| family.core.counts().specs > 0)
    }

    pub(crate) fn start_children(self: &Arc<Self>) {
        self.push(Item::StartChildren);
    }
}
