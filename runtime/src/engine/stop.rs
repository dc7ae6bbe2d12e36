//! Performs stops: the fence goes over a subtree, then the plan says who ends when.
//!
//! # Invariants
//! 1. The walk marks a seat and takes its children in one critical section of its gate, all of it under the stopper's
//!    lock; who reports to the plan takes that lock too. So the plan knows a seat before it hears of it.
//! 2. The plan's actions are performed by one thread at a time, in the plan's order, whoever brought them about. A walk
//!    waits until all that is decided is performed: it never meets a seat whose end is decided and not yet done.
//! 3. Nothing here runs user code: hooks of dormant agents are polled on the embedder's runtime.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::cell::Item;
use super::line::{self, Presence};
use super::seat::{Fence, Seat};
use super::turn::{Cancel, Turn};
use super::{Engine, hooks};
use crate::env::Timer;
use crate::event::{Role, What};
use crate::lifecycle::{AgentState, StopReason};
use crate::policy::{Exit, Shutdown};
use crate::receipt::StopReceipt;
use crate::stopping::{Action, End, HookEnd, Input, Node, RequestId, Row, SeatKey, StopPlan, TurnEnd};
use crate::supervision::Started;
use crate::time::Time;

/// The plan of a swarm's stops and what is needed to perform it.
#[derive(Default)]
pub(crate) struct Stopper {
    plan: StopPlan,
    nodes: HashMap<SeatKey, Stopping>,
    requests: HashMap<RequestId, Request>,
    actions: VecDeque<Action>,
    asked: VecDeque<Asked>,
    is_performing: bool,
    tick: Option<Timer>,
    pub(super) hooks: VecDeque<Arc<Seat>>,
    pub(super) is_driving: bool,
}

/// A seat that the plan knows.
struct Stopping {
    seat: Arc<Seat>,
    /// Whether it ends for good, or its supervisor starts it again.
    for_good: bool,
}

/// A stop that was asked for, and whose walk is still to come.
struct Asked {
    root: Arc<Seat>,
    purpose: Purpose,
    is_brutal: bool,
    began: Time,
    deadline: Time,
}

/// A stop that the plan knows.
struct Request {
    root: Arc<Seat>,
    purpose: Purpose,
    began: Time,
    deadline: Time,
    /// Who was alive at the fence, for an ordered stop's receipt.
    seats: HashMap<SeatKey, Arc<Seat>>,
}

/// Why a subtree is stopped.
pub(crate) enum Purpose {
    /// Somebody ordered it, and gets the receipt.
    Ordered { within: Duration, receipt: Option<oneshot::Sender<StopReceipt>> },
    /// The root's incarnation or its start is over: its children are stopped before its supervisor hears of it.
    Children { then: Heard },
    /// A supervisor stops one of its children.
    Child,
}

/// What a supervisor hears of an agent.
pub(crate) enum Heard {
    Exited { exit: Exit, counted: bool },
    Started(Started),
}

/// What a thread that performs stops does next.
enum Next {
    Perform(Action),
    Cancel(Vec<Arc<Turn>>),
}

/// A walk over a subtree that is being fenced.
struct Walk {
    nodes: Vec<Node>,
    seats: Vec<Arc<Seat>>,
    cancelled: Vec<Arc<Turn>>,
}

impl Walk {
    /// How many agents were alive at the fence; the root and scopes are places.
    fn agents(&self) -> usize {
        self.seats.iter().filter(|seat| seat.body.has_behaviour()).count()
    }
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
        let asked = Asked { root: Arc::clone(root), purpose, is_brutal, began: self.env.now(), deadline };
        self.stopper.lock().asked.push_back(asked);
        self.perform_stops();
    }

    pub(crate) fn turn_ended(self: &Arc<Self>, seat: &Seat, end: TurnEnd) {
        self.tell_plan(Input::TurnEnded { key: seat.key, end });
    }

    pub(crate) fn hook_ended(self: &Arc<Self>, seat: &Seat, end: HookEnd) {
        self.tell_plan(Input::HookEnded { key: seat.key, end });
    }

    fn tell_plan(self: &Arc<Self>, input: Input) {
        self.stopper.lock().step(input, self.env.now());
        self.perform_stops();
    }

    /// Performs what the plan has decided, then walks for the stops that were asked for, unless another thread is about it.
    fn perform_stops(self: &Arc<Self>) {
        loop {
            let next = {
                let mut stopper = self.stopper.lock();
                let next = if stopper.is_performing { None } else { stopper.next(self) };
                let Some(next) = next else { return };
                stopper.is_performing = true;
                next
            };
            match next {
                Next::Perform(action) => self.perform_stop(action),
                Next::Cancel(turns) => {
                    for turn in turns {
                        turn.cancel(Cancel::Stop);
                    }
                }
            }
            self.stopper.lock().is_performing = false;
        }
    }

    fn perform_stop(self: &Arc<Self>, action: Action) {
        match action {
            Action::Hook { key, until } => {
                if let Some(seat) = self.stopping(key) {
                    hooks::begin(&seat, until);
                }
            }
            Action::Abort { key } => {
                if let Some(seat) = self.stopping(key) {
                    seat.order(|orders| orders.abort = true);
                    if hooks::take_back(&seat) {
                        self.hook_ended(&seat, HookEnd::Dropped);
                    }
                }
            }
            Action::Ended(row) => self.seat_ended(&row),
            Action::Finished { request, rows } => self.stop_finished(request, rows),
            Action::WakeAt(at) => {
                let engine = Arc::downgrade(self);
                let tick = self.env.at(at, move || {
                    if let Some(engine) = engine.upgrade() {
                        engine.tell_plan(Input::Tick);
                    }
                });
                // The old timer is dropped outside the lock.
                let old = self.stopper.lock().tick.replace(tick);
                drop(old);
            }
        }
    }

    fn stopping(&self, key: SeatKey) -> Option<Arc<Seat>> {
        self.stopper.lock().nodes.get(&key).map(|stopping| Arc::clone(&stopping.seat))
    }

    /// A seat has ended, its descendants before it.
    fn seat_ended(&self, row: &Row) {
        let ended = self.stopper.lock().nodes.remove(&row.key);
        let Some(Stopping { seat, for_good }) = ended else { return };
        if row.end == End::Stuck {
            self.supersede(&seat, for_good);
        }
        if for_good {
            seat.end(StopReason::Stopped, Some(row.end));
            seat.gate.lock().family = None;
        } else {
            seat.suspended();
        }
    }

    /// Gives a runner up that could not be stopped, and says so: a restart or a later stop must not hide it.
    fn supersede(&self, seat: &Arc<Seat>, for_good: bool) {
        if seat.supersede(for_good) {
            seat.release_holdings_aside();
            let report = "it could not be stopped: what it still runs is refused everything".to_owned();
            seat.note(What::Reported { report, child: None });
            self.leaving.lock().insert(seat.key, Arc::clone(seat));
            seat.check_vacant();
        }
    }

    /// What is left of earlier lives in a subtree, but for those that are being stopped now; parents before children.
    fn leaving_within(&self, root: &Seat, but: &HashMap<SeatKey, Arc<Seat>>) -> Vec<Arc<Seat>> {
        let leaving = self.leaving.lock();
        let here = |seat: &&Arc<Seat>| seat.id.is_within(&root.id) && !but.contains_key(&seat.key);
        let mut here: Vec<_> = leaving.values().filter(here).cloned().collect();
        here.sort_by_key(|seat| seat.id.depth());
        here
    }

    /// Waits until a seat's cell and runner are gone, at most until then.
    async fn is_vacant_by(&self, seat: &Seat, until: Time) -> bool {
        if seat.vacant.is_raised() {
            return true;
        }
        tokio::select! {
            biased;
            () = seat.vacant.raised() => true,
            // The swarm's own stop has waited as long as it may.
            () = self.closing.raised() => false,
            () = self.env.sleep_until(until) => false,
        }
    }

    fn stop_finished(self: &Arc<Self>, request: RequestId, rows: Vec<Row>) {
        let Some(asked) = self.stopper.lock().requests.remove(&request) else { return };
        match asked.purpose {
            Purpose::Ordered { receipt, .. } => {
                let stop = Finished { engine: Arc::clone(self), number: request, rows, receipt };
                self.delivering.fetch_add(1, Ordering::AcqRel);
                self.env.spawn_control(stop.deliver(asked.root, asked.seats, asked.began, asked.deadline));
            }
            Purpose::Children { then } => asked.root.children_ended(then),
            Purpose::Child => {
                if let Some(parent) = &asked.root.parent {
                    parent.push(Item::ChildStopped { number: asked.root.number });
                }
            }
        }
    }
}

/// An ordered stop whose plan has finished.
struct Finished {
    engine: Arc<Engine>,
    number: RequestId,
    rows: Vec<Row>,
    receipt: Option<oneshot::Sender<StopReceipt>>,
}

/// What has been told to go may take so long to be gone, even past the deadline.
const GOING: Duration = Duration::from_millis(50);

impl Finished {
    /// Waits until cells and runners are gone as the plan has it, and hands the receipt over.
    async fn deliver(
        mut self,
        root: Arc<Seat>,
        mut seats: HashMap<SeatKey, Arc<Seat>>,
        began: Time,
        deadline: Time,
    ) {
        let env = &self.engine.env;
        let until = deadline.max(env.now() + GOING);
        // Joined to a stop that its supervision had begun, it hears of seats that had ended there and then ended again.
        let mut last = HashSet::new();
        self.rows.reverse();
        self.rows.retain(|row| seats.contains_key(&row.key) && last.insert(row.key));
        self.rows.reverse();
        let leaving = self.engine.leaving_within(&root, &seats);
        for row in self.rows.iter_mut().filter(|row| row.end != End::Stuck) {
            if let Some(seat) = seats.get(&row.key)
                && !self.engine.is_vacant_by(seat, until).await
            {
                row.end = End::Stuck;
            }
        }
        for seat in leaving.iter().filter(|seat| !seat.is_stuck()) {
            self.engine.is_vacant_by(seat, until).await;
        }
        let took = env.now().since(began);
        for seat in leaving.into_iter().filter(|seat| seat.is_leaving()) {
            self.rows.insert(0, Row { key: seat.key, end: End::Stuck, hook: None, brutal: false, took });
            seats.insert(seat.key, seat);
        }
        let receipt = StopReceipt::new(&root, &self.rows, &seats, took);
        root.leave_family(false);
        root.note(What::StopEnded {
            stop: self.number,
            agents: receipt.rows().len(),
            stuck: receipt.stuck(),
            clean: receipt.is_clean(),
        });
        self.engine.delivering.fetch_sub(1, Ordering::AcqRel);
        if root.parent.is_none() {
            // Those who still wait for a part of it are answered before all is over.
            self.engine.closing.raise();
            while self.engine.delivering.load(Ordering::Acquire) > 0 {
                tokio::task::yield_now().await;
            }
            self.engine.end_session(&root);
        }
        if let Some(asker) = self.receipt {
            asker.send(receipt).ok();
        }
    }
}

impl Stopper {
    fn step(&mut self, input: Input, now: Time) {
        let mut actions = Vec::new();
        self.plan.step(input, now, &mut actions);
        self.actions.extend(actions);
    }

    /// What is to be done next: all that is decided comes before a walk.
    fn next(&mut self, engine: &Engine) -> Option<Next> {
        match self.actions.pop_front() {
            Some(action) => Some(Next::Perform(action)),
            None => self.asked.pop_front().map(|asked| Next::Cancel(self.begin(asked, engine))),
        }
    }

    /// Fences a subtree and has the plan stop it. Gives the turns that are to be cancelled.
    fn begin(&mut self, asked: Asked, engine: &Engine) -> Vec<Arc<Turn>> {
        let Asked { root, purpose, is_brutal, began, deadline } = asked;
        let request = engine.number();
        let walk = self.walk(&root, &purpose, request);
        let mut seats = HashMap::new();
        if let Purpose::Ordered { within, .. } = &purpose {
            root.note(What::StopBegan { stop: request, agents: walk.agents(), within: *within });
            seats.extend(walk.seats.iter().map(|seat| (seat.key, Arc::clone(seat))));
        }
        let input =
            Input::Request { request, root: root.key, nodes: walk.nodes, deadline, brutal: is_brutal };
        self.requests.insert(request, Request { root, purpose, began, deadline, seats });
        self.step(input, engine.env.now());
        walk.cancelled
    }

    /// Fences the subtree top-down and lists whom the plan does not know yet, parents before children.
    fn walk(&mut self, root: &Arc<Seat>, purpose: &Purpose, request: RequestId) -> Walk {
        let mut walk = Walk { nodes: Vec::new(), seats: Vec::new(), cancelled: Vec::new() };
        let ends = matches!(purpose, Purpose::Ordered { .. });
        let spares_root = matches!(purpose, Purpose::Children { .. });
        let mut open = vec![(Arc::clone(root), ends)];
        while let Some((seat, for_good)) = open.pop() {
            let children =
                self.fence(&seat, for_good, spares_root && Arc::ptr_eq(&seat, root), request, &mut walk);
            for child in children.into_iter().rev() {
                let child_for_good = for_good || child.role != Role::Static;
                open.push((child, child_for_good));
            }
        }
        walk
    }

    /// Fences one seat and gives its children.
    fn fence(
        &mut self,
        seat: &Arc<Seat>,
        for_good: bool,
        is_spared: bool,
        request: RequestId,
        walk: &mut Walk,
    ) -> Vec<Arc<Seat>> {
        let fence = if for_good { Fence::Closed } else { Fence::Held };
        let (children, was_closed) = {
            let mut gate = seat.gate.lock();
            let was_closed = gate.fence == Fence::Closed;
            if !was_closed && (!is_spared || for_good) {
                gate.fence = fence;
            }
            if for_good && seat.is_stopped() {
                // Under the gate, so that its supervisor cannot start it again meanwhile.
                seat.ended_for_good.store(true, Ordering::Release);
            }
            if let Some(turn) = gate.turn.as_ref().filter(|_| !is_spared) {
                walk.cancelled.push(Arc::clone(turn));
            }
            let children = gate.family.as_mut().map_or_else(Vec::new, |family| {
                family.pauses.clear();
                family.seats.values().cloned().collect()
            });
            (children, was_closed)
        };
        if seat.is_stopped() {
            // Nothing runs for it; only its spec stood.
            if for_good {
                seat.end(StopReason::Stopped, None);
            }
            return children;
        }
        if for_good && !was_closed {
            seat.body.close(StopReason::Stopped);
            seat.note(What::AgentStopping { stop: request });
        }
        if !is_spared {
            walk.seats.push(Arc::clone(seat));
        }
        match self.nodes.get_mut(&seat.key) {
            Some(known) => {
                debug_assert!(self.plan.is_stopping(seat.key), "invariant 2");
                if for_good && !known.for_good {
                    known.for_good = true;
                    seat.order(|orders| orders.for_good = true);
                }
            }
            None => {
                walk.nodes.push(node(seat, for_good, is_spared));
                self.nodes.insert(seat.key, Stopping { seat: Arc::clone(seat), for_good });
            }
        }
        children
    }
}

/// What the plan is told of a seat; its runner is told of the fence.
fn node(seat: &Arc<Seat>, for_good: bool, is_spared: bool) -> Node {
    let mut presence = Presence::Gone;
    if !is_spared {
        seat.order(|orders| {
            orders.fenced = true;
            orders.for_good |= for_good;
            orders.next = None;
        });
        presence = seat.line.lock().presence;
    }
    Node {
        key: seat.key,
        parent: seat.parent.as_ref().map(|parent| parent.key),
        ordered: seat.role == Role::Static,
        order: seat.number,
        shutdown: if is_spared { Shutdown::UntilDeadline } else { seat.policies.shutdown },
        busy: matches!(presence, Presence::Open | Presence::Starting),
        hook: !is_spared && seat.body.has_behaviour() && presence != Presence::Gone,
    }
}

impl Seat {
    /// Its incarnation was ended by its supervisor, which starts it again. Its tasks wait.
    fn suspended(self: &Arc<Self>) {
        if self.is_spared_root() {
            return;
        }
        if self.incarnation() > 0 && self.state() != AgentState::Restarting {
            self.note(What::AgentExited { exit: Exit::Shutdown });
        }
        if let Some(family) = self.gate.lock().family.as_mut() {
            family.core.reset();
        }
        let mut line = self.line.lock();
        if line.presence == Presence::Dormant {
            line.presence = Presence::Gone;
        } else if line.presence == Presence::Open {
            line.orders.next = Some(line::Next::End);
            let waker = line.take_waker();
            drop(line);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Whether its own end is under way, so that only its children were stopped.
    fn is_spared_root(&self) -> bool {
        let line = self.line.lock();
        !line.orders.fenced
    }

    /// Its runner could not be stopped. Whatever it still runs is refused everything; a new one may take its place.
    fn supersede(&self, for_good: bool) -> bool {
        let turn = {
            let mut gate = self.gate.lock();
            gate.turn.take()
        };
        if let Some(turn) = turn {
            turn.leave();
            if let Some(asker) = turn.listener() {
                asker.lose(&turn, for_good.then_some(StopReason::Stopped));
                turn.note_end();
            }
        }
        let mut line = self.line.lock();
        let is_there = matches!(line.presence, Presence::Open | Presence::Starting);
        if is_there {
            self.stuck.fetch_add(1, Ordering::AcqRel);
        }
        line.generation += 1;
        line.presence = Presence::Gone;
        is_there
    }
}
