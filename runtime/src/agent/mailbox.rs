//! The queue in a seat: bounded for tasks, first come first served for those who wait for room.
//!
//! Under its lock no waker is cloned, woken or dropped, for a waker may be a user's; nor is a task's value, which is kept for
//! that ([`Theirs`](crate::env::theirs::Theirs)).

#[cfg(feature = "lab")]
mod astray;
#[cfg(not(feature = "lab"))]
#[path = "mailbox/straight.rs"]
mod astray;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use self::astray::Astray;
use crate::agent::task::TaskCell;
use crate::engine::lab::points::Delivery;
use crate::env::sync::Mutex;
use crate::env::theirs::Sleeper;
use crate::words::id::TaskId;
use crate::words::state::StopReason;
use crate::words::time::Time;

pub(crate) struct Mailbox<T, O> {
    queue: Mutex<TaskQueue<T, O>>,
    capacity: usize,
}

struct TaskQueue<T, O> {
    tasks: VecDeque<Arc<TaskCell<T, O>>>,
    /// Nothing has come out of its turn since the queue was empty: the tasks stand by number.
    is_ordered: bool,
    closed: Option<StopReason>,
    /// What was queued has been ended: nothing comes back either.
    ended: bool,
    /// A task has been taken out and its turn has not begun.
    in_hand: bool,
    next_task: u64,
    next_place: u64,
    waiting: VecDeque<(u64, Option<Sleeper>)>,
    /// What a fault plan has done on the way here.
    astray: Astray<T, O>,
}

/// Why a task was not accepted, with the task.
pub(crate) enum NotAccepted<T> {
    Full(T),
    Closed(T, StopReason),
}

impl<T, O> Mailbox<T, O> {
    pub(crate) fn new(capacity: usize) -> Self {
        let queue = TaskQueue {
            tasks: VecDeque::new(),
            is_ordered: true,
            closed: None,
            ended: false,
            in_hand: false,
            next_task: 0,
            next_place: 0,
            waiting: VecDeque::new(),
            astray: Astray::default(),
        };
        Self { queue: Mutex::new(queue), capacity }
    }

    /// Puts a task at the end, or where `deliver` says. `make` gives the cell for the task's number and appends its event.
    pub(crate) fn push(
        &self,
        payload: T,
        deliver: impl FnOnce() -> Delivery,
        make: impl FnOnce(u64, T) -> Arc<TaskCell<T, O>>,
    ) -> Result<Arc<TaskCell<T, O>>, NotAccepted<T>> {
        let mut queue = self.queue.lock();
        if let Some(reason) = &queue.closed {
            return Err(NotAccepted::Closed(payload, reason.clone()));
        }
        if !queue.has_room(self.capacity) {
            return Err(NotAccepted::Full(payload));
        }
        let TaskQueue { tasks, astray, next_task, is_ordered, .. } = &mut *queue;
        let Some(delivery) = astray.admit(deliver()) else { return Err(NotAccepted::Full(payload)) };
        *is_ordered &= matches!(delivery, Delivery::Straight);
        *next_task += 1;
        let task = make(*next_task, payload);
        astray.put(tasks, Arc::clone(&task), delivery);
        Ok(task)
    }

    /// Puts a redelivered task at the head, above the capacity if need be: it had its room before. Where all that was
    /// queued has been ended, gives the reason for which this one has to end too.
    pub(crate) fn push_front(&self, task: &Arc<TaskCell<T, O>>) -> Result<(), StopReason> {
        let mut queue = self.queue.lock();
        if queue.ended {
            return Err(queue.closed.clone().unwrap_or(StopReason::Stopped));
        }
        queue.is_ordered &= queue.tasks.front().is_none_or(|head| task.number < head.number);
        queue.tasks.push_front(Arc::clone(task));
        Ok(())
    }

    /// The next task, and room for one who waits. One that was withdrawn meanwhile has its outcome.
    pub(crate) fn pop(&self) -> Option<Arc<TaskCell<T, O>>> {
        let (task, next) = {
            let mut queue = self.queue.lock();
            let task = queue.tasks.pop_front();
            queue.in_hand = task.is_some();
            queue.is_ordered |= queue.tasks.is_empty();
            let next = queue.next_waiting(self.capacity);
            (task, next)
        };
        Sleeper::wake_all(next);
        task
    }

    /// Takes a withdrawn task out, so that its room is free at once.
    pub(crate) fn remove(&self, task: &Arc<TaskCell<T, O>>) {
        let next = {
            let mut queue = self.queue.lock();
            queue.take_out(task);
            queue.astray.remove(task);
            queue.next_waiting(self.capacity)
        };
        Sleeper::wake_all(next);
    }

    /// Waits for room; ready if it has come since it was refused, or never will. `place` is the caller's place among the
    /// waiting.
    pub(crate) fn poll_room(&self, place: &mut Option<u64>, cx: &Context<'_>) -> Poll<()> {
        let sleeper = Sleeper::new(cx);
        let mut queue = self.queue.lock();
        if queue.closed.is_some() || queue.has_room(self.capacity) {
            drop(queue);
            drop(sleeper);
            return Poll::Ready(());
        }
        // Whoever was called and finds the room taken stands at the end again.
        let at = place.and_then(|mine| queue.waits_at(mine)).unwrap_or_else(|| {
            queue.next_place += 1;
            let mine = queue.next_place;
            *place = Some(mine);
            queue.waiting.push_back((mine, None));
            queue.waiting.len() - 1
        });
        let former = sleeper.replace(&mut queue.waiting[at].1);
        drop(queue);
        drop(former);
        Poll::Pending
    }

    /// Gives a place among the waiting up; if it had been called, the next is.
    pub(crate) fn leave(&self, place: &mut Option<u64>) {
        let Some(mine) = place.take() else { return };
        let mut queue = self.queue.lock();
        let at = queue.waits_at(mine);
        let left = at.and_then(|at| queue.waiting.remove(at));
        let next = if left.is_none() { queue.next_waiting(self.capacity) } else { None };
        drop(queue);
        drop(left);
        Sleeper::wake_all(next);
    }

    /// Nothing is accepted from now on, for this reason.
    /// Gives those who wait for room, to be woken where no lock is held.
    pub(crate) fn close(&self, reason: StopReason) -> Vec<Sleeper> {
        let waiting = {
            let mut queue = self.queue.lock();
            queue.closed.get_or_insert(reason);
            std::mem::take(&mut queue.waiting)
        };
        waiting.into_iter().filter_map(|(_, sleeper)| sleeper).collect()
    }

    /// Accepts tasks again: the agent has another incarnation.
    pub(crate) fn reopen(&self) {
        let mut queue = self.queue.lock();
        queue.closed = None;
        queue.ended = false;
        queue.in_hand = false;
    }

    /// All that is queued, for its outcome. Nothing comes back from now on.
    pub(crate) fn take_all(&self) -> VecDeque<Arc<TaskCell<T, O>>> {
        let mut queue = self.queue.lock();
        queue.ended = true;
        let mut all = std::mem::take(&mut queue.tasks);
        all.extend(queue.astray.take());
        all
    }

    /// A message that a fault plan has delayed arrives, unless its task has been ended.
    #[cfg(feature = "lab")]
    pub(crate) fn arrive(&self, number: u64) {
        let mut queue = self.queue.lock();
        if let Some(task) = queue.astray.arrive(number) {
            queue.is_ordered = false;
            queue.tasks.push_back(task);
        }
    }

    /// There is room again: whoever waits for it looks once more.
    #[cfg(feature = "lab")]
    pub(crate) fn make_room(&self) {
        let waiting = {
            let mut queue = self.queue.lock();
            queue.astray.make_room();
            std::mem::take(&mut queue.waiting)
        };
        Sleeper::wake_all(waiting.into_iter().filter_map(|(_, sleeper)| sleeper));
    }

    /// The task that was taken out has a turn, or needs none.
    pub(crate) fn begun(&self) {
        self.queue.lock().in_hand = false;
    }

    /// The queued tasks, and those on their way.
    #[cfg(feature = "lab")]
    pub(crate) fn tasks(&self) -> Vec<Arc<TaskCell<T, O>>> {
        let queue = self.queue.lock();
        queue.tasks.iter().chain(queue.astray.tasks()).map(Arc::clone).collect()
    }

    /// The queued tasks with their deadlines.
    pub(crate) fn deadlines(&self) -> Vec<(TaskId, Time)> {
        let queue = self.queue.lock();
        let all = queue.tasks.iter().chain(queue.astray.tasks());
        all.map(|task| (task.id.clone(), task.terms.deadline())).collect()
    }

    /// Tasks whose turn has not begun.
    pub(crate) fn len(&self) -> usize {
        let queue = self.queue.lock();
        queue.tasks.len() + usize::from(queue.in_hand)
    }
}

impl<T, O> TaskQueue<T, O> {
    /// Where somebody waits for room: the places only grow.
    fn waits_at(&self, place: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&place, |(number, _)| *number).ok()
    }

    fn take_out(&mut self, task: &Arc<TaskCell<T, O>>) {
        if self.is_ordered {
            // It may be gone: taken by a turn, or ended with the others.
            if let Ok(at) = self.tasks.binary_search_by_key(&task.number, |queued| queued.number) {
                self.tasks.remove(at);
            }
        } else {
            self.tasks.retain(|queued| !Arc::ptr_eq(queued, task));
        }
    }

    fn has_room(&self, capacity: usize) -> bool {
        self.tasks.len() < capacity && !self.astray.is_full()
    }

    fn next_waiting(&mut self, capacity: usize) -> Option<Sleeper> {
        if self.has_room(capacity) { self.waiting.pop_front().and_then(|(_, sleeper)| sleeper) } else { None }
    }
}
