//! A limit on how many calls run at a time.

use std::sync::Arc;

use parking_lot::Mutex;
use skep_runtime::Env;
use skep_runtime::effect::{Admitted, Admitting, Denied, Link, LinkState, Request, Stage};
use tokio::sync::Semaphore;

use super::keyed::Keyed;
use super::scope::{By, Scope, scoped};

/// At most this many calls at a time: others wait, in the order in which they came. A permit is for one call and is given
/// back at its end, so agents that wait for agents below them hold none.
#[derive(Clone, Debug)]
pub struct AtOnce {
    most: usize,
    scope: Scope,
    shared: Arc<Mutex<Keyed<Arc<Semaphore>>>>,
}

impl AtOnce {
    /// At most this many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most: most.min(Semaphore::MAX_PERMITS), scope: Scope::default(), shared: Arc::default() }
    }

    scoped!();

    fn permits(&self, key: &str) -> Arc<Semaphore> {
        // We hold the only reference, so nobody waits for it or holds a permit of it.
        let is_new = |permits: &mut Arc<Semaphore>| Arc::strong_count(permits) == 1;
        let mut shared = self.shared.lock();
        Arc::clone(shared.entry(key, is_new, || Arc::new(Semaphore::new(self.most))))
    }
}

impl Link for AtOnce {
    fn name(&self) -> &str {
        "at_once"
    }

    fn stage(&self) -> Stage {
        Stage::Concurrency
    }

    fn check(&self) -> Result<(), String> {
        if self.most == 0 {
            return Err("none at a time lets nothing pass, ever; give at least 1".to_owned());
        }
        self.scope.check()
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        Box::pin(async move {
            let Some(key) = self.scope.key(request) else { return Ok(Admitted::free()) };
            let permit = self.permits(&key).acquire_owned().await;
            // It is never closed.
            permit.map(Admitted::holding).map_err(|closed| Denied::new(closed.to_string()))
        })
    }

    fn states(&self, _: &Env) -> Vec<LinkState> {
        let mut shared = self.shared.lock();
        let states = shared.iter().map(|(key, permits)| {
            // The references are ours, those of permit holders, and those of waiting calls.
            let held = self.most.saturating_sub(permits.available_permits());
            let waiting = Arc::strong_count(permits).saturating_sub(1 + held);
            LinkState::new(key).with("held", held as u64).with("waiting", waiting as u64)
        });
        states.collect()
    }
}
