//! An agent's place in the tree. It owns all that must survive an incarnation, a cell, a runner.
//!
//! # Invariants
//! 1. Reading the seat's life and entering the table of children, or beginning a turn or an effect, are one critical section of
//!    the gate; a fence that changes it and taking the list of children are one too. So nothing slips in behind a fence.
//! 2. The live state (what a status shows) is written by the journal's `append` alone.
//! 3. A turn acts only while it is the gate's turn: an earlier incarnation's context is refused everything.

pub(crate) mod acts;
pub(crate) mod attend;
pub(crate) mod blank;
pub(crate) mod body;
pub(crate) mod family;
pub(crate) mod holding;
pub(crate) mod line;
pub(crate) mod meter;
pub(crate) mod polls;
pub(crate) mod presence;
pub(crate) mod registry;
pub(crate) mod resources;
pub(crate) mod rights;

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::Engine;
use super::pause::Hold;
use super::turn::{Listener, Turn};
use crate::decide::lifecycle::Lifecycle;
use crate::decide::place::Life;
use crate::engine::chain::allowance::Allowance;
use crate::engine::seat::body::Body;
use crate::engine::seat::family::Family;
use crate::engine::seat::holding::Holdings;
use crate::engine::seat::line::Line;
use crate::engine::seat::meter::Meter;
use crate::engine::seat::polls::Polls;
use crate::engine::seat::resources::Resources;
use crate::engine::seat::rights::Rights;
use crate::engine::supervise::cell::ControlQueue;
use crate::engine::supervise::orphans::Adoption;
use crate::env::signal::Signal;
use crate::env::theirs::Home;
use crate::journal::{Applies, Entry};
use crate::words::ends::Left;
use crate::words::event::{Event, Role, What};
use crate::words::id::{AgentId, Incarnation, Seq, TaskId};
use crate::words::limits::Warning;
use crate::words::policies::Policies;
use crate::words::state::{AgentState, StopReason};

pub(crate) struct Seat<B: ?Sized = dyn Body> {
    /// Its number in the swarm, for the stop plan.
    pub(crate) key: u64,
    /// Its number under its parent, the id's last segment.
    pub(crate) number: u32,
    pub(crate) id: AgentId,
    /// Shared with whoever finds it by that.
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    /// As what a turn has begun it, if one has.
    pub(crate) part: OnceLock<Box<PartOf>>,
    /// The task of its parent that it belongs to, if it belongs to one.
    pub(crate) of_task: Option<Box<Weak<dyn Listener>>>,
    pub(crate) parent: Option<Arc<Seat>>,
    pub(crate) engine: Arc<Engine>,
    /// Its spec's. What holds for it as a child stands in its supervisor's table alone: see [`Seat::as_child`].
    pub(crate) policies: Arc<Policies>,
    pub(crate) meter: Arc<Meter>,
    /// What it may do, whoever asks it to.
    pub(crate) rights: Rights,
    /// What the agent may do itself, besides: its own turns alone are bounded by it.
    pub(crate) grants: Rights,
    /// What it and those below it share, of its spec.
    pub(crate) resources: Option<Box<Resources>>,
    pub(crate) gate: Mutex<Gate>,
    pub(crate) line: Mutex<Line>,
    pub(crate) control: Mutex<ControlQueue>,
    pub(crate) live: Mutex<Live>,
    /// Raised when it has ended for good and neither cell nor runner is left.
    pub(crate) vacant: Signal,
    pub(crate) incarnation: AtomicU32,
    /// How often its supervisor has decided to start it: which life an end that it hears of belongs to. Written under the
    /// parent's gate.
    pub(crate) life: AtomicU32,
    /// Its spec stays when it has ended, until it is deleted.
    pub(crate) keeps_spec: bool,
    /// Who supervises it, if its parent no longer does.
    pub(crate) adoption: Mutex<Option<Box<Adoption>>>,
    /// Where what its user gave is dropped.
    pub(crate) home: Arc<Home>,
    pub(crate) holdings: Mutex<Holdings>,
    /// What is kept back for its stop hook.
    pub(crate) allowance: Mutex<Option<Allowance>>,
    /// The polls of its runner.
    pub(crate) polls: Polls,
    /// How firmly pauses hold it: the gate's hold, to be read without the gate.
    pub(crate) held: AtomicU8,
    /// What its turns wait for: how many entries there are in their lists.
    pub(crate) awaiting: AtomicU32,
    /// For how long its clock has stood in pauses that are over, in nanoseconds.
    pub(crate) stood: AtomicU64,
    pub(crate) body: B,
}

/// What an agent is to the turn that has begun it: the same in each attempt at the turn's task, whatever id it gets.
pub(crate) struct PartOf {
    pub(crate) task: TaskId,
    pub(crate) path: Arc<str>,
}

#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) family: Option<Box<Family>>,
    pub(crate) turn: Option<Arc<Turn>>,
    /// One that has returned and waits for the children of its task.
    pub(crate) winding: Weak<Turn>,
    pub(crate) hold: Option<Box<Hold>>,
}

/// What a status shows, folded event by event.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) doing: Option<String>,
    pub(crate) task: Option<TaskId>,
    pub(crate) reason: Option<StopReason>,
    /// It has ended, and may be spawned again.
    pub(crate) spec_stands: bool,
}

/// A chain of seats may be long: it is let go link by link, not by recursion.
impl<B: ?Sized> Drop for Seat<B> {
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some(mut seat) = above {
            above = Arc::get_mut(&mut seat).and_then(|seat| seat.parent.take());
        }
    }
}

impl<B: Body + ?Sized> Seat<B> {
    /// Its life. It changes under its gate and its line, so that under either it stays as it is read.
    pub(crate) fn life(&self) -> Life {
        self.line.lock().place.life()
    }

    /// Whether anything may begin here; in one critical section of the gate with what begins.
    pub(crate) fn is_up(&self) -> bool {
        self.life() == Life::Up
    }

    /// Whether a stop ends it for good, or it has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.line.lock().place.is_closed()
    }

    /// Whether it will not come back, not even with its parent.
    pub(crate) fn is_gone(&self) -> bool {
        self.line.lock().place.is_gone()
    }

    pub(crate) fn incarnation(&self) -> Incarnation {
        self.incarnation.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> AgentState {
        self.live.lock().lifecycle.state().clone()
    }

    /// Why it has ended, if it has.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.live.lock().reason.clone()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.live.lock().reason.is_some()
    }
}

impl Applies for Seat {
    fn id(&self) -> &AgentId {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn incarnation(&self) -> Incarnation {
        self.incarnation()
    }

    fn apply(&self, event: &Event, wall: Duration) -> Vec<Warning> {
        {
            let mut live = self.live.lock();
            if let Err(error) = live.lifecycle.apply(&event.what) {
                tracing::error!(target: "skep", agent = %self.id, %error, "a change of state that the table does not have");
                debug_assert!(false, "{}: {error} by {:?}", self.id, event.what);
            }
            match &event.what {
                What::Progress { text } => live.doing = Some(text.clone()),
                What::TurnBegan { .. } => live.task.clone_from(&event.task),
                What::TurnEnded => {
                    live.task = None;
                    live.doing = None;
                }
                What::AgentSpawned { .. } => {
                    live.reason = None;
                    live.spec_stands = false;
                }
                What::AgentStopped { reason, spec_stands, .. } => {
                    live.reason = Some(reason.clone());
                    live.spec_stands = *spec_stands;
                }
                What::SpecDropped => live.spec_stands = false,
                _ => {}
            }
        }
        if event.what.frees() {
            self.engine.registry.leave(self);
        }
        self.meter.apply(&event.what, wall)
    }

    fn above(&self, agent: &AgentId) -> Option<&Self> {
        let mut seat = self;
        while seat.id != *agent {
            seat = seat.parent.as_deref()?;
        }
        Some(seat)
    }
}

impl Seat {
    /// Appends an event of this seat, outside any task.
    pub(crate) fn note(&self, what: What) -> Seq {
        self.note_in(None, what)
    }

    /// Appends an event of this seat that another brought about.
    pub(crate) fn note_because(&self, cause: Seq, what: What) -> Seq {
        let entry = Entry { seat: self, incarnation: self.incarnation(), task: None, cause: Some(cause) };
        self.engine.journal.append(&entry, what)
    }

    /// Says that it has its place.
    pub(crate) fn spawned(&self) -> What {
        What::AgentSpawned {
            name: self.name.to_string(),
            agent_type: self.body.agent_type().to_owned(),
            role: self.role.clone(),
            budget: self.policies.budget.clone().map(Box::new),
            grants: self.policies.grants.clone().map(Box::new),
            ceiling: self.policies.ceiling.clone().map(Box::new),
        }
    }

    /// An incarnation has started, unless a fence is up: read and said in one critical section, for a stop says that it has
    /// come before it reaches the runner.
    pub(crate) fn note_started(&self, generation: u64) -> bool {
        let _gate = self.gate.lock();
        let is_up = self.is_up() && !self.line.lock().is_superseded(generation);
        if is_up {
            self.note(What::AgentStarted);
        }
        is_up
    }

    /// Appends an event of this seat in a task.
    pub(crate) fn note_in(&self, task: Option<TaskId>, what: What) -> Seq {
        let entry = Entry { seat: self, incarnation: self.incarnation(), task, cause: None };
        self.engine.journal.append(&entry, what)
    }

    /// Whether it has, or has had, children.
    pub(crate) fn has_family(&self) -> bool {
        self.gate.lock().family.is_some()
    }

    /// Its children in the order of their numbers.
    pub(crate) fn children(&self) -> Vec<Arc<Seat>> {
        self.gate
            .lock()
            .family
            .as_ref()
            .map_or_else(Vec::new, |family| family.seats.values().cloned().collect())
    }

    /// Whether something of it runs that could not be stopped.
    pub(crate) fn is_stuck(&self) -> bool {
        self.line.lock().place.is_stuck()
    }

    /// The runner, or the hook, of this generation is gone.
    pub(crate) fn is_left_by(&self, generation: u64) {
        self.line.lock().place.is_left_by(generation);
        self.rest_if_quiet();
        self.check_vacant();
    }

    /// Something that agents share, by its type: the nearest on the way to the root, else the swarm's.
    pub(crate) fn resource<T: Send + Sync + 'static>(self: &Arc<Self>) -> Option<Arc<T>> {
        let mut at = Some(self);
        while let Some(seat) = at {
            if let Some(found) = seat.resources.as_ref().and_then(|resources| resources.get()) {
                return Some(found);
            }
            at = seat.parent.as_ref();
        }
        self.engine.resources.get()
    }

    /// Something of it is dropped, or goes on, elsewhere, until the guard is dropped: nobody may say that nothing is left of it.
    pub(crate) fn remains(self: &Arc<Self>, left: Left) -> Remains {
        let number = self.engine.number();
        let over = matches!(left, Left::Behaviour | Left::Holding(_)).then(Arc::<Signal>::default);
        {
            let mut line = self.line.lock();
            line.place.puts_aside(number, left);
            line.dropping.extend(over.clone());
        }
        Remains { seat: Arc::clone(self), number, over }
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Vec<Left> {
        self.line.lock().place.left()
    }

    /// Whether something is left of a life that has ended: a runner or a cell on its way out, or what is stuck.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_stuck() || (self.is_gone() && !self.vacant.is_raised())
    }

    /// Raises `vacant` if it has ended for good and nothing is left of it.
    pub(crate) fn check_vacant(&self) {
        if self.is_gone() && !self.is_occupied() {
            self.vacant.raise();
        }
        if !self.is_leaving() {
            let left = self.engine.leaving.lock().remove(&self.key);
            drop(left);
        }
    }

    /// Whether there is a runner or a cell, or something of it elsewhere.
    pub(crate) fn is_occupied(&self) -> bool {
        self.line.lock().place.is_occupied() || !self.control.lock().is_gone()
    }
}

/// Something of a seat that is dropped, or goes on, elsewhere.
pub(crate) struct Remains {
    seat: Arc<Seat>,
    number: u64,
    /// Raised when what is dropped is dropped.
    over: Option<Arc<Signal>>,
}

impl Drop for Remains {
    fn drop(&mut self) {
        {
            let mut line = self.seat.line.lock();
            line.place.is_done_aside(self.number);
            if let Some(over) = &self.over {
                line.dropping.retain(|signal| !Arc::ptr_eq(signal, over));
            }
        }
        if let Some(over) = &self.over {
            over.raise();
        }
        self.seat.check_vacant();
    }
}
