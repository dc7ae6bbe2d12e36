//! What a fault plan does to a mailbox: messages that are still on their way, and room that is not there. Without the feature
//! `lab` `straight.rs` stands here.
//!
//! # Invariant
//! A task that is on its way is accepted, so it has its one outcome like any other: whoever withdraws it, ends what is queued,
//! or lets its deadline pass finds it here.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::agent::task::TaskCell;
use crate::engine::lab::points::{Delivery, Late};
use crate::env::Timer;

type Cell<T, O> = Arc<TaskCell<T, O>>;

pub(super) struct Astray<T, O> {
    on_the_way: Vec<(Late, Cell<T, O>)>,
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
        let is_it = |due: &Late| due.as_ref().is_some_and(|(its, _)| *its == number);
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
