//! Tells those who follow a journal that it has grown, in the order in which they came.
//!
//! tokio's own `watch` wakes its receivers in an order of chance, which no seed decides.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Bell {
    followers: Notify,
    is_broken: AtomicBool,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.followers.notify_waiters();
    }

    /// It will never ring again.
    pub(super) fn break_up(&self) {
        self.is_broken.store(true, Ordering::Release);
        self.followers.notify_waiters();
    }

    /// Waits until `look` finds something, looking again at each ring; none once the bell is broken and nothing is found.
    pub(super) async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            // Listens before it looks, so that no ring is missed in between.
            let rung = self.followers.notified();
            let mut rung = std::pin::pin!(rung);
            rung.as_mut().enable();
            let is_broken = self.is_broken.load(Ordering::Acquire);
            if let Some(found) = look() {
                return Some(found);
            }
            if is_broken {
                return None;
            }
            rung.await;
        }
    }
}
