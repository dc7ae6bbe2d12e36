//! A pool of processes, for work that keeps a processor busy: parsing, searching trees of syntax, running what others wrote.
//!
//! A thread cannot be stopped, and a thread that keeps a processor busy takes it from the turns of agents. A process can be killed, and
//! the system shares processors fairly. So such work runs in worker processes: the embedder's own program, started again with an
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
//! 1. A worker does one job at a time. The call holds its worker: when the call is dropped by a deadline, a stop or an interrupt, the
//!    worker is killed.
//! 2. No worker outlives us. It is killed with the last clone of its pool, and it exits by itself when its input ends, even if our own
//!    process was killed.
//! 3. Each call of [`ProcessPool::run`] runs a job at most once. The effect decides whether to try again.

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

/// The variables of ours that a worker gets: where programs and libraries are, and how a panic is reported. None of them is a key.
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

/// A pool of worker processes. Clones share the workers.
#[derive(Clone)]
pub struct ProcessPool {
    service: Service,
    places: Arc<Places>,
}

/// The room for workers, and the idle ones.
struct Places {
    /// First come, first served.
    free: Semaphore,
    most: usize,
    idle: Mutex<VecDeque<Worker>>,
}

impl ProcessPool {
    /// Workers are this program with these arguments, at most one for each processor. A worker is started when a job needs it, and
    /// then stays.
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

    /// Workers are the program that is running, started again with these arguments.
    ///
    /// # Errors
    /// If the system does not say where the program is.
    pub fn of_this_program<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Self> {
        Ok(Self::of(std::env::current_exe()?, arguments))
    }

    /// At most this many workers at once; 0 counts as 1. The default is one for each processor: more would only wait for each other.
    /// Earlier clones keep their own limit and their own workers.
    #[must_use]
    pub fn at_most(self, workers: usize) -> Self {
        Self { places: Places::new(workers.max(1)), ..self }
    }

    /// Gives the workers a variable. Of our environment they get only `PATH` and a few like it, so they have no keys. Earlier clones
    /// keep their own workers.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.service.environment.push((name.into(), value.into()));
        self.places = Places::new(self.places.most);
        self
    }

    /// Runs a job in a worker; waits for a free one first, in order. In simulation virtual time stands still meanwhile.
    ///
    /// Dropping the future kills the worker, and so does any other end of the call.
    ///
    /// # Errors
    /// The job's own error, as an ordinary error; [`FailureClass::Bug`] if the job panicked or its process ended, with the last output
    /// of that process; an ordinary error if there is no such job, or the worker cannot be started.
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
            // If the call has let go of it, it is being killed.
            let is_whole = hold.untie();
            match reply {
                Ok(Reply::Panicked(why)) => return Ok(Reply::Panicked(why)),
                Ok(reply) => {
                    if is_whole {
                        self.places.idle.lock().push_back(worker);
                    }
                    return Ok(reply);
                }
                // It ended while it was idle, or its runtime did, and the job was not begun: another worker is asked.
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
