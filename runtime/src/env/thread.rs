//! Threads. The control thread: one thread, one runtime, for cells, deadlines and heartbeats.
//!
//! A future that a blocked turn woke waits in that worker's slot and nobody steals it; on a runtime of its own control
//! does not wait for any turn.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::Builder;

use tokio::runtime::Handle;

use super::Aside;
use crate::env::signal::Signal;

pub(super) struct ControlThread {
    handle: Handle,
    over: Arc<Signal>,
}

impl ControlThread {
    pub(super) fn start(aside: Arc<Aside>) -> Self {
        let (tell, told) = mpsc::channel();
        let over = Arc::new(Signal::default());
        let until = Arc::clone(&over);
        Builder::new()
            .name("skep-control".to_owned())
            .spawn(move || {
                super::hush::hush();
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .expect("a runtime with a clock alone needs nothing of the system");
                // The starter is gone only if its thread died, and then nobody waits.
                tell.send(runtime.handle().clone()).ok();
                aside.ours(|| runtime.block_on(until.raised()));
                // Dropped here, on its own thread: inside async code that would panic.
                runtime.shutdown_background();
            })
            .expect("the system gives a thread");
        let handle = told.recv().expect("the control thread says where it is");
        Self { handle, over }
    }

    /// Lets the thread end, whoever still holds a handle to what it served.
    pub(super) fn end(&self) {
        self.over.raise();
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

/// Begins a thread that ends by itself.
pub(super) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

impl Drop for ControlThread {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(feature = "lab")]
impl super::Env {
    /// Keeps the calling thread busy, as a fault plan wants it on a real clock: a turn that computes and never awaits.
    pub(crate) fn block_thread(&self, span: std::time::Duration) {
        debug_assert!(!self.is_simulated(), "a block is simulated there");
        let until = self.now() + span;
        while self.now() < until {
            std::hint::spin_loop();
        }
    }
}
