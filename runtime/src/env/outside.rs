//! What leaves the thread: blocking work, and in simulation whatever takes real time.
#![allow(clippy::disallowed_methods, reason = "this is the outside's one home")]

use std::future::Future;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::{Env, known, thread};
use crate::env::laid::laid;
use crate::env::quiet;

/// Where simulations go outside. A socket lives with the runtime that it was opened in, so it is one for all, and stays: a thread
/// drives it, and whoever goes outside polls on a thread of its own.
fn abroad() -> &'static Handle {
    static ABROAD: OnceLock<Handle> = OnceLock::new();
    ABROAD.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the system gives an event loop");
        let handle = runtime.handle().clone();
        let driving = thread::start("skep-outside", move || runtime.block_on(std::future::pending()));
        driving.expect("the system gives a thread");
        handle
    })
}

/// None if the work itself is gone, which its thread does not let happen.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = oneshot::channel();
    let begun = thread::start("skep-blocking", move || drop(tell.send(work())));
    begun.expect("the system gives a thread");
    told.await.ok()
}

impl Env {
    /// Runs blocking work on a thread for such work and waits for it. Under simulation virtual time stands still
    /// meanwhile. Dropping the future lets the work run to its end unseen, since no thread can be stopped.
    ///
    /// Where the swarm's runtime has ended and takes no work any more, it is run on a thread of its own.
    ///
    /// # Panics
    /// With the work's own panic; and if the system gives no thread.
    pub async fn blocking<T, F>(&self, work: F) -> T
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let work = Arc::new(Mutex::new(Some(quiet::for_another_thread(work))));
        let its = Arc::clone(&work);
        let begin = move || {
            let work = its.lock().take();
            work.map(|work| work())
        };
        let done = match known(self.0.work.spawn_blocking(begin)).await {
            Ok(done) => done,
            // The runtime has dropped it unbegun. Whoever waits may be on another one.
            Err(_) => {
                let unbegun = work.lock().take();
                match unbegun {
                    Some(work) => known(on_a_thread(work)).await,
                    None => None,
                }
            }
        };
        match done {
            Some(Ok(value)) => value,
            Some(Err(panic)) => panic.resume(),
            None => unreachable!("the work was begun, and whoever has begun it says how it went"),
        }
    }

    /// Awaits something that takes real time (a socket, a process). Under simulation virtual time is held while it is
    /// out, or every deadline around it would pass at once. What is opened in one such call can be used in another.
    pub fn outside<F>(&self, future: F) -> impl Future<Output = F::Output> + Send
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let future = laid(|| future);
        async move {
            if !self.is_simulated() {
                return future.await;
            }
            self.blocking(move || abroad().block_on(future)).await
        }
    }
}
