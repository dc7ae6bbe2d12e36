//! Stops calls to targets that do not answer.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::effect::{Admitted, Admitting, Denied, Ended, Link, LinkState, Pass, Request, Stage};
use skep_runtime::{Advice, Env};

use super::keyed::Keyed;
use super::scope::{By, Scope, scoped};
use super::trip::{How, Ticket, Trip, TripTerms};
use crate::defaults;

/// Refuses calls for a while after a number of failures in a row; then lets one call try, and its result decides.
///
/// A failure is an error after which another try makes sense: the other side is overloaded, silent, or gone. A target
/// that refuses a request has answered. While the breaker is half open and one call tries, all others are refused, as if
/// it were open.
#[derive(Clone, Debug)]
pub struct Breaker {
    terms: TripTerms,
    scope: Scope,
    shared: Arc<Mutex<Keyed<Trip>>>,
}

impl Breaker {
    /// Opens after this many failures in a row.
    #[must_use]
    pub fn after(failures: u32) -> Self {
        let terms = TripTerms { failures, open: defaults::BREAKER_OPEN };
        Self { terms, scope: Scope::default(), shared: Arc::default() }
    }

    /// Stays open for this long, or for as long as the other side says, if that is longer; 30 s by default.
    #[must_use]
    pub fn open_for(mut self, open: Duration) -> Self {
        self.terms.open = open;
        self.shared = Arc::default();
        self
    }

    scoped!();

    /// For how long no call passes, under the key used when calls are not told apart.
    #[cfg(feature = "http")]
    pub(crate) fn shut_for(&self, env: &Env) -> Duration {
        let now = env.shared_now();
        self.shared.lock().get("").map_or(Duration::ZERO, |trip| trip.shut_for(&self.terms, now))
    }
}

/// A call that was let pass. If it is dropped without being told its end, the result counts as unknown.
struct Visit {
    breaker: Breaker,
    key: String,
    ticket: Ticket,
    how: How,
    env: Env,
}

impl Drop for Visit {
    fn drop(&mut self) {
        let now = self.env.shared_now();
        // The key may have been swept meanwhile if it held nothing; then it is made again, and this result counts all the
        // same.
        let mut shared = self.breaker.shared.lock();
        let trip = shared.entry(&self.key, |trip| trip.is_new(), Trip::default);
        trip.ended(self.ticket, self.how, &self.breaker.terms, now);
    }
}

impl Pass for Visit {
    fn ended(mut self: Box<Self>, how: &Ended<'_>) {
        self.how = match how.error.map(skep_runtime::AgentError::advice) {
            None | Some(Advice::Never) => How::Answered,
            Some(Advice::Now) => How::Failed(None),
            Some(Advice::After(pause)) => How::Failed(Some(pause)),
        };
    }
}

impl Link for Breaker {
    fn name(&self) -> &str {
        "breaker"
    }

    fn stage(&self) -> Stage {
        Stage::Breaker
    }

    fn check(&self) -> Result<(), String> {
        if self.terms.failures == 0 {
            return Err("after 0 failures it would be open at once; give at least 1".to_owned());
        }
        self.scope.check()
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        let admitted = match self.scope.key(request) {
            None => Ok(Admitted::free()),
            Some(key) => {
                let env = request.env().clone();
                let asked = {
                    let mut shared = self.shared.lock();
                    shared.entry(&key, |trip| trip.is_new(), Trip::default).ask(&self.terms, env.shared_now())
                };
                match asked {
                    Ok(ticket) => {
                        let breaker = self.clone();
                        Ok(Admitted::hearing(Visit { breaker, key, ticket, how: How::Unknown, env }))
                    }
                    Err(after) => {
                        let of = request.subject.unwrap_or(request.kind);
                        let text = format!(
                            "{of} has failed {} times in a row and is not called",
                            self.terms.failures
                        );
                        Err(Denied::overloaded(text, after))
                    }
                }
            }
        };
        Box::pin(std::future::ready(admitted))
    }

    fn states(&self, env: &Env) -> Vec<LinkState> {
        let now = env.shared_now();
        let mut shared = self.shared.lock();
        let states = shared.iter().map(|(key, trip)| {
            let is = |word| u64::from(trip.word(now) == word);
            LinkState::new(key).with("open", is("open")).with("half_open", is("half_open"))
        });
        states.collect()
    }
}
