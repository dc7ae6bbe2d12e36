//! The append-only log: the only way to change what can be seen of a swarm.
//!
//! # Invariants
//! 1. `append` assigns the seq, applies the event to the seat's live state and meters, and records it, in one critical
//!    section. So a live view is the fold of the events up to some seq.
//! 2. The journal's lock is a leaf: nothing else of the runtime is locked while it is held, but a seat's live state.
//! 3. `append` never refuses and never blocks on anything slow: drop guards call it.

mod bell;
mod subscription;

use std::sync::Arc;

use parking_lot::Mutex;

use self::bell::Bell;
pub use self::subscription::{Events, Filter};
use crate::engine::seat::Seat;
use crate::env::Env;
use crate::event::{Event, Kind, What};
use crate::id::{AgentId, Incarnation, Seq, TaskId};
use crate::ledger::Warning;

/// The journal of one session, in memory, whole.
pub(crate) struct Journal {
    log: Mutex<Vec<Arc<Event>>>,
    bell: Arc<Bell>,
    env: Env,
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.bell.break_up();
    }
}

/// Where an event belongs.
pub(crate) struct Entry<'a> {
    pub(crate) seat: &'a Seat,
    pub(crate) incarnation: Incarnation,
    pub(crate) task: Option<TaskId>,
    pub(crate) cause: Option<Seq>,
}

impl Journal {
    pub(crate) fn new(env: Env) -> Self {
        Self { log: Mutex::default(), bell: Arc::default(), env }
    }

    /// Records what happened and applies it.
    pub(crate) fn append(&self, entry: &Entry<'_>, what: What) -> Seq {
        let result: Result<Seq, std::convert::Infallible> = self.append_if(entry, [what], || Ok(()));
        match result {
            Ok(seq) => seq,
        }
    }

    /// Records events of one place, if `check` passes: the check, the events and what they change are one critical section.
    /// Gives the last one's seq.
    pub(crate) fn append_if<E, const N: usize>(
        &self,
        entry: &Entry<'_>,
        whats: [What; N],
        check: impl FnOnce() -> Result<(), E>,
    ) -> Result<Seq, E> {
        let at = self.env.now();
        let mut warnings = Vec::new();
        let events = {
            let mut log = self.log.lock();
            check()?;
            // Read outside the lock, so another thread's later moment may stand here already: time never goes back.
            let at = log.last().map_or(at, |last| at.max(last.at));
            whats.map(|what| {
                let event = Arc::new(Event {
                    seq: log.len() as Seq + 1,
                    at,
                    agent: entry.seat.id.clone(),
                    incarnation: entry.incarnation,
                    task: entry.task.clone(),
                    cause: entry.cause,
                    what,
                });
                warnings.extend(entry.seat.apply(&event));
                log.push(Arc::clone(&event));
                event
            })
        };
        let seq = events.last().map_or(0, |event| event.seq);
        self.bell.ring();
        for event in &events {
            trace(event);
        }
        for warning in warnings {
            self.warn(entry.seat, &warning, seq);
        }
        Ok(seq)
    }

    /// A budget has passed its warning share: an event of the agent whose budget it is.
    fn warn(&self, from: &Seat, warning: &Warning, cause: Seq) {
        let mut seat = from;
        while seat.id != warning.agent {
            let Some(parent) = &seat.parent else { return };
            seat = parent;
        }
        let entry = Entry { seat, incarnation: seat.incarnation(), task: None, cause: Some(cause) };
        self.append(&entry, What::BudgetWarned { permille: warning.permille });
    }

    /// The events from a seq on, up to `most` of them.
    pub(crate) fn read(&self, from: Seq, most: usize) -> Vec<Arc<Event>> {
        let log = self.log.lock();
        let from = usize::try_from(from.saturating_sub(1)).unwrap_or(usize::MAX).min(log.len());
        log[from..].iter().take(most).map(Arc::clone).collect()
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> Seq {
        self.log.lock().len() as Seq
    }

    /// All events so far.
    pub(crate) fn all(&self) -> Vec<Arc<Event>> {
        self.log.lock().clone()
    }

    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

fn trace(event: &Event) {
    let (agent, incarnation, name) = (event.agent.as_str(), event.incarnation, event.what.name());
    let task = event.task.as_ref().map(tracing::field::display);
    match event.what.kind() {
        Kind::Session | Kind::Agent | Kind::Stop => {
            tracing::debug!(target: "skep", seq = event.seq, agent, incarnation, task, what = ?event.what, "{name}");
        }
        Kind::Supervision | Kind::Budget | Kind::Fault => {
            tracing::info!(target: "skep", seq = event.seq, agent, incarnation, task, what = ?event.what, "{name}");
        }
        Kind::Task | Kind::Effect | Kind::Custom => {
            tracing::trace!(target: "skep", seq = event.seq, agent, incarnation, task, what = ?event.what, "{name}");
        }
    }
}

/// Which agent an event filter asks for.
pub(crate) fn is_within(event: &Event, subtree: Option<&AgentId>) -> bool {
    subtree.is_none_or(|root| event.agent.is_within(root))
}
