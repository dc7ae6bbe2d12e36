//! The typed part of a seat.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::agent::Agent;
use crate::agent::mailbox::Mailbox;
use crate::env::theirs::Theirs;

/// What builds a behaviour.
pub(crate) struct Factory<A> {
    build: Arc<dyn Fn() -> A + Send + Sync>,
    /// Whether its own drop may run code of a user's.
    pub(crate) has_drop: bool,
}

impl<A> Factory<A> {
    pub(crate) fn new<F: Fn() -> A + Send + Sync + 'static>(build: F) -> Self {
        Self { build: Arc::new(build), has_drop: std::mem::needs_drop::<F>() }
    }

    pub(crate) fn build(&self) -> A {
        (self.build)()
    }
}

impl<A> Clone for Factory<A> {
    fn clone(&self) -> Self {
        Self { build: Arc::clone(&self.build), has_drop: self.has_drop }
    }
}

/// An agent's factory, mailbox, and its behaviour while it is dormant.
pub(crate) struct Typed<A: Agent> {
    pub(crate) factory: Theirs<Factory<A>>,
    pub(crate) mailbox: Mailbox<A::Task, A::Output>,
    pub(crate) dormant: Mutex<Option<Theirs<A>>>,
    /// Ends after its first task.
    pub(crate) is_job: bool,
}
