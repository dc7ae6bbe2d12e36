//! Which turns wait for which others, so that an ask which would close a circle is refused instead of waiting for ever.
//!
//! A turn keeps a list of what it waits for: an agent (whose turn, whichever it is, must come to its end before the task
//! that was asked can) or another turn itself. A list is its turn's own; nothing is shared, and a seat only counts how
//! many entries there are in its turns' lists. So an ask walks only where the agent that it asks waits itself.
//!
//! # Why no circle is missed
//! An ask enters its list first and walks afterwards, and stays entered while it waits. Say that a circle stands and every
//! ask in it has walked, and none has seen all of it: each walk `a` read some list (or count) before another ask `b` of the
//! circle entered there, so `a` had entered before `b` had. That holds for each of finitely many, one after the other in
//! the order of the locks and of the sequentially consistent counts, and an order has no circle. So one of them has seen it.
//!
//! Two that close a circle at the same moment may both see it. They look once more, one at a time, and the first to be
//! refused has left before the second looks: so one of them goes on.
//!
//! A turn that is cancelled waits for nothing that will not come, and a task that has its outcome is waited for no more:
//! neither is a part of a circle.

use std::cmp::Ordering as Order;
use std::sync::Arc;

use crate::decide::waits::way;
use crate::engine::seat::Seat;
use crate::engine::turn::{Listener, Turn};
use crate::env::sync::atomic::Ordering;
use crate::words::id::AgentId;

/// What a turn waits for.
#[derive(Default)]
pub(crate) struct WaitsFor {
    next: u64,
    entries: Vec<WaitEntry>,
}

#[derive(Clone)]
struct WaitEntry {
    number: u64,
    awaited: Awaited,
    /// The task that was asked, once it is accepted.
    task: Option<Arc<dyn Listener>>,
}

#[derive(Clone)]
pub(crate) enum Awaited {
    /// An agent, whose turn has to end first.
    Agent(Arc<Seat>),
    /// A turn of its own beside that of its agent.
    Turn(Arc<Turn>),
}

/// A wait that is entered until this is dropped.
pub(crate) struct EnteredWait {
    turn: Arc<Turn>,
    number: u64,
}

impl Turn {
    /// Enters a wait.
    pub(crate) fn waits_for(self: &Arc<Self>, awaited: Awaited) -> EnteredWait {
        let mut list = self.waits_for.lock();
        list.next += 1;
        let number = list.next;
        list.entries.push(WaitEntry { number, awaited, task: None });
        self.seat.awaiting.fetch_add(1, Ordering::SeqCst);
        EnteredWait { turn: Arc::clone(self), number }
    }

    /// The turns that have to end before it goes on.
    fn awaited(&self) -> Vec<WaitingTurn> {
        if self.cancel.is_raised() || self.seat.awaiting.load(Ordering::SeqCst) == 0 {
            return Vec::new();
        }
        // Copied out: whether a task is over is asked under no lock of ours.
        let entries = self.waits_for.lock().entries.clone();
        let open =
            entries.into_iter().filter(|entry| !entry.task.as_ref().is_some_and(|task| task.is_over()));
        open.filter_map(|entry| match entry.awaited {
            Awaited::Agent(seat) => seat.gate.lock().turn.clone(),
            Awaited::Turn(turn) => Some(turn),
        })
        .map(WaitingTurn)
        .collect()
    }
}

impl EnteredWait {
    /// The task was accepted: once it is over, nobody waits for it.
    pub(crate) fn accepted(&self, task: Arc<dyn Listener>) {
        let mut list = self.turn.waits_for.lock();
        if let Some(entry) = list.entries.iter_mut().find(|entry| entry.number == self.number) {
            entry.task = Some(task);
        }
    }

    /// Whether this wait for an agent closes a circle: the way round, from the agent that asks back to it. Of two that
    /// close one together, one is told so.
    pub(crate) fn circle(self, seat: &Arc<Seat>) -> Result<Self, Vec<AgentId>> {
        if seat.awaiting.load(Ordering::SeqCst) == 0 || self.find(seat).is_none() {
            return Ok(self);
        }
        let engine = Arc::clone(&self.turn.seat.engine);
        let one_at_a_time = engine.circles.lock();
        let circle = self.find(seat);
        match circle {
            None => {
                drop(one_at_a_time);
                Ok(self)
            }
            Some(circle) => {
                // It has left before another looks.
                drop(self);
                drop(one_at_a_time);
                Err(circle)
            }
        }
    }

    fn find(&self, seat: &Arc<Seat>) -> Option<Vec<AgentId>> {
        let first = WaitingTurn(seat.gate.lock().turn.clone()?);
        let back = way(first, &WaitingTurn(Arc::clone(&self.turn)), |node| node.0.awaited())?;
        let ids = back.iter().map(|node| node.0.seat.id.clone());
        Some(std::iter::once(self.turn.seat.id.clone()).chain(ids).collect())
    }
}

impl Drop for EnteredWait {
    fn drop(&mut self) {
        let entry = {
            let mut list = self.turn.waits_for.lock();
            let at = list.entries.iter().position(|entry| entry.number == self.number);
            at.map(|at| list.entries.swap_remove(at))
        };
        self.turn.seat.awaiting.fetch_sub(1, Ordering::SeqCst);
        drop(entry);
    }
}

/// A turn, in the order of its number.
#[derive(Clone)]
struct WaitingTurn(Arc<Turn>);

impl Ord for WaitingTurn {
    fn cmp(&self, other: &Self) -> Order {
        self.0.number.cmp(&other.0.number)
    }
}

impl PartialOrd for WaitingTurn {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl PartialEq for WaitingTurn {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for WaitingTurn {}
