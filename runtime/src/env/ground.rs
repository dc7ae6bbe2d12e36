//! The ground under a swarm: the runtime that its turns run on, which its embedder may end at any moment.
//!
//! # Invariants
//! 1. A runtime that ends refuses new futures before it drops those that it has. So whoever is dropped by it can find out, by
//!    asking it to take one more.
#![allow(clippy::disallowed_methods, reason = "what asks the runtime begins no work")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;

use super::Env;
use crate::env::signal::Signal;
use crate::words::error::StartError;

/// What is known of the embedder's runtime.
#[derive(Default)]
pub(crate) struct Ground {
    /// Raised when the runtime has ended.
    gone: Signal,
    /// Raised when the swarm needs it no more.
    left: Signal,
}

/// Why there is no ground to stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoGround {
    /// No tokio runtime is entered.
    NoRuntime,
    /// Its clock is not enabled.
    NoTimers,
}

impl From<NoGround> for StartError {
    fn from(why: NoGround) -> Self {
        match why {
            NoGround::NoRuntime => Self::NoRuntime,
            NoGround::NoTimers => Self::NoTimers,
        }
    }
}

impl Ground {
    /// Has a future lie in the runtime, which is dropped with it.
    pub(super) fn watch(work: &Handle) -> Arc<Self> {
        let ground = Arc::new(Self::default());
        let felt = Felt(Arc::clone(&ground));
        drop(work.spawn(async move { felt.0.left.raised().await }));
        ground
    }

    /// The swarm needs it no more.
    pub(super) fn leave(&self) {
        self.left.raise();
    }
}

/// Notices that it is dropped.
struct Felt(Arc<Ground>);

impl Drop for Felt {
    fn drop(&mut self) {
        if !self.0.left.is_raised() {
            self.0.gone.raise();
        }
    }
}

/// Whether the runtime takes no future any more: it drops one at once that it does not take.
fn refuses(work: &Handle) -> bool {
    struct AskedRuntime {
        refused: Arc<AtomicBool>,
        is_polled: bool,
    }
    impl Drop for AskedRuntime {
        fn drop(&mut self) {
            if !self.is_polled {
                self.refused.store(true, Ordering::Release);
            }
        }
    }
    let refused = Arc::new(AtomicBool::new(false));
    let mut asked = AskedRuntime { refused: Arc::clone(&refused), is_polled: false };
    drop(work.spawn(async move {
        let asked = &mut asked;
        asked.is_polled = true;
    }));
    refused.load(Ordering::Acquire)
}

/// The runtime that this is called in, with all that turns need of it.
pub(super) fn here() -> Result<Handle, NoGround> {
    let handle = Handle::try_current().map_err(|_| NoGround::NoRuntime)?;
    if super::clock::ticks_here() { Ok(handle) } else { Err(NoGround::NoTimers) }
}

impl Ground {
    /// Waits until that runtime has ended; false if the swarm has ended before.
    pub(crate) async fn gone(&self) -> bool {
        tokio::select! {
            biased;
            () = self.left.raised() => false,
            () = self.gone.raised() => true,
        }
    }
}

impl Env {
    /// Whether the runtime that turns run on has ended, as far as its end was noticed.
    pub(crate) fn ground_was_lost(&self) -> bool {
        self.0.ground.gone.is_raised()
    }

    /// The same, also where its end is still going on.
    pub(crate) fn ground_is_gone(&self) -> bool {
        self.ground_was_lost() || refuses(&self.0.work)
    }

    /// The watch over that runtime, which keeps nothing else alive.
    pub(crate) fn ground(&self) -> Arc<Ground> {
        Arc::clone(&self.0.ground)
    }
}
