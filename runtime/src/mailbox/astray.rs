//! What a fault plan does to a mailbox: messages that are still on their way, and room that is not there. Without the feature
//! `lab` `straight.rs` stands here.
//!
//! # Invariant
//! A task that is on its way is accepted, so it has its one outcome like any other: whoever withdraws it, ends what is queued,
//! or lets its deadline pass finds it here.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::env::Timer;
use crate::task::TaskCell;

/// How a task gets into the queue.
pub(crate) enum Delivery {
    Straight,
    /// Before all that waits.
    First,
    Twice,
    /// Not before the timer is due, under a number; or never.
    Astray(Due),
    /// There is no room until the timer is due.
    Full(Timer),
}

type Cell<T, O> = Arc<TaskCell<T, O>>;

/// A late message's number, and what brings it.
type Due = Option<(u64, Timer)>;

pub(super) struct Astray<T, O> {
    on_the_way: Vec<(Due, Cell<T, O>)>,
    full: Option<Timer>,
}

impl<T, O> Default for Astray<T, O> {
    fn default() -> Self {
        Self { on_the_way: Vec::new(), full: None }
    }
}

impl<T, O> Astray<T, O> {
    pub(super) const fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// Nothing if there is to be no room.
    pub(super) fn admit(&mut self, delivery: Delivery) -> Option<Delivery> {
        match delivery {
            Delivery::Full(timer) => {
                self.full = Some(timer);
                None
            }
            other => Some(other),
        }
    }

    pub(super) fn put(&mut self, queue: &mut VecDeque<Cell<T, O>>, task: Cell<T, O>, delivery: Delivery) {
        match delivery {
            Delivery::Straight | Delivery::Full(_) => queue.push_back(task),
            Delivery::First => queue.push_front(task),
            Delivery::Twice => queue.extend([Arc::clone(&task), task]),
            Delivery::Astray(due) => self.on_the_way.push((due, task)),
        }
    }

    /// A message that was late.
    pub(super) fn arrive(&mut self, number: u64) -> Option<Cell<T, O>> {
        let is_it = |due: &Due| due.as_ref().is_some_and(|(its, _)| *its == number);
        let at = self.on_the_way.iter().position(|(due, _)| is_it(due))?;
        Some(self.on_the_way.remove(at).1)
    }

    pub(super) fn make_room(&mut self) {
        self.full = None;
    }

    pub(super) fn remove(&mut self, task: &Cell<T, O>) {
        self.on_the_way.retain(|(_, its)| !Arc::ptr_eq(its, task));
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = Cell<T, O>> {
        std::mem::take(&mut self.on_the_way).into_iter().map(|(_, task)| task)
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = &Cell<T, O>> {
        self.on_the_way.iter().map(|(_, task)| task)
    }
}
