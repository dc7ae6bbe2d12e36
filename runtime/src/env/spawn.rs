//! Where futures are begun. Their owner is a seat, which ends them, so the handles are let go.
#![allow(clippy::disallowed_methods, reason = "this is spawning's one home")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use super::Env;

impl Env {
    /// Begins a future on the embedder's runtime, where turns run.
    pub(crate) fn spawn_work<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.work.spawn(future));
    }

    /// Begins a future on the control thread. It must never block; what code of a user's it comes upon runs elsewhere.
    pub(crate) fn spawn_control<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if !self.is_simulated() {
            // That thread has said once for all that no code of a user's runs on it.
            drop(self.0.control.spawn(future));
            return;
        }
        let aside = Arc::clone(self.aside());
        drop(self.0.control.spawn(async move {
            let mut future = pin!(future);
            poll_fn(|cx| aside.ours(|| future.as_mut().poll(cx))).await;
        }));
    }
}
