//! One wheel of deadlines for the whole swarm, turned on the control thread.
//!
//! What a timer does when it is due must be short and must not block: it raises a flag or puts a word into a queue. What
//! code of a user's it comes upon runs elsewhere.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::{Aside, Clock, Env};
use crate::env::signal::Signal;
use crate::words::time::Time;

type Callback = Box<dyn FnOnce() + Send>;

pub(crate) struct Timers {
    due: Mutex<TimerQueue>,
    sooner: Notify,
    over: Signal,
    aside: Arc<Aside>,
}

struct TimerQueue {
    next: u64,
    entries: BTreeMap<(Time, u64), Callback>,
    /// When the wheel is turned next: never after the first entry, and before it where that entry's predecessor was taken back. So
    /// who sets one deadline after the other, each taken back soon, wakes the wheel for the first of them alone.
    turns: Time,
}

impl TimerQueue {
    fn first(&self) -> Time {
        self.entries.keys().next().map_or(Time::NEVER, |(at, _)| *at)
    }
}

/// A deadline that has been set. Dropping it takes it back.
pub(crate) struct Timer {
    timers: Arc<Timers>,
    place: (Time, u64),
}

impl Timers {
    #[allow(clippy::disallowed_methods, reason = "the wheel is turned for as long as the environment stands")]
    pub(super) fn start(clock: Clock, aside: Arc<Aside>, control: &Handle) -> Arc<Self> {
        let queue = TimerQueue { next: 0, entries: BTreeMap::new(), turns: Time::NEVER };
        let (due, sooner, over) = (Mutex::new(queue), Notify::new(), Signal::default());
        let timers = Arc::new(Self { due, sooner, over, aside });
        let turned = Arc::downgrade(&timers);
        drop(control.spawn(async move {
            loop {
                let Some(timers) = turned.upgrade() else { return };
                let next = timers.due.lock().turns;
                tokio::select! {
                    biased;
                    () = timers.over.raised() => return,
                    () = timers.sooner.notified() => continue,
                    () = clock.sleep_until(next) => {}
                }
                timers.fire(clock.now());
                let mut queue = timers.due.lock();
                queue.turns = queue.first();
            }
        }));
        timers
    }

    /// Lets the wheel go: nothing is due any more.
    pub(super) fn end(&self) {
        self.over.raise();
    }

    fn fire(&self, now: Time) {
        loop {
            let Some(due) = self.take_due(now) else { return };
            // A bug of ours in one of them is told by the panic hook, and must not stop the clock of everybody.
            drop(catch_unwind(AssertUnwindSafe(|| self.aside.ours(due))));
        }
    }

    fn take_due(&self, now: Time) -> Option<Callback> {
        let mut queue = self.due.lock();
        let entry = queue.entries.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    fn set(self: &Arc<Self>, at: Time, due: Callback) -> Timer {
        let mut queue = self.due.lock();
        queue.next += 1;
        let place = (at, queue.next);
        queue.entries.insert(place, due);
        let is_sooner = at < queue.turns;
        queue.turns = queue.turns.min(at);
        drop(queue);
        if is_sooner {
            self.sooner.notify_one();
        }
        Timer { timers: Arc::clone(self), place }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // Taken out of the lock before it is dropped, for what it holds may set or take back timers in turn.
        let taken = self.timers.due.lock().entries.remove(&self.place);
        drop(taken);
    }
}

impl Env {
    /// Does something at a moment, on the control thread, unless the timer is dropped before.
    pub(crate) fn at(&self, at: Time, due: impl FnOnce() + Send + 'static) -> Timer {
        self.0.timers.set(at, Box::new(due))
    }

    /// The same, a while from now.
    pub(crate) fn after(&self, pause: Duration, due: impl FnOnce() + Send + 'static) -> Timer {
        self.at(self.now() + pause, due)
    }

    /// How many timers are set.
    #[cfg(feature = "lab")]
    pub(crate) fn timers(&self) -> usize {
        self.0.timers.due.lock().entries.len()
    }
}
