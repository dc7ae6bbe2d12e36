//! The one way to time, chance, spawning, threads and the outside.
//!
//! In an ordinary swarm control runs on a thread of its own, so that a turn which blocks its worker cannot delay a stop,
//! and turns run on the embedder's runtime. In a simulated one all of it runs on one thread, under tokio's paused clock,
//! with a seeded yield at each seam: the seed alone decides what happens.

mod aside;
pub(crate) mod bell;
#[cfg(feature = "lab")]
mod blind;
#[cfg(not(feature = "lab"))]
#[path = "env/sighted.rs"]
mod blind;
pub(crate) mod census;
mod clock;
pub(crate) mod fault;
mod ground;
pub(crate) mod hush;
pub(crate) mod laid;
#[cfg(feature = "lab")]
pub(crate) mod marks;
#[cfg(not(feature = "lab"))]
#[path = "env/unmarked.rs"]
pub(crate) mod marks;
mod outside;
pub(crate) mod quiet;
mod random;
pub(crate) mod signal;
mod sleepers;
mod spawn;
pub(crate) mod sync;
pub(crate) mod theirs;
mod thread;
mod timers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;

pub(crate) use self::aside::{Aside, Job};
pub(crate) use self::blind::{is_known, known};
pub(crate) use self::clock::Clock;
use self::ground::Ground;
pub(crate) use self::ground::NoGround;
use self::random::Chance;
use self::thread::ControlThread;
pub(crate) use self::timers::{Timer, Timers};
use crate::env::fault::Faults;

/// Clock, chance, spawning, timers and the outside of one swarm. Clones are the same environment.
#[derive(Clone)]
pub struct Env(Arc<EnvParts>);

struct EnvParts {
    clock: Clock,
    chance: Chance,
    simulated: bool,
    work: Handle,
    control: Handle,
    timers: Arc<Timers>,
    aside: Arc<Aside>,
    ground: Arc<Ground>,
    /// A swarm lives in it, or has.
    taken: AtomicBool,
    #[cfg(feature = "lab")]
    faults: Option<Arc<dyn Faults>>,
    // Ended with the session, or with the last clone.
    thread: Option<ControlThread>,
}

impl Env {
    /// The real clock, control on a thread of its own, turns on the runtime that this is called in.
    ///
    /// # Panics
    /// Outside a tokio runtime, in one without timers, or if the operating system gives no thread.
    #[must_use]
    pub fn real() -> Self {
        Self::real_with(None)
    }

    /// The same with fault points that do what `faults` says.
    ///
    /// # Panics
    /// As [`Env::real`].
    #[must_use]
    pub fn real_with(faults: Option<Arc<dyn Faults>>) -> Self {
        match Self::try_real(faults) {
            Ok(env) => env,
            Err(no_ground) => panic!("{}", crate::words::error::StartError::from(no_ground)),
        }
    }

    /// The same, unless there is no runtime here that turns could run on.
    pub(crate) fn try_real(faults: Option<Arc<dyn Faults>>) -> Result<Self, NoGround> {
        let work = ground::here()?;
        let aside = Aside::new(false, &work);
        let thread = ControlThread::start(Arc::clone(&aside));
        let control = thread.handle();
        let chance = Chance::from_system();
        Ok(Self::assemble(Clock::real(), chance, aside, work, control, faults, Some(thread)))
    }

    /// Everything on the current thread, under tokio's clock as it is there (paused, in a test), decided by `seed`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn simulated(seed: u64, faults: Option<Arc<dyn Faults>>) -> Self {
        let here = Handle::current();
        let aside = Aside::new(true, &here);
        Self::assemble(Clock::simulated(), Chance::seeded(seed), aside, here.clone(), here, faults, None)
    }

    fn assemble(
        clock: Clock,
        chance: Chance,
        aside: Arc<Aside>,
        work: Handle,
        control: Handle,
        faults: Option<Arc<dyn Faults>>,
        thread: Option<ControlThread>,
    ) -> Self {
        let timers = Timers::start(clock, Arc::clone(&aside), &control);
        let ground = Ground::watch(&work);
        // Control has a thread of its own, or there is one for all.
        let simulated = thread.is_none();
        quiet::simulates(simulated);
        // There is no point at which they could be asked.
        #[cfg(not(feature = "lab"))]
        drop(faults);
        Self(Arc::new(EnvParts {
            clock,
            chance,
            simulated,
            work,
            control,
            timers,
            aside,
            ground,
            taken: AtomicBool::new(false),
            #[cfg(feature = "lab")]
            faults,
            thread,
        }))
    }

    /// Whether this is a simulation: one thread, a clock that may be paused, chance from a seed.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.0.simulated
    }

    /// What to do at the fault points, if anything is planned.
    #[cfg(feature = "lab")]
    pub(crate) fn faults(&self) -> Option<&Arc<dyn Faults>> {
        self.0.faults.as_ref()
    }

    /// Takes it for a swarm. False if another has: the end of one ends it.
    pub(crate) fn take(&self) -> bool {
        !self.0.taken.swap(true, Ordering::Relaxed)
    }

    /// Lets go of all that it keeps running: the wheel, the watch over the ground, the control thread. Whoever is on that
    /// thread comes to its next await, and no further.
    pub(crate) fn close(&self) {
        self.0.timers.end();
        self.0.ground.leave();
        self.0.aside.close();
        if let Some(thread) = &self.0.thread {
            thread.end();
        }
    }
}

impl Drop for EnvParts {
    fn drop(&mut self) {
        self.ground.leave();
    }
}
