//! One piece of an agent's work: a start, the handling of a task, a stop hook. Contexts point here.

pub(crate) mod alarm;
pub(crate) mod asked;
pub(crate) mod drive;
pub(crate) mod heartbeat;
pub(crate) mod park;
pub(crate) mod parking;
mod shown;
pub(crate) mod told;
pub(crate) mod trace;
pub(crate) mod waits;

mod current;
mod listener;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::Span;

pub(crate) use self::current::{current, rights, wants_backtraces, within};
pub(crate) use self::listener::Listener;
pub(crate) use self::shown::ShownWait;
use super::seat::Seat;
use crate::decide::branch::Paths;
use crate::engine::lab::points::Bent;
use crate::engine::seat::rights::Rights;
use crate::engine::turn::asked::Asked;
use crate::engine::turn::waits::WaitsFor;
use crate::env::Timer;
use crate::env::bell::Bell;
use crate::env::fault::Phase;
use crate::env::signal::Signal;
use crate::journal::Entry;
use crate::words::ends::Left;
use crate::words::error::{AgentError, Panic};
use crate::words::event::{Outcome, What};
use crate::words::id::{Incarnation, Seq, TaskId};
use crate::words::pause::Doing;
use crate::words::policy::Exit;
use crate::words::time::Time;

pub(crate) struct Turn {
    pub(crate) number: u64,
    pub(crate) seat: Arc<Seat>,
    /// The turn whose question this answers.
    beside: Option<Arc<Turn>>,
    pub(crate) incarnation: Incarnation,
    pub(crate) phase: Phase,
    pub(crate) task: Option<TaskId>,
    /// Those of its seat, and of whoever it works for.
    pub(crate) rights: Rights,
    /// By the clock of its seat.
    deadline: AtomicU64,
    pub(crate) cancel: Signal,
    why: AtomicU8,
    open: AtomicBool,
    /// Its end is in the journal.
    is_over: AtomicBool,
    /// When it began, later by as long as it was held.
    began: AtomicU64,
    /// When it last showed that it gets on, or was let go.
    progress: AtomicU64,
    /// When the heartbeat last looked.
    pub(crate) looked: AtomicU64,
    /// Waits that a stale detector does not hold against it.
    waits: AtomicU32,
    once_begun: AtomicBool,
    /// It has crashed or was cut short: what it has asked is left for the next attempt.
    leaves_asks: AtomicBool,
    /// What it has opened and begun by name. A leaf.
    pub(crate) paths: Mutex<Paths>,
    /// Whether a child of its task was begun.
    has_children: AtomicBool,
    pub(super) waits_for: Mutex<WaitsFor>,
    exit: Mutex<Option<Exit>>,
    /// Its task, and which attempt at that this is.
    work: OnceLock<(Attempted, Arc<dyn Listener>)>,
    /// The event that began it, for what it begins; 0 before that.
    begin: AtomicU64,
    /// It was found stale, and its end is ordered.
    pub(crate) is_condemned: AtomicBool,
    /// It is being polled right now.
    pub(crate) polled: AtomicBool,
    pub(super) bent: Bent,
    /// The end of an interrupt's patience, or of a start's; taken back with the turn.
    grace: Mutex<Option<Timer>>,
    /// Gives it up where no order reaches it. What orders its drop is another matter.
    patience: OnceLock<Timer>,
    pub(super) is_polled: AtomicBool,
    /// What is out of it, by numbers.
    pub(super) out: Mutex<Vec<(u64, Doing)>>,
    /// Rings when its seat is held, or held more firmly.
    pub(super) brake: Bell,
    /// What it and all that it does is filed under in a trace.
    pub(crate) span: Span,
}

/// Which attempt this is, and what the earlier ones failed with.
pub(crate) struct Attempted {
    pub(crate) attempt: u32,
    pub(crate) errors: Vec<AgentError>,
}

/// A stop has come by, or a pause holds the seat.
pub(crate) struct Fenced;

/// Why a turn was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cancel {
    Interrupt = 1,
    Withdrawn,
    Expired,
    Stop,
    /// It is over: whatever it has left behind ends with it.
    Over,
}

impl Turn {
    /// A start or a stop hook, which has to be over at a moment by its seat's clock.
    pub(crate) fn new(seat: &Arc<Seat>, phase: Phase, deadline: Time) -> Arc<Self> {
        let span = trace::of_part(seat, phase);
        Self::begin(seat, phase, None, deadline, None, seat.rights.clone(), span)
    }

    /// The handling of a task, with the rights of those who asked for it and under what they were doing.
    pub(crate) fn of_task(
        seat: &Arc<Seat>,
        task: TaskId,
        deadline: Time,
        rights: &Rights,
        asked_in: Option<&Span>,
    ) -> Arc<Self> {
        let span = trace::of_turn(seat, &task, asked_in);
        Self::begin(seat, Phase::Turn, Some(task), deadline, None, seat.rights.and(rights), span)
    }

    /// The answering of a question of another turn, in which it is polled.
    pub(crate) fn beside(asking: &Arc<Self>, seat: &Arc<Seat>, deadline: Time) -> Arc<Self> {
        let rights = seat.rights.and(&asking.rights);
        let span = trace::of_question(seat, &asking.span);
        Self::begin(seat, Phase::Question, None, deadline, Some(Arc::clone(asking)), rights, span)
    }

    fn begin(
        seat: &Arc<Seat>,
        phase: Phase,
        task: Option<TaskId>,
        deadline: Time,
        beside: Option<Arc<Self>>,
        rights: Rights,
        span: Span,
    ) -> Arc<Self> {
        let now = seat.engine.env.now();
        Arc::new(Self {
            number: seat.engine.number(),
            seat: Arc::clone(seat),
            beside,
            incarnation: seat.incarnation(),
            phase,
            task,
            rights,
            deadline: deadline.as_nanos().into(),
            cancel: Signal::default(),
            why: AtomicU8::new(0),
            open: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            began: AtomicU64::new(now.as_nanos()),
            progress: AtomicU64::new(now.as_nanos()),
            looked: AtomicU64::new(now.as_nanos()),
            waits: AtomicU32::new(0),
            once_begun: AtomicBool::new(false),
            leaves_asks: AtomicBool::new(false),
            paths: Mutex::default(),
            has_children: AtomicBool::new(false),
            waits_for: Mutex::default(),
            exit: Mutex::new(None),
            work: OnceLock::new(),
            begin: AtomicU64::new(0),
            is_condemned: AtomicBool::new(false),
            polled: AtomicBool::new(false),
            bent: Bent::default(),
            grace: Mutex::new(None),
            patience: OnceLock::new(),
            is_polled: AtomicBool::new(false),
            out: Mutex::new(Vec::new()),
            brake: Bell::default(),
            span,
        })
    }

    /// Cancels it; the first reason stands.
    pub(crate) fn cancel(&self, why: Cancel) -> bool {
        let first = self.set_why(why);
        self.cancel.raise();
        first
    }

    /// Says why it is cancelled, before whoever waits for that is woken.
    pub(super) fn set_why(&self, why: Cancel) -> bool {
        self.why.compare_exchange(0, why as u8, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub(crate) fn cancelled(&self) -> Option<Cancel> {
        match self.why.load(Ordering::Acquire) {
            1 => Some(Cancel::Interrupt),
            2 => Some(Cancel::Withdrawn),
            3 => Some(Cancel::Expired),
            4 => Some(Cancel::Stop),
            5 => Some(Cancel::Over),
            _ => None,
        }
    }

    /// Enters the seat as its stop hook, whatever fence is up and whatever holds the seat.
    pub(crate) fn enter_as_hook(self: &Arc<Self>) {
        self.seat.gate.lock().turn = Some(Arc::clone(self));
    }

    /// Enters the seat as the turn of a task, and begins that in the same critical section: a stop that comes by says so
    /// before or after, never in between. `Err` if a fence is up or a pause holds it, `Ok(None)` if the task has its outcome.
    pub(crate) fn enter_with<R>(
        self: &Arc<Self>,
        begin: impl FnOnce() -> Option<R>,
    ) -> Result<Option<R>, Fenced> {
        let mut gate = self.seat.gate.lock();
        if !self.seat.is_up() || gate.hold.is_some() {
            return Err(Fenced);
        }
        let begun = begin();
        if begun.is_some() {
            gate.turn = Some(Arc::clone(self));
        }
        Ok(begun)
    }

    /// Leaves the seat: from here on whatever still holds this turn is refused everything.
    pub(crate) fn leave(&self) {
        {
            let mut gate = self.seat.gate.lock();
            self.open.store(false, Ordering::Release);
            if let Some(turn) = gate.turn.take_if(|turn| turn.number == self.number)
                && turn.has_children()
            {
                gate.winding = Arc::downgrade(&turn);
            }
        }
        self.cancel(Cancel::Over);
    }

    /// Whether somebody wants the task no more, who is not its agent.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(self.cancelled(), Some(Cancel::Interrupt | Cancel::Withdrawn | Cancel::Expired))
    }

    /// What it has asked is for the next attempt at its task, unless there will be none.
    pub(super) fn leave_asks(&self) {
        if !self.is_interrupted() && !self.seat.is_closed() {
            self.leaves_asks.store(true, Ordering::Release);
        }
    }

    /// Whether an ask of it that is let go is left for the next attempt: where the turn did not let it go itself, but
    /// crashed, was cut short or is over. What is left and not taken up is withdrawn with the outcome of the task.
    pub(crate) fn leaves_asks(&self) -> bool {
        let panics = || std::thread::panicking() && current().is_some_and(|turn| turn.number == self.number);
        let comes_back = || !self.seat.is_closed();
        self.leaves_asks.load(Ordering::Acquire)
            || !self.open.load(Ordering::Acquire)
            || panics()
            || (self.cancelled() == Some(Cancel::Stop) && comes_back())
    }

    /// What its task's turns have asked; none of a start or a hook.
    pub(crate) fn asked(&self) -> Option<&Arc<Asked>> {
        self.listener().map(|task| task.asked())
    }

    /// Whether it may begin anything. Read under the gate's lock where that must not change meanwhile.
    pub(crate) fn is_open(&self) -> bool {
        let is_current = self.beside.as_ref().is_none_or(|asking| {
            // It is in nobody's gate, so it looks itself whether its incarnation is the one that acts.
            asking.is_open() && self.incarnation == self.seat.incarnation()
        });
        self.open.load(Ordering::Acquire) && is_current
    }

    /// The turn in which it is polled: its own, or that of whoever asks.
    #[cfg(feature = "lab")]
    pub(crate) fn polled_in(self: &Arc<Self>) -> &Arc<Self> {
        self.beside.as_ref().map_or(self, |asking| asking.polled_in())
    }

    /// Where its events belong.
    pub(crate) fn entry(&self) -> Entry<'_, Seat> {
        Entry { seat: &self.seat, incarnation: self.incarnation, task: self.task.clone(), cause: None }
    }

    pub(crate) fn note(&self, what: What) -> Seq {
        self.seat.engine.journal.append(&self.entry(), what)
    }

    /// Writes down what a part of its agent's code has panicked with; where it is over already, that goes to the log alone.
    pub(crate) fn note_panic(&self, part: &str, panic: &Panic) {
        let gate = self.seat.gate.lock();
        if self.is_open() {
            self.note(What::Panicked { part: part.to_owned(), panic: Box::new(panic.clone()) });
            return;
        }
        drop(gate);
        self.seat.engine.journal.late_panic(&*self.seat, part, panic);
    }

    /// Writes something down that it does, unless it is over, and says whether: what a turn has left behind may use its context on.
    pub(crate) fn note_open(&self, what: impl FnOnce() -> What) -> bool {
        let _gate = self.seat.gate.lock();
        let is_open = self.is_open();
        if is_open {
            self.note(what());
        }
        is_open
    }

    /// Writes its end down, once.
    pub(crate) fn note_end(&self) {
        if !self.is_over.swap(true, Ordering::AcqRel) {
            self.note(What::TurnEnded);
        }
    }

    /// Writes its task's outcome down, and its own end with it unless children of the task have to end in between.
    pub(crate) fn note_outcome(&self, outcome: Outcome) {
        trace::ends(&self.span, outcome);
        let ended = What::TaskEnded { outcome };
        if self.has_children() || self.is_over.swap(true, Ordering::AcqRel) {
            self.note(ended);
        } else {
            self.seat.engine.journal.append_all(&self.entry(), [ended, What::TurnEnded]);
        }
    }

    pub(crate) fn show_progress(&self) {
        if self.bent.is_mute() {
            return;
        }
        self.progress.store(self.seat.engine.env.now().as_nanos(), Ordering::Relaxed);
    }

    /// When its task, or itself, has to be over. While the seat's clock stands that moves on.
    pub(crate) fn deadline(&self) -> Time {
        self.seat.off_clock(Time::from_nanos(self.deadline.load(Ordering::Acquire)))
    }

    /// Its asker has said late when it has to be over, by the clock of its seat.
    pub(crate) fn set_deadline(&self, deadline: Time) {
        self.deadline.store(deadline.as_nanos(), Ordering::Release);
    }

    /// When it began, not counting the time in which it was held.
    pub(crate) fn began(&self) -> Time {
        Time::from_nanos(self.began.load(Ordering::Relaxed))
    }

    /// It was held so long, which is neither silence nor work.
    pub(crate) fn spare(&self, held: Duration) {
        let nanos = u64::try_from(held.as_nanos()).unwrap_or(u64::MAX);
        self.began.fetch_add(nanos, Ordering::Relaxed);
        self.progress.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Since when it has shown no progress; none while it waits for something that has a deadline of its own.
    pub(crate) fn silent_since(&self) -> Option<Time> {
        (self.waits.load(Ordering::Acquire) == 0 || self.bent.is_mute())
            .then(|| Time::from_nanos(self.progress.load(Ordering::Relaxed)))
    }

    /// When it last got on.
    pub(crate) fn last_progress(&self) -> Time {
        Time::from_nanos(self.progress.load(Ordering::Relaxed))
    }

    /// Runs blocking work, which goes on when the turn is cut: until it is over, something of the agent is left.
    pub(crate) async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let remains = self.seat.remains(Left::Blocking);
        let work = move || {
            let value = work();
            drop(remains);
            value
        };
        self.seat.engine.env.blocking(work).await
    }

    pub(crate) fn set_once_begun(&self) {
        self.once_begun.store(true, Ordering::Release);
        // Whoever asked would ask again in its next attempt, and it would be done again.
        if let Some(asking) = &self.beside {
            asking.set_once_begun();
        }
    }

    pub(crate) fn once_begun(&self) -> bool {
        self.once_begun.load(Ordering::Acquire)
    }

    pub(crate) fn set_has_children(&self) {
        self.has_children.store(true, Ordering::Release);
    }

    pub(crate) fn has_children(&self) -> bool {
        self.has_children.load(Ordering::Acquire)
    }

    pub(crate) fn ask_exit(&self, exit: Exit) {
        *self.exit.lock() = Some(exit);
    }

    pub(crate) fn take_exit(&self) -> Option<Exit> {
        self.exit.lock().take()
    }

    /// It has begun, by this event.
    pub(crate) fn set_begun(&self, begin: Seq) {
        self.begin.store(begin, Ordering::Release);
    }

    /// The event that began it, once it has begun.
    pub(crate) fn begun(&self) -> Option<Seq> {
        Some(self.begin.load(Ordering::Acquire)).filter(|begin| *begin > 0)
    }

    pub(crate) fn set_attempted(&self, attempted: Attempted, listener: Arc<dyn Listener>) {
        self.work.set((attempted, listener)).ok();
    }

    pub(crate) fn attempted(&self) -> Option<&Attempted> {
        self.work.get().map(|(attempted, _)| attempted)
    }

    /// Whether an earlier attempt at its task crashed.
    pub(crate) fn crashed_before(&self) -> bool {
        self.attempted().is_some_and(|attempted| attempted.errors.iter().any(AgentError::is_crash))
    }

    pub(crate) fn listener(&self) -> Option<&Arc<dyn Listener>> {
        self.work.get().map(|(_, task)| task)
    }

    pub(crate) fn keep_grace(&self, grace: Timer) {
        let before = self.grace.lock().replace(grace);
        drop(before);
    }

    /// The first that is kept is the one that counts.
    pub(crate) fn keep_patience(&self, patience: Timer) {
        drop(self.patience.set(patience));
    }

    pub(crate) fn take_grace_back(&self) {
        let grace = self.grace.lock().take();
        drop(grace);
    }
}
