//! What performs: seats, runners, cells, stops. The only place that names the actor library underneath.
//!
//! # Lock order
//! The stopper or a pause's walk, then a seat's gate, then its line or its control queue, then a mailbox, then a task, then the journal,
//! then a seat's live state. A lock is only taken while locks to its left are held, and a parent's gate before its child's.

pub(crate) mod chain;
pub(crate) mod dead_letter;
pub(crate) mod lab;
pub(crate) mod pause;
pub(crate) mod seat;
pub(crate) mod stop;
pub(crate) mod supervise;
pub(crate) mod turn;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use self::seat::Seat;
use self::stop::Stopper;
use crate::decide::standstill::Standstill;
use crate::decide::stopping::SeatKey;
use crate::engine::chain::Link;
use crate::engine::dead_letter::DeadLetters;
use crate::engine::seat::registry::Registry;
use crate::engine::seat::resources::Resources;
use crate::engine::turn::heartbeat::OpenTurns;
use crate::env::census::Census;
use crate::env::signal::Signal;
use crate::env::theirs::{Home, Theirs};
use crate::env::{Env, Timer};
use crate::journal::{Journal, Keep};
use crate::words::event::What;
use crate::words::id::AgentId;
use crate::words::receipt::StopReceipt;
use crate::words::time::Time;

/// What a swarm is made of before it starts.
pub(crate) struct Setup {
    pub(crate) env: Env,
    pub(crate) session: String,
    pub(crate) permits: HashMap<String, Arc<Semaphore>>,
    pub(crate) links: Vec<Arc<dyn Link>>,
    pub(crate) resources: Resources,
    pub(crate) interrupt_grace: Duration,
    pub(crate) stop_within: Duration,
    pub(crate) keep: Keep,
    pub(crate) dead_letters: usize,
    pub(crate) backtraces: Option<bool>,
}

/// What all of one swarm shares.
pub(crate) struct Engine {
    pub(crate) env: Env,
    pub(crate) session: String,
    pub(crate) journal: Arc<Journal>,
    pub(crate) stopper: Mutex<Stopper>,
    /// Held by a walk that pauses or resumes: these are one at a time.
    pub(crate) pausing: Mutex<()>,
    pub(crate) permits: HashMap<String, Arc<Semaphore>>,
    pub(crate) links: Vec<Theirs<Arc<dyn Link>>>,
    /// Whether one of them wants digests of what it lets pass, and results.
    pub(crate) keeps_results: bool,
    /// Those that effects have brought, for whoever looks at how they stand.
    pub(crate) brought: Mutex<Vec<Weak<dyn Link>>>,
    pub(crate) resources: Resources,
    pub(crate) dead_letters: DeadLetters,
    /// Whether panics keep their backtraces; none leaves it to the environment.
    pub(crate) backtraces: Option<bool>,
    pub(crate) census: Arc<Census>,
    /// Who has a place, by id and by name.
    pub(crate) registry: Registry,
    /// Seats whose life has ended and of which something is left: on its way out, or stuck.
    pub(crate) leaving: Mutex<BTreeMap<SeatKey, Arc<Seat>>>,
    /// The turns that are being worked on, for the heartbeat.
    pub(crate) turns: Mutex<OpenTurns>,
    /// How long turns could not have gone on, whatever they are.
    pub(crate) standstill: Mutex<Standstill>,
    /// Held, under the parent's gate, from the admission of an agent with its declared children to the last of their events:
    /// another's is not admitted meanwhile against a count in which some of them are missing.
    pub(crate) announcing: Mutex<()>,
    /// When the heartbeat looks next.
    pub(crate) heartbeat: Mutex<Option<(Time, Timer)>>,
    /// When it is swept next.
    pub(crate) sweeping: Mutex<Option<Timer>>,
    /// Held by an ask that closes a circle while it makes sure.
    pub(crate) circles: Mutex<()>,
    pub(crate) interrupt_grace: Duration,
    pub(crate) stop_within: Duration,
    /// Raised when the swarm's own stop has ended: no other waits any longer.
    pub(crate) closing: Signal,
    /// Stops that have finished and whose receipts are not out.
    pub(crate) delivering: AtomicU64,
    /// Raised when the session is over.
    pub(crate) over: Arc<Signal>,
    /// What became of everything when the runtime under the swarm had ended.
    pub(crate) lost: OnceLock<StopReceipt>,
    /// Weak, since the root's seat holds the engine.
    root: OnceLock<Weak<Seat>>,
    numbers: AtomicU64,
}

impl Engine {
    pub(crate) fn new(setup: Setup) -> Arc<Self> {
        let journal = Journal::new(setup.env.clone(), setup.keep);
        let home = Home::new(setup.env.aside(), &AgentId::root(&setup.session));
        let keeps_results = setup.links.iter().any(Link::keeps_results);
        Arc::new(Self {
            env: setup.env,
            session: setup.session,
            journal,
            stopper: Mutex::default(),
            pausing: Mutex::default(),
            permits: setup.permits,
            links: setup.links.into_iter().map(|link| home.keep(link)).collect(),
            keeps_results,
            brought: Mutex::default(),
            resources: setup.resources.kept_at(&home),
            dead_letters: DeadLetters::new(setup.dead_letters),
            backtraces: setup.backtraces,
            census: Arc::default(),
            registry: Registry::default(),
            leaving: Mutex::default(),
            turns: Mutex::default(),
            standstill: Mutex::default(),
            announcing: Mutex::default(),
            heartbeat: Mutex::default(),
            sweeping: Mutex::default(),
            circles: Mutex::default(),
            interrupt_grace: setup.interrupt_grace,
            stop_within: setup.stop_within,
            closing: Signal::default(),
            delivering: AtomicU64::new(0),
            over: Arc::default(),
            lost: OnceLock::new(),
            root: OnceLock::new(),
            numbers: AtomicU64::new(0),
        })
    }

    /// A number that no other thing of this swarm has: for seats, turns, effects, waits, stops.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn set_root(&self, root: &Arc<Seat>) {
        assert!(self.root.set(Arc::downgrade(root)).is_ok(), "a swarm has one root");
    }

    /// The root, while anybody holds the swarm or something of it lives.
    pub(crate) fn root(&self) -> Option<Arc<Seat>> {
        self.root.get()?.upgrade()
    }

    /// The session is over: nothing of it lives.
    pub(crate) fn end_session(&self, root: &Seat) {
        if self.over.raise() {
            root.note(What::SessionEnded);
            self.journal.close();
            self.env.close();
        }
    }
}
