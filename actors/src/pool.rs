//! A pool of processes, for work that keeps a processor busy: parsing, searching trees of syntax, running what others wrote.
//!
//! A thread cannot be stopped, and a processor that a thread keeps busy is one that no agent's turn gets. A process can be killed, and the
//! system shares the processor fairly. So such work runs in worker processes: the embedder's own program, started again with an
//! argument that says so.
//!
//! ```no_run
//! use skep_actors::pool::{Jobs, ProcessPool};
//!
//! // In `main`, before anything else:
//! if std::env::args().nth(1).as_deref() == Some("worker") {
//!     let jobs = Jobs::new().with("count", |text: String| Ok::<_, String>(text.split_whitespace().count()));
//!     jobs.serve()?;
//!     return Ok(());
//! }
//! // And where a tool or an effect needs it:
//! let pool = ProcessPool::of_this_program(["worker"])?;
//! # async fn count(pool: ProcessPool, call: skep_runtime::Call) -> Result<usize, skep_runtime::AgentError> {
//! pool.run(&call, "count", &"three short words").await
//! # }
//! # Ok::<_, std::io::Error>(())
//! ```
//!
//! # Invariants
//! 1. A worker does one job at a time. A job whose call is dropped, by a deadline, a stop or an interrupt, ends with its worker, which
//!    is killed: the call holds it.
//! 2. No worker outlives us: it is killed with the last clone of its pool, and ends by itself when its input ends, also where our own
//!    process was killed.
//! 3. A job is run once for each call of [`ProcessPool::run`], or not at all. Whether to try again is the effect's to say.

mod hold;
mod jobs;
mod line;
mod worker;

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use skep_runtime::{AgentError, Call, FailureClass};
use tokio::sync::Semaphore;

use self::hold::Hold;
pub use self::jobs::Jobs;
use self::line::{Reply, request};
use self::worker::Worker;
use crate::process::Service;

/// Variables of ours that a worker is given: where programs and libraries are, and how a panic is told. No key is among them.
const LET_THROUGH: [&str; 8] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SystemRoot",
    "TMPDIR",
    "TEMP",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
];

/// Worker processes, and what waits for one. Clones are the same pool.
#[derive(Clone)]
pub struct ProcessPool {
    service: Service,
    places: Arc<Places>,
}

/// Who works, and who could.
struct Places {
    /// Whoever waits gets a place in the order in which they came.
    free: Semaphore,
    most: usize,
    idle: Mutex<VecDeque<Worker>>,
}

impl ProcessPool {
    /// Workers are this program with these arguments, at most one for each processor. None is started before there is a job.
    #[must_use]
    pub fn of<A: Into<OsString>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = A>) -> Self {
        let service = Service {
            program: program.as_ref().to_owned(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            folder: None,
            environment: Vec::new(),
            let_through: |name| LET_THROUGH.contains(&name),
        };
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        Self { service, places: Places::new(most) }
    }

    /// Workers are the program that runs, started again with these arguments.
    ///
    /// # Errors
    /// If the system does not say where the program lies.
    pub fn of_this_program<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Self> {
        Ok(Self::of(std::env::current_exe()?, arguments))
    }

    /// At most this many workers at once; 1 for 0. The default is one for each processor: more of them only wait for each other.
    /// Whoever has the pool already keeps the number that it had.
    #[must_use]
    pub fn at_most(self, workers: usize) -> Self {
        Self { places: Places::new(workers.max(1)), ..self }
    }

    /// Gives workers a variable. Of ours they get `PATH` and a few like it, so that none of them has a key.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.service.environment.push((name.into(), value.into()));
        self.places = Places::new(self.places.most);
        self
    }

    /// Has a worker do a job, and waits for a place first, in order. Under simulation virtual time stands still meanwhile.
    ///
    /// Dropping the future, or the end of the call in any other way, kills the worker.
    ///
    /// # Errors
    /// What the job answers, as an ordinary error; [`FailureClass::Bug`] if it panicked or its process ended, with the last that this
    /// printed; an ordinary error if there is no such job, or the worker cannot be started.
    pub async fn run<I, O>(&self, call: &Call, job: &str, input: &I) -> Result<O, AgentError>
    where
        I: Serialize + ?Sized,
        O: DeserializeOwned,
    {
        let request = request(job, input).map_err(|error| {
            AgentError::message(format!("the input of {job} cannot be written down: {error}"))
        })?;
        let hold = Hold::default();
        let held = call.hold(&format!("process for {job}"), hold.held());
        let pool = self.clone();
        let replied = call.outside(async move { pool.reply(&request, &hold).await }).await;
        drop(held);
        match replied? {
            Reply::Done(value) => serde_json::from_value(value).map_err(|error| {
                AgentError::message(format!("what {job} answered is not what was expected: {error}"))
            }),
            Reply::Failed(why) => Err(AgentError::message(why)),
            Reply::Panicked(why) => Err(AgentError::new(FailureClass::Bug, format!("{job} panicked: {why}"))),
        }
    }

    async fn reply(&self, request: &[u8], hold: &Hold) -> Result<Reply, AgentError> {
        let _place = self.places.free.acquire().await.map_err(AgentError::failed)?;
        loop {
            let idle = self.places.idle();
            let was_idle = idle.is_some();
            let mut worker = match idle {
                Some(worker) => worker,
                None => Worker::start(&self.service).map_err(|error| {
                    let program = self.service.program.to_string_lossy();
                    AgentError::message(format!("the worker {program} cannot be started: {error}"))
                })?,
            };
            if !hold.tie(worker.running()) {
                return Err(AgentError::message("nobody waits for it any more"));
            }
            let reply = worker.exchange(request).await;
            // One that the call has let go of is being killed.
            let is_whole = hold.untie();
            match reply {
                Ok(Reply::Panicked(why)) => return Ok(Reply::Panicked(why)),
                Ok(reply) => {
                    if is_whole {
                        self.places.idle.lock().push_back(worker);
                    }
                    return Ok(reply);
                }
                // It ended while it waited, or its runtime did: another one is asked.
                Err(lost) if was_idle && !lost.had_all => {}
                Err(lost) => return Err(AgentError::new(FailureClass::Bug, lost.why)),
            }
        }
    }
}

impl Places {
    fn new(most: usize) -> Arc<Self> {
        let most = most.min(Semaphore::MAX_PERMITS);
        Arc::new(Self { free: Semaphore::new(most), most, idle: Mutex::default() })
    }

    /// One that waits for work, and has not ended while it did.
    fn idle(&self) -> Option<Worker> {
        loop {
            let worker = self.idle.lock().pop_front()?;
            if !worker.has_ended() {
                return Some(worker);
            }
        }
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPool")
            .field("service", &self.service)
            .field("at_most", &self.places.most)
            .field("idle", &self.places.idle.lock().len())
            .finish_non_exhaustive()
    }
}
