//! Has the log cut on the control thread, so that no append folds what is long past.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::Journal;

/// Waits to be called, and cuts until the log fits.
#[derive(Default)]
pub(super) struct Cutter {
    called: Notify,
    is_called: AtomicBool,
    is_over: AtomicBool,
}

impl Cutter {
    pub(super) fn begin(self: &Arc<Self>, of: &Arc<Journal>) {
        let (cutter, journal) = (Arc::clone(self), Arc::downgrade(of));
        of.env.spawn_control(async move {
            loop {
                cutter.called.notified().await;
                // Before it looks: whoever appends from here on calls again.
                cutter.is_called.store(false, Ordering::SeqCst);
                if cutter.is_over.load(Ordering::SeqCst) {
                    return;
                }
                while journal.upgrade().is_some_and(|journal| journal.cut()) {
                    // The thread has more to do.
                    tokio::task::yield_now().await;
                }
            }
        });
    }

    /// Has it cut soon. One call is enough until it comes.
    pub(super) fn call(&self) {
        if !self.is_called.swap(true, Ordering::SeqCst) {
            self.called.notify_one();
        }
    }

    /// The journal is gone.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.called.notify_one();
    }
}
