//! A limit on retries.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::Env;
use skep_runtime::effect::{Admitted, Admitting, Denied, Link, LinkState, Request, Stage};

use super::bucket::Bucket;
use super::keyed::Keyed;
use super::scope::{By, Scope, scoped};

/// At most this many retries per minute: when much fails, retrying would only make it worse. Beyond that, an effect ends
/// with its first failure, refused by this link.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    a_minute: u64,
    scope: Scope,
    shared: Arc<Mutex<Keyed<Bucket>>>,
}

impl RetryBudget {
    const PERIOD: Duration = Duration::from_secs(60);

    /// At most this many per minute; 0 for none at all.
    #[must_use]
    pub fn per_minute(tries: u64) -> Self {
        Self { a_minute: tries, scope: Scope::default(), shared: Arc::default() }
    }

    scoped!();

    /// Takes one retry.
    ///
    /// # Errors
    /// How long until there is one.
    fn take(&self, key: &str, env: &Env) -> Result<(), Duration> {
        if self.a_minute == 0 {
            return Err(Self::PERIOD);
        }
        let now = env.shared_now();
        let mut shared = self.shared.lock();
        let is_new = |bucket: &mut Bucket| {
            bucket.refill(now);
            bucket.is_full()
        };
        let make = || Bucket::full(self.a_minute, Self::PERIOD, self.a_minute, now);
        let bucket = shared.entry(key, is_new, make);
        bucket.refill(now);
        match bucket.wait(1) {
            Duration::ZERO => {
                bucket.take(1);
                Ok(())
            }
            wait => Err(wait),
        }
    }
}

impl Link for RetryBudget {
    fn name(&self) -> &str {
        "retry_budget"
    }

    fn stage(&self) -> Stage {
        Stage::Breaker
    }

    fn check(&self) -> Result<(), String> {
        self.scope.check()
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        let key = self.scope.key(request).filter(|_| request.number > 1);
        let taken = key.map_or(Ok(()), |key| self.take(&key, request.env()));
        let denied = |after| Denied::overloaded("it has failed, and too much is tried again already", after);
        Box::pin(std::future::ready(taken.map(|()| Admitted::free()).map_err(denied)))
    }

    fn states(&self, env: &Env) -> Vec<LinkState> {
        let now = env.shared_now();
        let mut shared = self.shared.lock();
        let states = shared.iter().map(|(key, bucket)| {
            bucket.refill(now);
            LinkState::new(key).with("tries_left", bucket.left())
        });
        states.collect()
    }
}
