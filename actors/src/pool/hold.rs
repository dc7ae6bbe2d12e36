//! Ties the worker that does a job to what the job's call holds.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::process::Running;

/// The worker of one call is killed when the call lets go of it, wherever the call's future is polled.
#[derive(Clone, Default)]
pub(super) struct Hold(Arc<Mutex<Tied>>);

#[derive(Default)]
enum Tied {
    #[default]
    ToNothing,
    To(Running),
    Cut,
}

/// What the call holds. Dropped, it kills the worker.
pub(super) struct Held(Hold);

impl Drop for Held {
    fn drop(&mut self) {
        let tied = std::mem::replace(&mut *self.0.0.lock(), Tied::Cut);
        if let Tied::To(running) = tied {
            running.kill();
        }
    }
}

impl Hold {
    pub(super) fn held(&self) -> Held {
        Held(self.clone())
    }

    /// Says whether the call still holds it.
    pub(super) fn tie(&self, running: &Running) -> bool {
        let mut tied = self.0.lock();
        let is_held = !matches!(*tied, Tied::Cut);
        if is_held {
            *tied = Tied::To(running.clone());
        }
        is_held
    }

    /// The worker is nobody's any more. Says whether it lives.
    pub(super) fn untie(&self) -> bool {
        let mut tied = self.0.lock();
        let is_held = !matches!(*tied, Tied::Cut);
        if is_held {
            *tied = Tied::ToNothing;
        }
        is_held
    }
}
