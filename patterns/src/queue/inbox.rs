//! Tasks on their way into a queue that is open: whoever pushes waits for room.
//!
//! # Invariants
//! 1. No more tasks are here and waiting than there is room for, but for those that are given back.
//! 2. Those who wait to push go on in the order in which they came. The first of them is woken whenever there is room, and
//!    wakes the next when it has pushed or gone.
//! 3. A task is taken by the queue, or given back to whoever pushes it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub(super) struct Inbox<T>(Mutex<State<T>>);

struct State<T> {
    arrived: VecDeque<(T, Option<u8>)>,
    /// Tasks that the queue has taken and no worker has.
    waiting: usize,
    room: usize,
    /// Nobody pushes any more.
    is_closed: bool,
    /// Nothing is taken any more.
    is_over: bool,
    /// The queue, where it waits for tasks.
    queue: Option<Waker>,
    pushing: BTreeMap<u64, Waker>,
    next: u64,
}

impl<T> State<T> {
    fn has_room(&self) -> bool {
        self.arrived.len() + self.waiting < self.room
    }

    /// Who is to be woken: all if nobody can push any more, and the first if there is room.
    fn woken(&mut self) -> Vec<Waker> {
        if self.is_over || self.is_closed {
            return std::mem::take(&mut self.pushing).into_values().collect();
        }
        let first = if self.has_room() { self.pushing.first_key_value() } else { None };
        first.map(|(_, waker)| waker.clone()).into_iter().collect()
    }
}

impl<T> Inbox<T> {
    pub(super) fn new(room: usize) -> Self {
        Self(Mutex::new(State {
            arrived: VecDeque::new(),
            waiting: 0,
            room,
            is_closed: false,
            is_over: false,
            queue: None,
            pushing: BTreeMap::new(),
            next: 0,
        }))
    }

    /// One that nothing comes through.
    pub(super) fn closed() -> Self {
        let inbox = Self::new(0);
        inbox.close();
        inbox
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more is pushed: whoever waits gets the task back. What has arrived is done.
    pub(super) fn close(&self) {
        let (queue, pushing) = {
            let mut state = self.state();
            state.is_closed = true;
            (state.queue.take(), state.woken())
        };
        queue.into_iter().chain(pushing).for_each(Waker::wake);
    }

    /// No more is taken, and whoever waits gets the task back.
    pub(super) fn end(&self) {
        let pushing = {
            let mut state = self.state();
            state.is_over = true;
            state.woken()
        };
        pushing.into_iter().for_each(Waker::wake);
    }

    /// Takes what has arrived. Says whether no more can come.
    pub(super) fn take(&self, mut accept: impl FnMut(T, Option<u8>)) -> bool {
        let (arrived, is_last) = {
            let mut state = self.state();
            let arrived = std::mem::take(&mut state.arrived);
            state.waiting += arrived.len();
            (arrived, state.is_closed || state.is_over)
        };
        for (task, priority) in arrived {
            accept(task, priority);
        }
        is_last
    }

    /// So many wait now that the queue has taken.
    pub(super) fn waits(&self, tasks: usize) {
        let pushing = {
            let mut state = self.state();
            state.waiting = tasks;
            state.woken()
        };
        pushing.into_iter().for_each(Waker::wake);
    }

    /// Ready when there is something to take, or nothing can come any more and that was not known.
    pub(super) fn poll_any(&self, cx: &mut Context<'_>, was_last: bool) -> Poll<()> {
        let mut state = self.state();
        if !state.arrived.is_empty() || (!was_last && (state.is_closed || state.is_over)) {
            return Poll::Ready(());
        }
        state.queue = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Pushes the task if there is room and nobody came before. `place` is where whoever pushes stands in line.
    pub(super) fn poll_push(
        &self,
        task: &mut Option<(T, Option<u8>)>,
        place: &mut Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T>> {
        let mut state = self.state();
        let first = state.pushing.keys().next().copied();
        let is_first = first.is_none() || first == *place;
        if state.is_over || state.is_closed || (is_first && state.has_room()) {
            if let Some(place) = place.take() {
                state.pushing.remove(&place);
            }
            let Some((task, priority)) = task.take() else { return Poll::Ready(Ok(())) };
            if state.is_over || state.is_closed {
                return Poll::Ready(Err(task));
            }
            state.arrived.push_back((task, priority));
            let (queue, next) = (state.queue.take(), state.woken());
            drop(state);
            queue.into_iter().chain(next).for_each(Waker::wake);
            return Poll::Ready(Ok(()));
        }
        let at = place.unwrap_or(state.next);
        if place.is_none() {
            state.next += 1;
            *place = Some(at);
        }
        state.pushing.insert(at, cx.waker().clone());
        Poll::Pending
    }

    /// Whoever pushed has gone.
    pub(super) fn leave(&self, place: &mut Option<u64>) {
        let Some(at) = place.take() else { return };
        let next = {
            let mut state = self.state();
            state.pushing.remove(&at);
            state.woken()
        };
        next.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Somebody who pushes one task.
    struct Pusher {
        task: Option<(u32, Option<u8>)>,
        place: Option<u64>,
        woken: Arc<Woken>,
    }

    impl Pusher {
        fn new(task: u32) -> Self {
            Self { task: Some((task, None)), place: None, woken: Arc::default() }
        }

        fn push(&mut self, inbox: &Inbox<u32>) -> Poll<Result<(), u32>> {
            let waker = Waker::from(Arc::clone(&self.woken));
            inbox.poll_push(&mut self.task, &mut self.place, &mut Context::from_waker(&waker))
        }

        fn woken(&self) -> usize {
            self.woken.0.load(Ordering::SeqCst)
        }
    }

    fn taken(inbox: &Inbox<u32>) -> Vec<u32> {
        let mut taken = Vec::new();
        inbox.take(|task, _| taken.push(task));
        taken
    }

    #[test]
    fn who_pushes_waits_for_room_in_the_order_of_coming() {
        let inbox = Inbox::new(1);
        let [mut one, mut two, mut three] = [1, 2, 3].map(Pusher::new);
        assert_eq!(one.push(&inbox), Poll::Ready(Ok(())));
        assert!(two.push(&inbox).is_pending() && three.push(&inbox).is_pending());
        assert_eq!(taken(&inbox), [1]);
        assert!(two.push(&inbox).is_pending(), "it was taken, and no worker has it");
        inbox.waits(0);
        assert_eq!((two.woken(), three.woken()), (1, 0));
        assert!(three.push(&inbox).is_pending(), "another came before");
        assert_eq!(two.push(&inbox), Poll::Ready(Ok(())));
        assert_eq!(taken(&inbox), [2]);
        inbox.waits(0);
        assert_eq!((three.woken(), three.push(&inbox)), (1, Poll::Ready(Ok(()))));
    }

    #[test]
    fn one_that_was_woken_and_goes_wakes_the_next() {
        let inbox = Inbox::new(1);
        let [mut one, mut two, mut three] = [1, 2, 3].map(Pusher::new);
        assert_eq!(one.push(&inbox), Poll::Ready(Ok(())));
        assert!(two.push(&inbox).is_pending() && three.push(&inbox).is_pending());
        taken(&inbox);
        inbox.waits(0);
        inbox.leave(&mut two.place);
        assert_eq!((three.woken(), three.push(&inbox)), (1, Poll::Ready(Ok(()))));
    }

    #[test]
    fn when_it_is_over_the_tasks_are_given_back_and_what_arrived_stays() {
        let inbox = Inbox::new(1);
        let [mut one, mut two, mut three] = [1, 2, 3].map(Pusher::new);
        assert_eq!(one.push(&inbox), Poll::Ready(Ok(())));
        assert!(two.push(&inbox).is_pending());
        inbox.end();
        assert_eq!((two.woken(), two.push(&inbox)), (1, Poll::Ready(Err(2))));
        assert_eq!(three.push(&inbox), Poll::Ready(Err(3)));
        assert_eq!(taken(&inbox), [1]);
    }
}
