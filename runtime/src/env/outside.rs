//! What leaves the thread: blocking work, and in simulation whatever takes real time.
#![allow(clippy::disallowed_methods, reason = "this is the outside's one home")]

use std::future::Future;

use super::{Env, known};
use crate::engine::quiet;

impl Env {
    /// Runs blocking work on a thread for such work and waits for it. Under simulation virtual time stands still
    /// meanwhile. Dropping the future lets the work run to its end unseen, since no thread can be stopped.
    ///
    /// # Panics
    /// With the work's own panic.
    pub async fn blocking<T, F>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match known(self.0.work.spawn_blocking(quiet::for_another_thread(work))).await {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => panic.resume(),
            // The runtime is going down, and with it whoever waits.
            Err(_) => std::future::pending().await,
        }
    }

    /// Awaits something that takes real time (a socket, a process). Under simulation virtual time is held while it is
    /// out, or every deadline around it would pass at once.
    pub async fn outside<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if !self.is_simulated() {
            return future.await;
        }
        self.blocking(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("the system gives an event loop")
                .block_on(future)
        })
        .await
    }
}
