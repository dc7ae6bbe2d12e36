//! Describing a swarm before it starts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Handle, Swarm};
use crate::agent::spawn::root;
use crate::engine::chain::Link;
use crate::engine::seat::resources::Resources;
use crate::engine::turn::wants_backtraces;
use crate::engine::{Engine, Setup};
use crate::env::Env;
use crate::env::quiet;
use crate::journal::Keep;
use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::defaults;
use crate::words::error::StartError;
use crate::words::naming;
use crate::words::policies::Policies;
use crate::words::policy::{AutoShutdown, Intensity, Shutdown, Strategy};
use crate::words::supervisor::Policy;

/// A swarm that is swept without a pause would do nothing else.
const SWEEP_MIN: Duration = Duration::from_millis(1);

/// A swarm to be started: the settings for all of its agents.
#[must_use = "a swarm begins with start"]
pub struct SwarmBuilder {
    session: String,
    budget: Option<Budget>,
    ceiling: Option<Ceiling>,
    permits: Vec<(String, usize)>,
    links: Vec<Arc<dyn Link>>,
    resources: Resources,
    root: Policy,
    interrupt_grace: Duration,
    stop_within: Duration,
    sweep: Option<Duration>,
    keep: Keep,
    max_depth: u32,
    dead_letters: usize,
    backtraces: Option<bool>,
    env: Option<Env>,
}

impl SwarmBuilder {
    pub(super) fn new(session: String) -> Self {
        Self {
            session,
            budget: None,
            ceiling: None,
            permits: Vec::new(),
            links: Vec::new(),
            resources: Resources::default(),
            root: Policy { each_child_alone: true, ..Policy::default() },
            interrupt_grace: defaults::INTERRUPT_GRACE,
            stop_within: defaults::STOP,
            sweep: Some(defaults::SWEEP),
            keep: Keep::default(),
            max_depth: defaults::DEPTH,
            dead_letters: defaults::DEAD_LETTERS,
            backtraces: None,
            env: None,
        }
    }

    /// What the whole swarm may spend; no limit by default.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// What the whole swarm may do; everything by default.
    pub fn ceiling(mut self, ceiling: Ceiling) -> Self {
        self.ceiling = Some(ceiling);
        self
    }

    /// At most this many effects of a kind at the same time; unlimited by default. A permit is held for a call, never for an
    /// agent's whole life.
    pub fn permits(mut self, kind: impl Into<String>, at_once: usize) -> Self {
        self.permits.push((kind.into(), at_once));
        self
    }

    /// Adds a link to the chain that every effect passes.
    pub fn link(mut self, link: impl Link) -> Self {
        self.links.push(Arc::new(link));
        self.links.sort_by_key(Link::stage);
        self
    }

    /// A value that agents look up by its type with `cx.get`.
    pub fn resource<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.resources.insert(Arc::new(value));
        self
    }

    /// How many restarts the root allows each of its children, counted separately; 1 in 5 s by default. A child that
    /// exceeds the limit ends escalated; the others stay.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.root.intensity = Intensity { restarts, period };
        self
    }

    /// Makes the root an OTP supervisor with this strategy: too many restarts, of any of its children, end the swarm.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.root.strategy = strategy;
        self.root.each_child_alone = false;
        self
    }

    /// How long an interrupted turn may take to unwind through its own code; 1 s by default.
    pub fn interrupt_grace(mut self, grace: Duration) -> Self {
        self.interrupt_grace = grace;
        self
    }

    /// The deadline of implicit stops: of dropped runs and scopes, and of a task's children; 10 s by default.
    pub fn background_stop(mut self, within: Duration) -> Self {
        self.stop_within = within;
        self
    }

    /// How many levels of agents there may be; 5 by default, since a deeper swarm is usually a runaway recursion. Scopes do
    /// not count as levels. An agent that would be deeper is refused with
    /// [`SpawnError::MaxDepth`](crate::SpawnError::MaxDepth).
    pub fn max_depth(mut self, levels: u32) -> Self {
        self.max_depth = levels;
        self
    }

    /// How much of its past the journal keeps in memory; by default the last 65,536 events, and a snapshot of the state
    /// before them, so that a swarm can run for weeks.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// How often the swarm is searched for orphans and other leftovers; every 60 s by default, never with `None`. What is
    /// found is dealt with and recorded as an event: see [`Swarm::sweep`].
    pub fn sweep(mut self, every: Option<Duration>) -> Self {
        self.sweep = every.filter(|every| !every.is_zero());
        self
    }

    /// How many dead letters are kept; 1,000 by default. Beyond that the oldest are dropped, and counted.
    pub fn dead_letters(mut self, most: usize) -> Self {
        self.dead_letters = most;
        self
    }

    /// Whether agents' panics keep a backtrace, in the error, the event and the log. By default `RUST_BACKTRACE` and
    /// `RUST_LIB_BACKTRACE` decide, as for any panic. A backtrace takes milliseconds.
    pub fn backtraces(mut self, kept: bool) -> Self {
        self.backtraces = Some(kept);
        self
    }

    /// Puts what `change` makes of a resource in its place.
    #[cfg(feature = "lab")]
    pub fn change_resource<T: Send + Sync + 'static>(mut self, change: impl FnOnce(Option<&T>) -> T) -> Self {
        let changed = change(self.resources.get::<T>().as_deref());
        self.resources.insert(Arc::new(changed));
        self
    }

    /// The environment that this swarm alone lives in; the real one by default.
    #[cfg(feature = "lab")]
    pub fn env(mut self, env: Env) -> Self {
        self.env = Some(env);
        self
    }

    /// Starts the swarm on the tokio runtime that this is called in.
    ///
    /// # Errors
    /// [`StartError`] names the invalid setting, or what is missing: a tokio runtime, or its timers.
    pub async fn start(self) -> Result<Swarm, StartError> {
        let bad = |field: &str, message: String| StartError::BadField { field: field.to_owned(), message };
        naming::check(&self.session).map_err(|why| bad("session", why))?;
        if self.session.contains(['.', '#', '/']) {
            // The first segment of every id, and ids are told apart by these.
            return Err(bad("session", format!("{:?} must not contain '.', '#' or '/'", self.session)));
        }
        if self.max_depth > defaults::DEPTH_MOST {
            let message =
                format!("{} levels are too many; use at most {}", self.max_depth, defaults::DEPTH_MOST);
            return Err(bad("max_depth", message));
        }
        if self.sweep.is_some_and(|every| every < SWEEP_MIN) {
            let message =
                format!("it is less than {SWEEP_MIN:?}; sweep less often, or not at all: `sweep(None)`");
            return Err(bad("sweep", message));
        }
        self.root.check().map_err(|error| bad("intensity", error.to_string()))?;
        if let Some(ceiling) = &self.ceiling {
            ceiling
                .check()
                .map_err(|error| bad(&format!("ceiling.{}", error.field), error.message.clone()))?;
        }
        for link in &self.links {
            link.check().map_err(|why| bad(link.name(), why))?;
        }
        let limits = match &self.budget {
            None => crate::words::limits::Limits::default(),
            Some(budget) => budget
                .check()
                .map_err(|error| bad(&format!("budget.{}", error.field), error.message.clone()))?,
        };
        let limits = crate::words::limits::Limits { max_depth: Some(self.max_depth), ..limits };
        let mut permits = HashMap::new();
        for (kind, at_once) in self.permits {
            if at_once == 0 {
                return Err(bad(
                    "permits",
                    format!("no effect of kind {kind:?} could ever run; give at least 1"),
                ));
            }
            naming::check(&kind).map_err(|why| bad("permits", why))?;
            // More at once than can be counted are as good as no bound.
            permits.insert(kind, Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS))));
        }
        quiet::install(wants_backtraces);
        let env = match self.env {
            Some(env) => env,
            None => Env::try_real(None)?,
        };
        if !env.take() {
            return Err(bad(
                "env",
                "another swarm uses or has used it; make a new one for each swarm".to_owned(),
            ));
        }
        let engine = Engine::new(Setup {
            env,
            session: self.session,
            permits,
            links: self.links,
            resources: self.resources,
            interrupt_grace: self.interrupt_grace,
            stop_within: self.stop_within,
            keep: self.keep,
            dead_letters: self.dead_letters,
            backtraces: self.backtraces,
        });
        let policies = Policies {
            shutdown: Shutdown::UntilDeadline,
            strategy: self.root.strategy,
            intensity: self.root.intensity,
            auto_shutdown: AutoShutdown::Never,
            budget: self.budget,
            ceiling: self.ceiling,
            is_supervisor: true,
            ..Policies::default()
        };
        let root = root(&engine, policies, self.root, limits);
        if let Some(every) = self.sweep {
            engine.sweep_every(every);
        }
        engine.watch_ground();
        Ok(Swarm(Arc::new(Handle { engine, root })))
    }
}
