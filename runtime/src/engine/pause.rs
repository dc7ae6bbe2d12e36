//! Performs pauses: holds a subtree, says when its agents are quiet, lets it go.
//!
//! # Invariants
//! 1. Whether a seat is held is written under its gate, and who begins a turn, an effect, a piece of blocking work or a
//!    spawn reads it there in the same critical section. So after `AgentPaused` nothing begins before `AgentResumed`.
//! 2. A walk holds a seat and takes its children in one critical section of the gate, and a child that comes to be later is
//!    held as its parent is. Walks are one at a time. So what holds a child from above is what its parent passes on.
//! 3. `AgentPaused` is said when the turn is not being polled and nothing of it is out; from then on it is polled only to
//!    unwind: when it is cancelled or has to be dropped.
//!
//! # What is decided here
//! - A stop takes the pause off all that it ends for good. A supervisor's stop, after which the agent comes back, resumes
//!   it for its end (its hook may run effects), and the next incarnation is held before its behaviour is built.
//! - A kill, a crash or a lost cell ends the incarnation as ever; the next one waits the same way. Restarts are decided
//!   and counted while they wait.
//! - An interrupted, withdrawn or expired turn unwinds through its own code and can begin nothing; its agent stays paused.
//! - A spawn under a paused parent waits for the resume, from inside and from outside. A scope is a place: it opens, and is
//!   held from its begin.
//! - A start that is under way is held like a turn, and its deadline begins anew with the resume.
//! - A pause ends with its agent: one that its supervisor starts again later is held only by those above.

mod standing;

use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::oneshot;

use self::standing::StandingPause;
use super::Engine;
use super::seat::{Gate, Seat};
use super::turn::Turn;
use crate::decide::pausing::{Change, Grip, Holds};
use crate::decide::place::Life;
use crate::env::known;
use crate::env::signal::Signal;
use crate::env::theirs::Reply;
use crate::words::error::{PauseError, ResumeError};
use crate::words::event::{Need, What};
use crate::words::pause::{Doing, Pause, PauseReceipt, PausedBy, Rest, ResumeReceipt};
use crate::words::state::AgentState;
use crate::words::time::Time;

/// What holds a seat, while something does.
pub(crate) struct Hold {
    holds: Holds,
    since: Time,
    /// Since when its clock stands, if it does.
    stands_since: Option<Time>,
    /// Raised when it holds no more.
    pub(crate) over: Arc<Signal>,
    /// Pauses that wait until the seat is quiet.
    tallies: Vec<Arc<Unquiet>>,
    /// What was due and waits until the seat goes on.
    late: Vec<Box<dyn FnOnce() + Send>>,
    /// What its own pause waits for, if for a grant.
    need: Option<Need>,
}

impl Hold {
    /// The seat's clock goes on, if it stood.
    fn let_clock_go(&mut self, stood: &AtomicU64, now: Time) {
        if let Some(since) = self.stands_since.take() {
            let nanos = u64::try_from(now.since(since).as_nanos()).unwrap_or(u64::MAX);
            stood.fetch_add(nanos, Ordering::SeqCst);
        }
    }
}

/// How many seats of a pause are not quiet yet.
#[derive(Default)]
struct Unquiet {
    left: AtomicUsize,
    none_left: Signal,
}

impl Unquiet {
    fn count(self: &Arc<Self>) -> Arc<Self> {
        self.left.fetch_add(1, Ordering::AcqRel);
        Arc::clone(self)
    }

    fn done(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none_left.raise();
        }
    }
}

/// How firmly a seat is held, as it is read without its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum HeldNow {
    Not,
    AtNextAwait,
    Now,
    /// As no seat ever is.
    Never,
}

/// A hold that holds no more: what is left to be done under no lock.
pub(crate) struct Released {
    seat: Arc<Seat>,
    turn: Option<Arc<Turn>>,
    hold: Box<Hold>,
}

impl Released {
    /// Lets go: those who waited for quiet, for the resume, for their moment.
    pub(crate) fn let_go(self) {
        let Self { seat, turn, hold } = self;
        if let Some(turn) = turn {
            turn.spare(seat.engine.env.now().since(hold.since));
        }
        for tally in &hold.tallies {
            tally.done();
        }
        hold.over.raise();
        seat.order(|_| {});
        for late in hold.late {
            late();
        }
    }
}

/// What a walk has found and changed.
#[derive(Default)]
struct PauseWalk {
    seats: Vec<Arc<Seat>>,
    tally: Arc<Unquiet>,
    braked: Vec<Arc<Turn>>,
    released: Vec<Released>,
    running: Vec<Arc<Seat>>,
    still_held: Vec<Arc<Seat>>,
    /// What was due while a clock stood that goes on.
    late: Vec<Box<dyn FnOnce() + Send>>,
}

impl Engine {
    /// Pauses a subtree and waits for the receipt. It is held from the first poll on; dropping the future takes nothing back.
    pub(crate) async fn pause(
        self: &Arc<Self>,
        root: &Arc<Seat>,
        pause: Pause,
    ) -> Result<PauseReceipt, PauseError> {
        let receipt = self.order_pause(root, pause, None)?;
        // The control thread is gone, so the swarm is.
        known(receipt).await.map_err(|_| not_live(root))
    }

    pub(crate) fn order_pause(
        self: &Arc<Self>,
        root: &Arc<Seat>,
        pause: Pause,
        need: Option<Need>,
    ) -> Result<oneshot::Receiver<PauseReceipt>, PauseError> {
        let (tell, told) = Reply::new();
        let number = self.number();
        let began = self.env.now();
        let walk = {
            let _walking = self.pausing.lock();
            // Where it is not counted it has to be looked for, before the gate is taken.
            let found = root.meter.live_agents().is_none().then(|| root.live_below());
            let gate = root.gate.lock();
            if root.is_closed() || !root.state().is_live() {
                drop(gate);
                return Err(not_live(root));
            }
            let below = root.meter.live_agents().or(found).unwrap_or_default();
            let agents = below as usize + usize::from(root.body.has_behaviour());
            root.note(What::PauseBegan {
                pause: number,
                agents,
                within: pause.within,
                now: pause.now,
                holds_deadlines: pause.holds_deadlines,
                need: need.clone().map(Box::new),
            });
            drop(gate);
            hold_all(root, Grip { now: pause.now, clocks: pause.holds_deadlines }, need)
        };
        for turn in &walk.braked {
            turn.brake();
        }
        let standing = StandingPause { engine: Arc::clone(self), number, root: Arc::clone(root), began };
        let until = began + pause.within;
        self.env.spawn_control(async move {
            let receipt = standing.wait(walk, until).await;
            tell.send(receipt);
        });
        Ok(told)
    }

    /// A budget of the seat or above it refused, whose policy is to pause and to ask. Says whether its subtree is paused, and
    /// the seat with it: one that was adopted past that budget's agent draws on it, and is not below it any more.
    pub(crate) fn pause_refusing(self: &Arc<Self>, seat: &Arc<Seat>, need: Need) -> bool {
        let mut there = iter::once(Arc::clone(seat)).chain(seat.supervisors());
        let Some(root) = there.find(|seat| seat.id == need.refusal.ancestor) else { return false };
        // Somebody else's need may have brought it about already.
        root.need().is_some()
            || self.order_pause(&root, Pause::at_next_await().hold_deadlines(), Some(need)).is_ok()
    }

    /// Lifts the pause that stands at an agent.
    pub(crate) fn resume(&self, root: &Arc<Seat>) -> Result<ResumeReceipt, ResumeError> {
        let walk = {
            let _walking = self.pausing.lock();
            let gate = root.gate.lock();
            if !gate.hold.as_ref().is_some_and(|hold| hold.holds.has_own()) {
                let is_held = gate.hold.is_some();
                drop(gate);
                return Err(not_paused(root, is_held));
            }
            root.note(What::PauseEnded);
            drop(gate);
            lift(root)
        };
        let ids = |seats: &[Arc<Seat>]| seats.iter().map(|seat| seat.id.clone()).collect();
        let receipt =
            ResumeReceipt { root: root.id.clone(), running: ids(&walk.running), held: ids(&walk.still_held) };
        for released in walk.released {
            released.let_go();
        }
        for late in walk.late {
            late();
        }
        Ok(receipt)
    }
}

fn not_live(root: &Seat) -> PauseError {
    PauseError::NotLive { agent: root.id.clone(), state: root.state() }
}

fn not_paused(root: &Arc<Seat>, is_held: bool) -> ResumeError {
    let agent = root.id.clone();
    let has_own = |seat: &Arc<Seat>| seat.gate.lock().hold.as_ref().is_some_and(|hold| hold.holds.has_own());
    match root.supervisors().find(|seat| is_held && has_own(seat)) {
        Some(above) => ResumeError::HeldAbove { agent, above: above.id.clone() },
        None => ResumeError::NotPaused { agent, state: root.state() },
    }
}

/// Holds a subtree, parents before children.
fn hold_all(root: &Arc<Seat>, grip: Grip, mut need: Option<Need>) -> PauseWalk {
    let mut walk = PauseWalk::default();
    // One for the walk itself, so that the tally is not done before it is over.
    let walking = walk.tally.count();
    let mut open = vec![(Arc::clone(root), Change::Pause(grip))];
    while let Some((seat, change)) = open.pop() {
        let mut gate = seat.gate.lock();
        if !seat.may_be_held() {
            // Who lives below it all the same is to be found by the sweep, and held until then.
            open.extend(gate.below(change));
            continue;
        }
        seat.regrip(&mut gate, change);
        let passed_on = gate.grip();
        if let Some(hold) = gate.hold.as_mut() {
            hold.tallies.push(walk.tally.count());
            // The root is the first.
            hold.need = need.take().or_else(|| hold.need.take());
        }
        let quiet = seat.rest_in(&mut gate);
        if quiet.is_empty() {
            walk.braked.extend(gate.turn.clone());
        }
        let children = gate.below(Change::Above(passed_on));
        drop(gate);
        quiet.iter().for_each(|tally| tally.done());
        open.extend(children);
        walk.seats.push(seat);
    }
    walking.done();
    walk
}

/// Lifts the pause of a seat, and what it held below as far as nothing else does.
fn lift(root: &Arc<Seat>) -> PauseWalk {
    let mut walk = PauseWalk::default();
    let mut open = vec![(Arc::clone(root), Change::Resume)];
    while let Some((seat, change)) = open.pop() {
        let mut gate = seat.gate.lock();
        let before = gate.grip();
        if before.is_none() {
            // It came to be, or was stopped, on the way; or it is lost, and those below it are still held.
            if !seat.state().is_live() && change != Change::Resume {
                open.extend(gate.below(change));
            }
            continue;
        }
        seat.regrip(&mut gate, change);
        let after = gate.grip();
        let children = gate.below(Change::Above(after));
        if after.is_none() {
            walk.released.extend(seat.ungrip(&mut gate));
        } else if let Some(hold) = gate.hold.as_mut().filter(|hold| hold.stands_since.is_none()) {
            walk.late.append(&mut hold.late);
        }
        drop(gate);
        if after.is_none() && seat.body.has_behaviour() {
            walk.running.push(Arc::clone(&seat));
        }
        if after.is_some() && !matches!(change, Change::Above(Some(_))) {
            walk.still_held.push(Arc::clone(&seat));
        }
        if before != after {
            open.extend(children);
        }
    }
    walk
}

impl Gate {
    /// How firmly the seat is held, if it is.
    pub(crate) fn grip(&self) -> Option<Grip> {
        self.hold.as_ref().and_then(|hold| hold.holds.grip())
    }

    /// Since when the seat's clock stands, if it does.
    pub(crate) fn standing(&self) -> Option<Time> {
        self.hold.as_ref().and_then(|hold| hold.stands_since)
    }

    /// The children, the first last, each with what is changed about it.
    fn below(&self, change: Change) -> Vec<(Arc<Seat>, Change)> {
        let family = self.family.as_deref();
        let children = family.into_iter().flat_map(|family| family.seats.values().rev());
        children.map(|child| (Arc::clone(child), change)).collect()
    }
}

impl Seat {
    /// What is being stopped for good, and what has ended, is not held. Under its gate.
    fn may_be_held(&self) -> bool {
        !self.is_closed() && self.state().is_live()
    }

    /// Whether it is held, and how firmly. Under its gate this is exact.
    pub(crate) fn held(&self) -> HeldNow {
        match self.held.load(Ordering::SeqCst) {
            0 => HeldNow::Not,
            1 => HeldNow::AtNextAwait,
            _ => HeldNow::Now,
        }
    }

    /// Changes what holds it. Where nothing does afterwards, the hold has to be released.
    fn regrip(&self, gate: &mut Gate, change: Change) {
        let since = self.engine.env.now();
        let hold = gate.hold.get_or_insert_with(|| {
            let (holds, over) = (Holds::default(), Arc::default());
            Box::new(Hold {
                holds,
                since,
                stands_since: None,
                over,
                tallies: Vec::new(),
                late: Vec::new(),
                need: None,
            })
        });
        hold.holds.change(change);
        let held = match hold.holds.grip() {
            None => HeldNow::Not,
            Some(Grip { now: false, .. }) => HeldNow::AtNextAwait,
            Some(Grip { now: true, .. }) => HeldNow::Now,
        };
        if !hold.holds.has_own() {
            hold.need = None;
        }
        let stands = hold.holds.grip().is_some_and(|grip| grip.clocks);
        if stands {
            hold.stands_since.get_or_insert(since);
        } else {
            hold.let_clock_go(&self.stood, since);
        }
        self.held.store(held as u8, Ordering::SeqCst);
    }

    /// It begins, or begins anew, under a parent that passes this on.
    pub(crate) fn hold_as_parent(&self, gate: &mut Gate, above: Option<Grip>) {
        if above.is_some() {
            self.regrip(gate, Change::Above(above));
        }
    }

    /// It has another supervisor, which passes this on. What held it through the old one holds it no more.
    #[must_use]
    pub(crate) fn hold_under(self: &Arc<Self>, gate: &mut Gate, above: Option<Grip>) -> Option<Released> {
        if above.is_none() && gate.hold.is_none() {
            return None;
        }
        self.regrip(gate, Change::Above(above));
        if gate.grip().is_none() { self.ungrip(gate) } else { None }
    }

    /// Nothing holds it any more: it is resumed, if it was quiet. The rest is done under no lock.
    pub(crate) fn ungrip(self: &Arc<Self>, gate: &mut Gate) -> Option<Released> {
        let mut hold = gate.hold.take()?;
        hold.let_clock_go(&self.stood, self.engine.env.now());
        self.held.store(HeldNow::Not as u8, Ordering::SeqCst);
        if self.state() == AgentState::Paused {
            self.note(What::AgentResumed);
        }
        Some(Released { seat: Arc::clone(self), turn: gate.turn.clone(), hold })
    }

    fn need(&self) -> Option<Need> {
        self.gate.lock().hold.as_ref()?.need.clone()
    }

    /// The nearest pause that stands at it or above it.
    pub(crate) fn paused_by(self: &Arc<Self>) -> Option<PausedBy> {
        if self.held() == HeldNow::Not {
            return None;
        }
        iter::once(Arc::clone(self)).chain(self.supervisors()).find_map(|seat| {
            let gate = seat.gate.lock();
            let hold = gate.hold.as_ref().filter(|hold| hold.holds.has_own())?;
            Some(PausedBy { agent: seat.id.clone(), need: hold.need.clone() })
        })
    }

    /// Says that it is quiet, if it is held and nothing of it moves.
    pub(crate) fn rest_if_quiet(&self) {
        if self.held() == HeldNow::Not {
            return;
        }
        let quiet = self.rest_in(&mut self.gate.lock());
        for tally in quiet {
            tally.done();
        }
    }

    fn rest_in(&self, gate: &mut Gate) -> Vec<Arc<Unquiet>> {
        let is_moving = gate.turn.as_ref().is_some_and(|turn| turn.is_moving());
        let is_ending = self.line.lock().place.is_on_its_way_out();
        let Some(hold) = gate.hold.as_mut().filter(|_| !is_moving && !is_ending) else { return Vec::new() };
        if self.state() != AgentState::Paused {
            self.note(What::AgentPaused);
        }
        std::mem::take(&mut hold.tallies)
    }

    /// Does something when it goes on, or now if it is not held. Gives it back in that case.
    pub(crate) fn when_resumed(&self, late: impl FnOnce() + Send + 'static) -> bool {
        let mut gate = self.gate.lock();
        let Some(hold) = gate.hold.as_mut() else { return false };
        hold.late.push(Box::new(late));
        true
    }

    fn resting(&self) -> Rest {
        let gate = self.gate.lock();
        let state = self.state();
        if gate.hold.is_none() {
            let has_ended = !state.is_live() || self.is_closed();
            return if has_ended { Rest::Ended } else { Rest::Resumed };
        }
        if state == AgentState::Paused {
            return Rest::Quiet;
        }
        let doing = gate.turn.as_ref().filter(|_| self.life() != Life::Held).map(|turn| turn.doing());
        Rest::Busy(doing.unwrap_or(Doing::Ending))
    }
}
