//! The append-only log: the only way to change what can be seen of a swarm.
//!
//! It keeps the latest events, and of those before its *cut* a snapshot of the folds. So a swarm that runs for weeks holds what
//! lives in it, and a bounded past. Views are folded from the snapshot and the events after it, each event once.
//!
//! # Invariants
//! 1. `append` assigns the seq, applies the event to the seat's live state and meters, and records it, in one critical
//!    section. So a live view is the fold of the events up to some seq.
//! 2. The log's lock is a leaf: nothing else of the runtime is locked while it is held, but a seat's live state and the registry. That of the
//!    views is taken before it and by nobody who holds it; no event is appended under either.
//! 3. `append` never refuses and never blocks on anything slow: drop guards call it. What is over is cut off on the control
//!    thread; only where the log grows faster than that, the append that finds it too long cuts a few events off itself,
//!    unless another thread is about it.
//! 4. An event leaves the log under the lock of the views, and is in the snapshot when that is given back. So whoever does
//!    not find an event in the log finds it in the snapshot.

mod cutter;
mod log;
pub(crate) mod logging;
mod subscription;
mod views;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use self::cutter::Cutter;
pub use self::log::Keep;
use self::log::{Length, Log, WasCut};
pub use self::subscription::{Events, Filter, Lagged};
use self::views::{View, Views};
pub(crate) use self::watch::Watch;
use self::watch::Watchers;
use crate::env::Env;
use crate::env::bell::Bell;
use crate::journal::logging::LogOutput as Tell;
use crate::views::Snapshot;
use crate::words::error::Panic;
use crate::words::event::{Event, What};
use crate::words::id::{AgentId, Incarnation, Seq, TaskId};
use crate::words::limits::Warning;

/// The journal of one session, in memory.
pub(crate) struct Journal {
    log: Mutex<Log>,
    views: Mutex<Views>,
    bell: Arc<Bell>,
    watchers: Arc<Watchers>,
    cutter: Arc<Cutter>,
    tell: Tell,
    env: Env,
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
        self.cutter.end();
    }
}

/// What an event changes while it is recorded: an agent's place, of which nothing more is known here.
pub(crate) trait Applies {
    fn id(&self) -> &AgentId;

    fn name(&self) -> &str;

    fn incarnation(&self) -> Incarnation;

    /// Applies one event of its own; called within the append's critical section. Gives the budgets that have passed their
    /// warning shares.
    fn apply(&self, event: &Event, wall: Duration) -> Vec<Warning>;

    /// The one of this id at it or above.
    fn above(&self, agent: &AgentId) -> Option<&Self>;
}

/// Where an event belongs.
pub(crate) struct Entry<'a, S: ?Sized> {
    pub(crate) seat: &'a S,
    pub(crate) incarnation: Incarnation,
    pub(crate) task: Option<TaskId>,
    pub(crate) cause: Option<Seq>,
}

impl Journal {
    pub(crate) fn new(env: Env, keep: Keep) -> Arc<Self> {
        let (log, cutter) = (Mutex::new(Log::new(keep)), Arc::<Cutter>::default());
        let (views, bell, watchers) = (Mutex::default(), Arc::default(), Arc::default());
        let tell = Tell::from_here();
        let journal = Arc::new(Self { log, views, bell, watchers, cutter, tell, env });
        journal.cutter.begin(&journal);
        journal
    }

    /// The session is over: whoever follows gets what has happened, and waits for nothing more. A handle that somebody keeps
    /// holds the journal, not them. What still ends late is recorded all the same.
    pub(crate) fn close(&self) {
        self.bell.break_up();
        self.watchers.break_up();
    }

    /// Records what happened and applies it.
    pub(crate) fn append<S: Applies + ?Sized>(&self, entry: &Entry<'_, S>, what: What) -> Seq {
        self.append_all(entry, [what])
    }

    /// Records events of one place that happen together. Gives the last one's seq.
    pub(crate) fn append_all<S: Applies + ?Sized, const N: usize>(
        &self,
        entry: &Entry<'_, S>,
        whats: [What; N],
    ) -> Seq {
        let result: Result<Seq, std::convert::Infallible> = self.append_if(entry, whats, |_| Ok(()));
        match result {
            Ok(seq) => seq,
        }
    }

    /// Records events of one place, if `check` passes: the check, the events and what they change are one critical section.
    /// The check is given the moment of the events, since 1970. Gives the last one's seq.
    pub(crate) fn append_if<S: Applies + ?Sized, E, const N: usize>(
        &self,
        entry: &Entry<'_, S>,
        whats: [What; N],
        check: impl FnOnce(Duration) -> Result<(), E>,
    ) -> Result<Seq, E> {
        let at = self.env.now();
        let (mut warnings, mut told) = (Vec::new(), Vec::new());
        let (seq, length) = {
            let mut log = self.log.lock();
            // Read outside the lock, so another thread's later moment may stand here already: time never goes back.
            let at = at.max(log.at());
            let wall = self.env.wall(at);
            check(wall)?;
            for what in whats {
                let event = Event {
                    seq: log.last() + 1,
                    at,
                    agent: entry.seat.id().clone(),
                    incarnation: entry.incarnation,
                    task: entry.task.clone(),
                    cause: entry.cause,
                    what,
                };
                warnings.extend(entry.seat.apply(&event, wall));
                if self.tell.wants(&event) {
                    told.push(event.clone());
                }
                log.push(event);
            }
            (log.last(), log.length())
        };
        match length {
            Length::Fits => {}
            Length::Long => self.cutter.call(),
            Length::TooLong => {
                self.cut();
            }
        }
        // One is the journal's own. Who follows took another before looking, and finds the event if this finds none.
        if Arc::strong_count(&self.bell) > 1 {
            self.bell.ring_soon(self.env.aside());
        }
        self.watchers.ring(entry.seat.id(), self.env.aside());
        for event in &told {
            self.tell.event(event, entry.seat.name());
        }
        for warning in warnings {
            self.warn(entry.seat, &warning, seq);
        }
        Ok(seq)
    }

    /// A budget has passed its warning share: an event of the agent whose budget it is.
    fn warn<S: Applies + ?Sized>(&self, from: &S, warning: &Warning, cause: Seq) {
        let Some(seat) = from.above(&warning.agent) else { return };
        let entry = Entry { seat, incarnation: seat.incarnation(), task: None, cause: Some(cause) };
        self.append(&entry, What::BudgetWarned { permille: warning.permille });
    }

    /// Cuts the oldest events off and lets the snapshot take them in. Says whether it is to be done again.
    fn cut(&self) -> bool {
        // Another thread is at it, or somebody looks at the views: the next append will find the log too long still.
        let Some(mut views) = self.views.try_lock() else { return false };
        let (mut events, is_long) = self.log.lock().take_oldest();
        views.cut(&events);
        drop(views);
        // Dropped under no lock.
        events.clear();
        self.log.lock().reuse(events);
        is_long
    }

    /// The events from a seq on, up to `most` of them; an error if the first of them was cut.
    pub(crate) fn read(&self, from: Seq, most: usize) -> Result<Vec<Arc<Event>>, WasCut> {
        self.log.lock().read(from, most)
    }

    /// The snapshot at the cut.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.views.lock().at_cut()
    }

    /// Looks at a view of now. `look` appends nothing.
    pub(crate) fn view<F: View, R>(&self, look: impl FnOnce(&F) -> R) -> R {
        look(self.views.lock().now(&self.log))
    }

    /// The last event's seq.
    pub(crate) fn last(&self) -> Seq {
        self.log.lock().last()
    }

    /// All events that are kept.
    pub(crate) fn kept(&self) -> Vec<Arc<Event>> {
        self.log.lock().all()
    }

    /// Waits for something at one agent.
    pub(crate) fn watch(&self, agent: &AgentId) -> Watch {
        self.watchers.watch(agent)
    }

    /// How many agents somebody looks at.
    #[cfg(feature = "lab")]
    pub(crate) fn watched(&self) -> usize {
        self.watchers.len()
    }

    /// Tells the log of a panic that is nobody's event.
    pub(crate) fn late_panic<S: Applies + ?Sized>(&self, seat: &S, part: &str, panic: &Panic) {
        self.tell.late_panic(seat.id(), seat.name(), part, panic);
    }

    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

/// Which agent an event filter asks for.
pub(crate) fn is_within(event: &Event, subtree: Option<&AgentId>) -> bool {
    subtree.is_none_or(|root| event.agent.is_within(root))
}
