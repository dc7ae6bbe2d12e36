//! Tells those who wait for a change that there was one, in the order in which they came; they look for themselves whether
//! it was theirs.
//!
//! tokio's own `watch` wakes its receivers in an order of chance, which no seed decides, and its `Notify` wakes them where it
//! is told: a journal grows under locks, and a waker may be a user's.

use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::env::sleepers::Sleepers;
use crate::env::sync::Mutex;
use crate::env::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::env::theirs::Sleeper;
use crate::env::{Aside, is_known};

#[derive(Default)]
pub(crate) struct Bell {
    waiting: Mutex<Sleepers>,
    /// How many wait: most rings find none.
    count: AtomicUsize,
    is_broken: AtomicBool,
}

impl Bell {
    /// Wakes all who wait. Never under a lock.
    pub(crate) fn ring(&self) {
        Sleeper::wake_all(self.take());
    }

    /// Has all who wait woken soon, from where a lock may be held.
    pub(crate) fn ring_soon(&self, aside: &Aside) {
        if self.count.load(Ordering::SeqCst) > 0 {
            Sleeper::wake_soon(self.take(), aside);
        }
    }

    fn take(&self) -> Vec<Sleeper> {
        let mut waiting = self.waiting.lock();
        self.count.store(0, Ordering::SeqCst);
        waiting.take().collect()
    }

    /// It will never ring again. Never under a lock.
    pub(crate) fn break_up(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Waits until `look` finds something, looking again at each ring; none once the bell is broken and nothing is found.
    /// Dropping the future gives the place up.
    pub(crate) async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        if let Some(found) = look() {
            return Some(found);
        }
        let mut place = Listens { bell: self, number: None };
        poll_fn(|cx| {
            // Listens before it looks, so that no ring is missed in between.
            place.listen(cx);
            let is_broken = self.is_broken.load(Ordering::SeqCst);
            match look() {
                Some(found) => Poll::Ready(Some(found)),
                None if is_broken => Poll::Ready(None),
                None => {
                    is_known();
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// A place among those who wait.
struct Listens<'a> {
    bell: &'a Bell,
    number: Option<u64>,
}

impl Listens<'_> {
    fn listen(&mut self, cx: &Context<'_>) {
        let sleeper = Sleeper::new(cx);
        let mut waiting = self.bell.waiting.lock();
        let former = waiting.listen(&mut self.number, sleeper);
        self.bell.count.store(waiting.len(), Ordering::SeqCst);
        drop(waiting);
        drop(former);
    }
}

impl Drop for Listens<'_> {
    fn drop(&mut self) {
        if self.number.is_none() {
            return;
        }
        let mut waiting = self.bell.waiting.lock();
        let left = waiting.leave(&mut self.number);
        self.bell.count.store(waiting.len(), Ordering::SeqCst);
        drop(waiting);
        drop(left);
    }
}
