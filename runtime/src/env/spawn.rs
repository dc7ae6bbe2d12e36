//! Where futures are begun. Their owner is a seat, which ends them, so the handles are let go.
#![allow(clippy::disallowed_methods, reason = "this is spawning's one home")]

use std::future::Future;

use super::Env;

impl Env {
    /// Begins a future on the embedder's runtime, where turns run.
    pub(crate) fn spawn_work<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.work.spawn(future));
    }

    /// Begins a future on the control thread. It must never run user code, nor block.
    pub(crate) fn spawn_control<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.control.spawn(future));
    }
}
