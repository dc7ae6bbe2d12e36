//! Performs stops: the fence goes over a subtree, then the plan says who ends when.
//!
//! # Invariants
//! 1. The walk marks a seat and takes its children in one critical section of its gate, all of it under the stopper's
//!    lock; who reports to the plan takes that lock too. So the plan knows a seat before it hears of it.
//! 2. The plan's actions are performed by one thread at a time, in the plan's order, whoever brought them about. A walk
//!    waits until all that is decided is performed: it never meets a seat whose end is decided and not yet done.
//! 3. Nothing here runs user code: hooks of dormant agents are polled on the embedder's runtime, and what is woken or
//!    dropped on the way is woken and dropped elsewhere.

pub(crate) mod dropping;
pub(crate) mod giving_up;
pub(crate) mod ground;
pub(crate) mod hooks;
pub(crate) mod orders;

mod finish;
mod receipt;
mod walk;

#[cfg(feature = "lab")]
use std::collections::BTreeMap;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::finish::Finished;
use super::Engine;
use super::pause::Released;
use super::seat::Seat;
use super::turn::{Cancel, Turn};
use crate::decide::stopping::{ByKey, Command, EndRow, HookEnd, Notice, RequestId, StopPlan, TurnEnd};
use crate::decide::supervision::Started;
use crate::engine::seat::line;
use crate::engine::supervise::cell::Item;
use crate::env::Timer;
use crate::env::theirs::Reply;
use crate::words::ends::{End, HookFault};
use crate::words::event::What;
use crate::words::policy::{Exit, FailureClass};
use crate::words::receipt::StopReceipt;
use crate::words::time::Time;

/// The plan of a swarm's stops and what is needed to perform it.
#[derive(Default)]
pub(crate) struct Stopper {
    plan: StopPlan,
    nodes: ByKey<StoppingSeat>,
    requests: HashMap<RequestId, PlannedStop>,
    actions: Vec<Command>,
    asked: VecDeque<OrderedStop>,
    is_performing: bool,
    /// The session is over: what comes now stops nothing.
    is_closed: bool,
    tick: Option<Timer>,
    pub(super) hooks: hooks::DormantHooks,
}

#[cfg(feature = "lab")]
impl Stopper {
    /// The entries of each table.
    pub(super) fn entries(&self) -> BTreeMap<&'static str, usize> {
        BTreeMap::from([
            ("stopping seats", self.nodes.len()),
            ("stops", self.requests.len() + self.asked.len()),
            ("actions", self.actions.len()),
            ("seats of the plan", self.plan.len()),
        ])
    }
}

/// A seat that the plan knows.
#[derive(Clone)]
struct StoppingSeat {
    seat: Arc<Seat>,
    /// Whether it ends for good, or its supervisor starts it again.
    for_good: bool,
}

/// A stop that was asked for, and whose walk is still to come.
struct OrderedStop {
    root: Arc<Seat>,
    purpose: Purpose,
    is_brutal: bool,
    began: Time,
    deadline: Time,
}

/// A stop that the plan knows.
struct PlannedStop {
    root: Arc<Seat>,
    purpose: Purpose,
    began: Time,
    deadline: Time,
    /// Who was alive at the fence, for an ordered stop's receipt.
    seats: ByKey<Arc<Seat>>,
}

/// Why a subtree is stopped.
pub(crate) enum Purpose {
    /// Somebody ordered it, and gets the receipt.
    Ordered { within: Duration, receipt: Option<Reply<StopReceipt>> },
    /// The root's incarnation or its start is over: its children are stopped before its supervisor hears of it.
    Children { life: u32, then: EndHeard },
    /// A supervisor stops one of its children.
    Child,
}

/// What a supervisor hears of an agent.
pub(crate) enum EndHeard {
    Exited { exit: Exit, counted: bool },
    Started(Started),
}

/// What a thread that performs stops does next.
enum Duty {
    /// The session has ended since this was asked for: its asker hears that there is nothing left to stop.
    Answer(OrderedStop),
    /// Actions, each with the seat that it is about.
    Perform(Vec<(Command, Option<StoppingSeat>)>),
    Cancel(Vec<Arc<Turn>>, Vec<Released>),
}

impl Engine {
    /// Has a subtree fenced, its turns cancelled, and the plan stop it: at once, unless another thread is performing what
    /// is decided; then by that one.
    pub(crate) fn stop(
        self: &Arc<Self>,
        root: &Arc<Seat>,
        purpose: Purpose,
        is_brutal: bool,
        deadline: Time,
    ) {
        let asked =
            OrderedStop { root: Arc::clone(root), purpose, is_brutal, began: self.env.now(), deadline };
        self.perform_stops(|stopper| stopper.asked.push_back(asked));
    }

    pub(crate) fn turn_ended(self: &Arc<Self>, seat: &Seat, end: TurnEnd) {
        self.tell_plan(Notice::TurnEnded { key: seat.key, end });
    }

    pub(crate) fn hook_ended(self: &Arc<Self>, seat: &Seat, end: HookEnd) {
        self.tell_plan(Notice::HookEnded { key: seat.key, end });
    }

    fn tell_plan(self: &Arc<Self>, input: Notice) {
        let now = self.env.now();
        self.perform_stops(|stopper| stopper.step(input, now));
    }

    /// Takes something in and performs what the plan has decided, then walks for the stops that were asked for, unless
    /// another thread is about it.
    fn perform_stops(self: &Arc<Self>, take_in: impl FnOnce(&mut Stopper)) {
        self.env.aside().ours(|| self.perform(take_in));
    }

    fn perform(self: &Arc<Self>, take_in: impl FnOnce(&mut Stopper)) {
        let mut next = {
            let mut stopper = self.stopper.lock();
            take_in(&mut stopper);
            if stopper.is_performing { None } else { stopper.next(self) }
        };
        let mut performing = Performing { engine: self, is_over: next.is_none() };
        while let Some(this) = next {
            match this {
                Duty::Answer(OrderedStop { root, purpose, .. }) => {
                    if let Purpose::Ordered { receipt: Some(receipt), .. } = purpose {
                        receipt.send(StopReceipt::empty(&root));
                    }
                }
                Duty::Perform(actions) => {
                    for (action, stopping) in actions {
                        self.perform_stop(action, stopping);
                    }
                }
                Duty::Cancel(turns, released) => {
                    for turn in turns {
                        turn.cancel(Cancel::Stop);
                    }
                    // Cancelled first: what a pause held is let go to unwind, not to go on.
                    for released in released {
                        released.let_go();
                    }
                }
            }
            next = self.stopper.lock().next(self);
        }
        performing.is_over = true;
    }

    fn perform_stop(self: &Arc<Self>, action: Command, stopping: Option<StoppingSeat>) {
        match (action, stopping) {
            (Command::Hook { until, .. }, Some(StoppingSeat { seat, .. })) => hooks::begin(&seat, until),
            (Command::Abort { .. }, Some(StoppingSeat { seat, .. })) => {
                seat.order(|orders| orders.abort = true);
                if hooks::take_back(&seat) {
                    self.hook_ended(&seat, HookEnd::Dropped);
                }
            }
            (Command::Look { key }, Some(StoppingSeat { seat, .. })) => {
                let blocks = seat.blocks_its_thread();
                self.tell_plan(Notice::Looked { key, has_begun: blocks || seat.waits_in_hook(), blocks });
            }
            (Command::Ended(row), Some(stopping)) => self.seat_ended(&row, &stopping),
            (
                Command::Hook { .. } | Command::Abort { .. } | Command::Look { .. } | Command::Ended(_),
                None,
            ) => {}
            (Command::Finished { request, rows }, _) => self.stop_finished(request, rows),
            (Command::WakeAt(at), _) => {
                let engine = Arc::downgrade(self);
                let tick = self.env.at(at, move || {
                    if let Some(engine) = engine.upgrade() {
                        engine.tell_plan(Notice::Tick);
                    }
                });
                // The old timer is dropped outside the lock.
                let old = self.stopper.lock().tick.replace(tick);
                drop(old);
            }
        }
    }

    /// A seat has ended, its descendants before it.
    fn seat_ended(&self, row: &EndRow, StoppingSeat { seat, for_good }: &StoppingSeat) {
        if row.end == End::Stuck {
            seat.give_up_runner(for_good.then(|| self.why_stopped()));
        }
        if *for_good {
            seat.end(self.why_stopped(), Some(row.end));
            seat.gate.lock().family = None;
        } else {
            seat.suspended();
        }
    }

    /// Whether the session may end: no stop is on that somebody ordered, and from here on none begins.
    fn closes_to_stops(&self) -> bool {
        let mut stopper = self.stopper.lock();
        let is_ordered = |purpose: &Purpose| matches!(purpose, Purpose::Ordered { .. });
        let is_on = stopper.requests.values().any(|request| is_ordered(&request.purpose))
            || stopper.asked.iter().any(|asked| is_ordered(&asked.purpose))
            || self.delivering.load(Ordering::Acquire) > 0;
        stopper.is_closed |= !is_on;
        stopper.is_closed
    }

    fn stop_finished(self: &Arc<Self>, request: RequestId, rows: Vec<EndRow>) {
        let asked = {
            let mut stopper = self.stopper.lock();
            let Some(asked) = stopper.requests.remove(&request) else { return };
            if matches!(asked.purpose, Purpose::Ordered { .. }) {
                self.delivering.fetch_add(1, Ordering::AcqRel);
            }
            asked
        };
        match asked.purpose {
            Purpose::Ordered { receipt, .. } => {
                let stop = Finished { engine: Arc::clone(self), number: request, rows, receipt };
                self.env.spawn_control(stop.deliver(asked.root, asked.seats, asked.began, asked.deadline));
            }
            Purpose::Children { life, then } => asked.root.children_ended(life, then),
            Purpose::Child => {
                if let Some((supervisor, number)) = asked.root.supervisor() {
                    let row = rows.iter().rfind(|row| row.key == asked.root.key);
                    let odd = row.and_then(odd_end);
                    asked.root.once_dropped(move || supervisor.push(Item::ChildStopped { number, odd }));
                }
            }
        }
    }
}

/// How a child ended that its supervisor stopped, if not as it was asked to.
fn odd_end(row: &EndRow) -> Option<Exit> {
    if row.brutal {
        return None;
    }
    let (class, message) = match (&row.hook, row.end) {
        (Some(HookFault::Failed(message)), _) => (FailureClass::Failed, format!("its stop hook: {message}")),
        (Some(HookFault::Panicked(message)), _) => (FailureClass::Bug, format!("its stop hook {message}")),
        (Some(HookFault::Hung), _) | (None, End::Aborted) => {
            (FailureClass::Killed, "it did not end in time".to_owned())
        }
        (None, End::Stuck) => (FailureClass::Killed, "it could not be stopped".to_owned()),
        (None, End::Clean | End::AlreadyStopped) => return None,
    };
    Some(Exit::failed(class, message))
}

/// Whoever performs what is decided. One that a panic ends gives it up: whoever comes next goes on with it, so that a bug of
/// ours costs one action and not every later receipt.
struct Performing<'a> {
    engine: &'a Engine,
    is_over: bool,
}

impl Drop for Performing<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.engine.stopper.lock().is_performing = false;
        }
    }
}

impl Stopper {
    fn step(&mut self, input: Notice, now: Time) {
        self.plan.step(input, now, &mut self.actions);
    }

    /// What is to be done next, by whoever calls this: all that is decided comes before a walk.
    fn next(&mut self, engine: &Engine) -> Option<Duty> {
        let next = if self.actions.is_empty() {
            self.asked.pop_front().map(|asked| self.begin(asked, engine))
        } else {
            let actions = std::mem::take(&mut self.actions).into_iter();
            Some(Duty::Perform(actions.map(|action| self.with_seat(action)).collect()))
        };
        self.is_performing = next.is_some();
        next
    }

    /// A seat that has ended is let go.
    fn with_seat(&mut self, action: Command) -> (Command, Option<StoppingSeat>) {
        let seat = match &action {
            Command::Hook { key, .. } | Command::Abort { key } | Command::Look { key } => {
                self.nodes.get(key).cloned()
            }
            Command::Ended(row) => self.nodes.remove(&row.key),
            Command::Finished { .. } | Command::WakeAt(_) => None,
        };
        (action, seat)
    }

    /// Fences a subtree and has the plan stop it. What is left to do is to cancel its turns.
    fn begin(&mut self, asked: OrderedStop, engine: &Engine) -> Duty {
        if self.is_closed {
            return Duty::Answer(asked);
        }
        let OrderedStop { root, purpose, is_brutal, began, deadline } = asked;
        let request = engine.number();
        let walk = self.walk(&root, &purpose, request, engine);
        let mut seats = ByKey::default();
        if let Purpose::Ordered { within, .. } = &purpose {
            root.note(What::StopBegan { stop: request, agents: walk.agents(), within: *within });
            seats.extend(walk.seats.iter().map(|seat| (seat.key, Arc::clone(seat))));
        }
        let input =
            Notice::Request { request, root: root.key, nodes: walk.nodes, deadline, brutal: is_brutal };
        self.requests.insert(request, PlannedStop { root, purpose, began, deadline, seats });
        self.step(input, engine.env.now());
        Duty::Cancel(walk.cancelled, walk.released)
    }
}

impl Seat {
    /// Its incarnation was ended by its supervisor, which starts it again. Its tasks wait.
    fn suspended(self: &Arc<Self>) {
        if self.is_spared_root() {
            return;
        }
        // A pause may lie over it, and what has exited does not exit again.
        if self.incarnation() > 0 && !self.live.lock().lifecycle.is_down() {
            self.note(What::AgentExited { exit: Exit::Shutdown });
        }
        self.reset_children();
        let mut line = self.line.lock();
        if line.place.takes_dormant() {
            drop(line);
            self.rest_if_quiet();
            // Its hook has taken it, unless the stop was brutal.
            self.drop_dormant();
            self.release_holdings_aside();
        } else if line.place.has_runner() {
            line.orders.next = Some(line::NextOrder::End);
            let waker = line.take_waker();
            drop(line);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Whether its own end is under way, so that only its children were stopped.
    fn is_spared_root(&self) -> bool {
        !self.line.lock().place.is_fenced()
    }
}
