//! A limit on calls per period, in the order in which they came.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::effect::{Admitted, Admitting, Ended, Link, LinkState, Pass, Request, Stage};
use skep_runtime::{Advice, Env, FailureClass, Time};
use tokio::sync::Notify;

use super::bucket::Bucket;
use super::keyed::Keyed;
use super::lane::{Lane, Look, Weight};
use super::scope::{By, Scope, scoped};

/// At most this many calls per period, and optionally this many tokens: effects wait for their turn, in the order in
/// which they came.
///
/// A call takes the most tokens that it may use, and at its end gives back those not used. If the other side says when to
/// try again (a 429's retry-after), no call goes before that. The share of a call that is cancelled on
/// its way stays taken; a call that was refused by a later link, or had to wait for a resume, gives it back.
#[derive(Clone, Debug)]
pub struct Rate {
    terms: Terms,
    scope: Scope,
    shared: Arc<Mutex<Keyed<Lane<Arc<Notify>>>>>,
}

#[derive(Clone, Debug)]
struct Terms {
    calls: u64,
    tokens: Option<u64>,
    period: Duration,
    burst: Option<u64>,
}

impl Rate {
    fn per(calls: u64, period: Duration) -> Self {
        let terms = Terms { calls, tokens: None, period, burst: None };
        Self { terms, scope: Scope::default(), shared: Arc::default() }
    }

    /// At most this many per second.
    #[must_use]
    pub fn per_second(calls: u64) -> Self {
        Self::per(calls, Duration::from_secs(1))
    }

    /// At most this many per minute.
    #[must_use]
    pub fn per_minute(calls: u64) -> Self {
        Self::per(calls, Duration::from_secs(60))
    }

    /// Also at most this many tokens per period, sent and written.
    #[must_use]
    pub fn tokens(self, tokens: u64) -> Self {
        self.with(|terms| terms.tokens = Some(tokens))
    }

    /// How many calls may go at once after a quiet time; by default as many as a period has.
    #[must_use]
    pub fn burst(self, calls: u64) -> Self {
        self.with(|terms| terms.burst = Some(calls))
    }

    scoped!();

    /// Changed terms make a separate limit: what was taken under the old terms is not counted.
    fn with(mut self, change: impl FnOnce(&mut Terms)) -> Self {
        change(&mut self.terms);
        self.shared = Arc::default();
        self
    }

    /// How long a call with at most this many tokens would wait, under the key used when calls are not told apart.
    #[cfg(feature = "http")]
    pub(crate) fn wait(&self, tokens: u64, env: &Env) -> Duration {
        let now = env.shared_now();
        self.shared.lock().get("").map_or(Duration::ZERO, |lane| lane.wait(Weight { tokens }, now))
    }

    fn lane(&self, now: Time) -> Lane<Arc<Notify>> {
        let Terms { calls, tokens, period, burst, .. } = self.terms;
        let tokens = tokens.map(|tokens| Bucket::full(tokens, period, tokens, now));
        Lane::new(Bucket::full(calls, period, burst.unwrap_or(calls), now), tokens)
    }

    fn enter(&self, key: String, weight: Weight, env: &Env) -> Place {
        let (notify, now) = (Arc::new(Notify::new()), env.shared_now());
        let id = {
            let mut shared = self.shared.lock();
            let lane = shared.entry(&key, |lane| lane.is_new(now), || self.lane(now));
            lane.enter(weight, Arc::clone(&notify))
        };
        Place { rate: self.clone(), key, id, notify, env: env.clone() }
    }
}

/// A place in a lane, given up when dropped.
struct Place {
    rate: Rate,
    key: String,
    id: u64,
    notify: Arc<Notify>,
    env: Env,
}

impl Place {
    /// Waits for its turn, and takes its share.
    async fn go(&self) {
        loop {
            let look = {
                let mut shared = self.rate.shared.lock();
                let lane = shared.get(&self.key);
                lane.map_or(Look::Goes, |lane| lane.look(self.id, self.env.shared_now()))
            };
            match look {
                Look::Goes => return,
                Look::Behind => self.notify.notified().await,
                Look::After(wait) => tokio::select! {
                    biased;
                    () = self.notify.notified() => {}
                    () = self.env.sleep_until(self.env.now() + wait) => {}
                },
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.rate.change(&self.key, |lane| lane.leave(self.id));
    }
}

impl Rate {
    /// Changes a lane, and wakes its first call to look again.
    fn change(&self, key: &str, change: impl FnOnce(&mut Lane<Arc<Notify>>)) {
        let mut shared = self.shared.lock();
        let Some(lane) = shared.get(key) else { return };
        change(lane);
        if let Some(first) = lane.first() {
            first.notify_one();
        }
    }
}

/// The share that a call has taken.
struct Taken {
    rate: Rate,
    key: String,
    weight: Weight,
    env: Env,
}

impl Pass for Taken {
    fn ended(self: Box<Self>, how: &Ended<'_>) {
        let now = self.env.shared_now();
        let used = Weight { tokens: how.used.input_tokens.saturating_add(how.used.output_tokens) };
        let closed = how
            .error
            .filter(|error| error.class() == FailureClass::Overloaded)
            .map(skep_runtime::AgentError::advice);
        self.rate.change(&self.key, |lane| {
            lane.correct(self.weight, used, now);
            if let Some(Advice::After(pause)) = closed {
                lane.close(now + pause);
            }
        });
    }

    fn unused(self: Box<Self>) {
        let now = self.env.shared_now();
        self.rate.change(&self.key, |lane| lane.give_back(self.weight, now));
    }
}

impl Link for Rate {
    fn name(&self) -> &str {
        "rate"
    }

    fn stage(&self) -> Stage {
        Stage::RateLimit
    }

    fn check(&self) -> Result<(), String> {
        let Terms { calls, tokens, burst, .. } = self.terms;
        if calls == 0 || tokens == Some(0) || burst == Some(0) {
            return Err("a rate of 0 lets nothing pass, ever; give at least 1".to_owned());
        }
        self.scope.check()
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        Box::pin(async move {
            let Some(key) = self.scope.key(request) else { return Ok(Admitted::free()) };
            let worst = request.worst_case.copied().unwrap_or_default();
            let weight = Weight { tokens: worst.input_tokens.saturating_add(worst.output_tokens) };
            let place = self.enter(key, weight, request.env());
            place.go().await;
            let (key, env) = (place.key.clone(), place.env.clone());
            Ok(Admitted::hearing(Taken { rate: self.clone(), key, weight, env }))
        })
    }

    fn states(&self, env: &Env) -> Vec<LinkState> {
        let now = env.shared_now();
        let mut shared = self.shared.lock();
        let states = shared.iter().map(|(key, lane)| {
            let (calls, tokens, waiting, is_closed) = lane.state(now);
            let state = LinkState::new(key).with("calls_left", calls).with("waiting", waiting as u64);
            let state = state.with("closed", u64::from(is_closed));
            tokens.into_iter().fold(state, |state, left| state.with("tokens_left", left))
        });
        states.collect()
    }
}
