//! The queue in a seat: bounded for tasks, first come first served for those who wait for room.

#[cfg(feature = "lab")]
mod astray;
#[cfg(not(feature = "lab"))]
#[path = "mailbox/straight.rs"]
mod astray;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use parking_lot::Mutex;

use self::astray::Astray;
pub(crate) use self::astray::Delivery;
use crate::id::TaskId;
use crate::lifecycle::StopReason;
use crate::task::TaskCell;
use crate::time::Time;

pub(crate) struct Mailbox<T, O> {
    queue: Mutex<Queue<T, O>>,
    capacity: usize,
}

struct Queue<T, O> {
    tasks: VecDeque<Arc<TaskCell<T, O>>>,
    closed: Option<StopReason>,
    /// What was queued has been ended: nothing comes back either.
    ended: bool,
    /// A task has been taken out and its turn has not begun.
    in_hand: bool,
    next_task: u64,
    next_place: u64,
    waiting: VecDeque<(u64, Waker)>,
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
        let queue = Queue {
            tasks: VecDeque::new(),
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
        let Queue { tasks, astray, next_task, .. } = &mut *queue;
        let Some(delivery) = astray.admit(deliver()) else { return Err(NotAccepted::Full(payload)) };
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
        queue.tasks.push_front(Arc::clone(task));
        Ok(())
    }

    /// The next task, and room for one who waits. One that was withdrawn meanwhile has its outcome.
    pub(crate) fn pop(&self) -> Option<Arc<TaskCell<T, O>>> {
        let (task, waker) = {
            let mut queue = self.queue.lock();
            let task = queue.tasks.pop_front();
            queue.in_hand = task.is_some();
            let waker = queue.next_waiting(self.capacity);
            (task, waker)
        };
        wake(waker);
        task
    }

    /// Takes a withdrawn task out, so that its room is free at once.
    pub(crate) fn remove(&self, task: &Arc<TaskCell<T, O>>) {
        let waker = {
            let mut queue = self.queue.lock();
            queue.tasks.retain(|queued| !Arc::ptr_eq(queued, task));
            queue.astray.remove(task);
            queue.next_waiting(self.capacity)
        };
        wake(waker);
    }

    /// Waits for room. `place` is the caller's place among the waiting.
    pub(crate) fn wait_for_room(&self, place: &mut Option<u64>, cx: &mut Context<'_>) {
        let mut queue = self.queue.lock();
        if queue.closed.is_some() || queue.has_room(self.capacity) {
            // Room came between the refusal and now.
            cx.waker().wake_by_ref();
            return;
        }
        let mine = *place.get_or_insert_with(|| {
            queue.next_place += 1;
            queue.next_place
        });
        match queue.waiting.iter_mut().find(|(number, _)| *number == mine) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => queue.waiting.push_back((mine, cx.waker().clone())),
        }
    }

    /// Gives a place among the waiting up; if it had been called, the next is.
    pub(crate) fn leave(&self, place: &mut Option<u64>) {
        let Some(mine) = place.take() else { return };
        let waker = {
            let mut queue = self.queue.lock();
            let before = queue.waiting.len();
            queue.waiting.retain(|(number, _)| *number != mine);
            if queue.waiting.len() == before { queue.next_waiting(self.capacity) } else { None }
        };
        wake(waker);
    }

    /// Nothing is accepted from now on, for this reason.
    pub(crate) fn close(&self, reason: StopReason) {
        let waiting = {
            let mut queue = self.queue.lock();
            queue.closed.get_or_insert(reason);
            std::mem::take(&mut queue.waiting)
        };
        for (_, waker) in waiting {
            waker.wake();
        }
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
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    /// The task that was taken out has a turn, or needs none.
    pub(crate) fn begun(&self) {
        self.queue.lock().in_hand = false;
    }

    /// The queued tasks with their deadlines.
    pub(crate) fn deadlines(&self) -> Vec<(TaskId, Time)> {
        let queue = self.queue.lock();
        let all = queue.tasks.iter().chain(queue.astray.tasks());
        all.map(|task| (task.id.clone(), task.terms.deadline)).collect()
    }

    /// Tasks whose turn has not begun.
    pub(crate) fn len(&self) -> usize {
        let queue = self.queue.lock();
        queue.tasks.len() + usize::from(queue.in_hand)
    }
}

impl<T, O> Queue<T, O> {
    fn has_room(&self, capacity: usize) -> bool {
        self.tasks.len() < capacity && !self.astray.is_full()
    }

    fn next_waiting(&mut self, capacity: usize) -> Option<Waker> {
        if self.has_room(capacity) { self.waiting.pop_front().map(|(_, waker)| waker) } else { None }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
