//! What is already known is not fetched twice.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use skep_runtime::effect::{Admitted, Admitting, Ended, Link, LinkState, Pass, Request, Stage};
use skep_runtime::{Ceiling, Env, Reach, Repeat};
use tokio::sync::Notify;

use super::scope::{By, Scope, scoped};
use super::shelf::{Back, Shelf, ShelfTerms, There, Wanted, touches};
use crate::defaults;

/// Keeps the results of effects, by kind, input, and targets. If the same result is already being fetched, others wait
/// for it.
///
/// By default only for pure effects. An agent that may not make an effect does not get its result from here either. An
/// effect that changes something voids the results for the same targets when it starts and when it ends; if its targets
/// are unknown, or it runs a program, it voids all results but those that depend on their input alone. A miss is an event
/// `cache_miss`; a hit is the event of an effect that was answered.
#[derive(Clone)]
pub struct Cache {
    terms: ShelfTerms,
    scope: Scope,
    repeats: Vec<Repeat>,
    wait: Duration,
    shared: Arc<Mutex<Shelf<Arc<Waiting>>>>,
}

/// A caller that waits for a result.
#[derive(Default)]
struct Waiting {
    back: Mutex<Option<Back>>,
    notify: Notify,
}

impl Cache {
    /// At most this many results, with at most 64 MiB in all, each for 5 minutes by default. The least recently used go
    /// first.
    #[must_use]
    pub fn entries(entries: usize) -> Self {
        let terms = ShelfTerms { entries, weight: defaults::CACHE_WEIGHT, ttl: defaults::CACHE_TTL };
        let (scope, repeats, wait) = (Scope::default(), vec![Repeat::Pure], defaults::CACHE_WAIT);
        Self { terms, scope, repeats, wait, shared: Arc::default() }
    }

    /// At most this many bytes of results in all.
    #[must_use]
    pub fn weight(mut self, bytes: usize) -> Self {
        self.terms.weight = bytes;
        self
    }

    /// How long each result is kept.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.terms.ttl = ttl;
        self
    }

    /// How long to wait for another caller that fetches the same result; 10 s by default. After that the effect makes the
    /// call itself: the other caller may be held by a pause.
    #[must_use]
    pub const fn wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    scoped!();

    /// Also keeps results of idempotent effects, such as calls of a model: the same question then gets the same answer.
    #[must_use]
    pub fn idempotent_too(mut self) -> Self {
        self.repeats.push(Repeat::Idempotent);
        self
    }

    /// Forgets the results of a kind, or of all kinds that begin with the text before a `*`.
    pub fn forget(&self, kind: &str) {
        let kinds = Ceiling::only([kind]);
        self.shared.lock().void(|wanted| kinds.allows(&wanted.kind));
    }

    /// Forgets the results for these targets, and for what is above and below their paths.
    pub fn forget_of(&self, changed: &Reach) {
        self.shared.lock().void(|wanted| touches(changed, &wanted.reach));
    }

    fn keeps(&self, repeat: Repeat) -> bool {
        self.repeats.contains(&repeat)
    }

    async fn ask(&self, request: &Request<'_>, key: String) -> Admitted {
        let Some(digest) = request.digest else { return Admitted::free() };
        let subject = Some(format!("{key}\n{}", request.subject.unwrap_or_default()));
        let (kind, reach) = (request.kind.to_owned(), request.reach.clone());
        let wanted = Wanted { digest, kind, subject, reach };
        let env = request.env();
        loop {
            let there = self.shared.lock().ask(&wanted, Arc::default, env.shared_now());
            match there {
                There::Result(text) => return Admitted::Answer(text.to_vec()),
                There::Go(number) => {
                    request.record(
                        "cache_miss",
                        1,
                        json!({ "kind": request.kind, "subject": request.subject }),
                    );
                    let out = Out { cache: self.clone(), wanted, number, env: env.clone(), is_back: false };
                    return Admitted::hearing(out);
                }
                There::Wait(waiting) => {
                    let place = Place { cache: self, wanted: &wanted, waiting };
                    tokio::select! {
                        biased;
                        () = place.waiting.notify.notified() => {}
                        () = env.sleep_until(env.now() + self.wait) => {
                            let is_this = |waiting: &Arc<Waiting>| Arc::ptr_eq(waiting, &place.waiting);
                            let others = self.shared.lock().overtake(&wanted, is_this);
                            tell(others, &Back::Nothing);
                        }
                    }
                    let back = place.waiting.back.lock().take();
                    if let Some(Back::Result(text)) = back {
                        return Admitted::Answer(text.to_vec());
                    }
                }
            }
        }
    }
}

/// A place among the waiting callers, given up when dropped.
struct Place<'c> {
    cache: &'c Cache,
    wanted: &'c Wanted,
    waiting: Arc<Waiting>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.cache.shared.lock().leave(self.wanted, |waiting| Arc::ptr_eq(waiting, &self.waiting));
    }
}

/// A caller that fetches a result. If it is dropped without being told the end, there is no result.
struct Out {
    cache: Cache,
    wanted: Wanted,
    number: u64,
    env: Env,
    is_back: bool,
}

impl Out {
    fn back(&mut self, result: Option<&[u8]>) {
        if std::mem::replace(&mut self.is_back, true) {
            return;
        }
        let now = self.env.shared_now();
        let (waiting, back) =
            self.cache.shared.lock().back(&self.wanted, self.number, result, &self.cache.terms, now);
        tell(waiting, &back);
    }
}

fn tell(waiting: Vec<Arc<Waiting>>, back: &Back) {
    for waiting in waiting {
        *waiting.back.lock() = Some(back.clone());
        waiting.notify.notify_one();
    }
}

impl Pass for Out {
    fn ended(mut self: Box<Self>, how: &Ended<'_>) {
        self.back(how.result);
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.back(None);
    }
}

/// A change to something that may be cached. It voids the results at its start and at its end, even if it is not told its
/// end.
struct Change {
    cache: Cache,
    reach: Reach,
}

impl Pass for Change {
    fn ended(self: Box<Self>, _: &Ended<'_>) {}
}

impl Drop for Change {
    fn drop(&mut self) {
        self.cache.forget_of(&self.reach);
    }
}

impl Link for Cache {
    fn name(&self) -> &str {
        "cache"
    }

    fn stage(&self) -> Stage {
        Stage::Cache
    }

    fn keeps_results(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), String> {
        let ShelfTerms { entries, weight, ttl } = self.terms;
        if entries == 0 || weight == 0 || ttl.is_zero() {
            return Err("a cache of 0 keeps nothing; give it entries, a weight and a time to live".to_owned());
        }
        self.scope.check()
    }

    fn admit<'a>(&'a self, request: &'a Request<'a>) -> Admitting<'a> {
        Box::pin(async move {
            if request.modifies {
                self.forget_of(request.reach);
                return Ok(Admitted::hearing(Change { cache: self.clone(), reach: request.reach.clone() }));
            }
            match self.scope.key(request).filter(|_| self.keeps(request.repeat)) {
                Some(key) => Ok(self.ask(request, key).await),
                None => Ok(Admitted::free()),
            }
        })
    }

    fn states(&self, _: &Env) -> Vec<LinkState> {
        let (entries, weight, hits, misses) = self.shared.lock().state();
        let state = LinkState::new("").with("entries", entries as u64).with("bytes", weight as u64);
        vec![state.with("hits", hits).with("misses", misses)]
    }
}
