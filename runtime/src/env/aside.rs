//! Where code of a user's runs that may not run where we are: under a lock, on the control thread, inside what performs a
//! stop.
//!
//! There are two lanes, since a waker must not wait for a value that takes seconds to be dropped. Each has threads of
//! its own, begun when there is something to do and gone soon after. They are no workers: code there may block, a client that
//! may not be dropped in async code may be dropped there, and no turn that blocks its worker keeps anything from running. So
//! they also outlive the embedder's runtime. In simulation a lane is a future like any other, in the order in which things
//! came.
//!
//! Whoever must not run code of a user's says so ([`Aside::ours`]): the control thread does for all that it does.
//!
//! # Invariants
//! 1. Pushing runs nothing, blocks for nobody and takes no lock but the lane's own, which is a leaf: it may be done anywhere.
//! 2. While a job waits there is a thread that will take it, or one that begins another if nobody does; but for one that the
//!    system refused: then the next push tries again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

use super::{Env, thread};

thread_local! {
    /// Set where a user's code may not run: what runs it instead.
    static ELSEWHERE: RefCell<Option<Arc<Aside>>> = const { RefCell::new(None) };
}

/// Both lanes.
pub(crate) struct Aside {
    /// For what is short, such as a waker.
    wakes: Arc<Lane>,
    /// For what may take long, such as the drop of a value.
    drops: Arc<Lane>,
}

impl Aside {
    pub(super) fn new(simulated: bool, work: &Handle) -> Arc<Self> {
        let lane = |name| Lane::new(name, simulated, work.clone());
        Arc::new(Self { wakes: lane("skep-wakes"), drops: lane("skep-drops") })
    }

    /// Runs something short, soon.
    pub(crate) fn soon(&self, job: Job) {
        self.wakes.push(job);
    }

    /// Runs something that may take long.
    pub(crate) fn later(&self, job: Job) {
        self.drops.push(job);
    }

    /// Runs what is ours: whatever code of a user's it comes upon is run by the lanes instead.
    pub(crate) fn ours<R>(self: &Arc<Self>, run: impl FnOnce() -> R) -> R {
        struct AsideBefore(Option<Arc<Aside>>);
        impl Drop for AsideBefore {
            fn drop(&mut self) {
                ELSEWHERE.with_borrow_mut(|elsewhere| std::mem::swap(elsewhere, &mut self.0));
            }
        }
        let before = ELSEWHERE.with_borrow_mut(|elsewhere| elsewhere.replace(Arc::clone(self)));
        let _restore = AsideBefore(before);
        run()
    }

    /// What is to run code of a user's that may not run here; none if it may, as far as a thread can know. That no lock is
    /// held is the caller's to know.
    pub(crate) fn instead_of_here() -> Option<Arc<Self>> {
        ELSEWHERE.try_with(|elsewhere| elsewhere.borrow().clone()).ok().flatten()
    }

    /// What comes from now on is run, and no thread lingers for it.
    pub(super) fn close(&self) {
        self.wakes.close();
        self.drops.close();
    }
}

/// Something to be run. It catches its own panics.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// A lane has so many threads as soon as there are jobs for them.
const THREADS: usize = 4;

/// Where none of them has taken a job for so long while one waited, there is one more: jobs that take long hold nobody up for longer.
const PATIENCE: Duration = Duration::from_millis(20);

/// And so many at most, which is as many as tokio has for blocking work.
const MOST: usize = 512;

/// A thread without work waits so long for some.
const LINGER: Duration = Duration::from_millis(100);

/// Jobs, and who runs them.
struct Lane {
    name: &'static str,
    simulated: bool,
    work: Handle,
    queue: Mutex<LaneQueue>,
    bell: Condvar,
}

#[derive(Default)]
struct LaneQueue {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Those that wait for a job.
    idle: usize,
    /// Jobs that have been begun.
    begun: u64,
    /// Somebody looks whether the threads go on.
    watched: bool,
    /// The environment is let go: nobody waits for work any more.
    closed: bool,
}

impl Lane {
    fn new(name: &'static str, simulated: bool, work: Handle) -> Arc<Self> {
        Arc::new(Self { name, simulated, work, queue: Mutex::default(), bell: Condvar::new() })
    }

    fn push(self: &Arc<Self>, job: Job) {
        {
            let mut queue = self.queue.lock();
            queue.jobs.push_back(job);
            if queue.idle >= queue.jobs.len() {
                self.bell.notify_one();
                return;
            }
            if queue.threads >= if self.simulated { 1 } else { THREADS } {
                if self.is_to_be_watched(&mut queue) {
                    drop(queue);
                    self.watch();
                }
                return;
            }
            queue.threads += 1;
        }
        let server = Server { lane: Arc::clone(self), has_left: false };
        if self.simulated {
            self.serve_simulated(server);
        } else {
            thread::start(self.name, move || server.serve()).ok();
        }
    }

    /// True once for each time that jobs wait and nobody looks whether they are taken.
    fn is_to_be_watched(&self, queue: &mut LaneQueue) -> bool {
        let waits = !self.simulated && !queue.jobs.is_empty();
        waits && !std::mem::replace(&mut queue.watched, true)
    }

    /// Looks now and then until no job waits, or none has been taken since the last look: then there is one more thread.
    fn watch(self: &Arc<Self>) {
        let lane = Arc::clone(self);
        let watching = thread::start(self.name, move || {
            let mut begun = lane.queue.lock().begun;
            loop {
                std::thread::park_timeout(PATIENCE);
                let mut queue = lane.queue.lock();
                let is_stuck = queue.begun == begun;
                begun = queue.begun;
                if queue.jobs.is_empty() || queue.threads == MOST {
                    queue.watched = false;
                    return;
                }
                if is_stuck {
                    queue.watched = false;
                    queue.threads += 1;
                    break;
                }
            }
            Server { lane, has_left: false }.serve();
        });
        if watching.is_err() {
            self.queue.lock().watched = false;
        }
    }

    #[allow(clippy::disallowed_methods, reason = "it is begun where turns are, and ends with its queue")]
    fn serve_simulated(&self, mut server: Server) {
        drop(self.work.spawn(async move {
            while let Some(job) = server.next(false) {
                job();
                tokio::task::yield_now().await;
            }
        }));
    }

    fn close(&self) {
        self.queue.lock().closed = true;
        self.bell.notify_all();
    }
}

/// One of a lane's threads; in simulation its future.
struct Server {
    lane: Arc<Lane>,
    has_left: bool,
}

impl Server {
    fn serve(mut self) {
        let lane = Arc::clone(&self.lane);
        // What a value begins in its drop, it begins where turns run.
        let _there = lane.work.enter();
        while let Some(job) = self.next(true) {
            job();
        }
    }

    /// The next job. With none it leaves, in the critical section in which it found none.
    fn next(&mut self, lingers: bool) -> Option<Job> {
        let lane = &self.lane;
        let mut queue = lane.queue.lock();
        let mut lingers = lingers;
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                queue.begun += 1;
                if queue.threads >= THREADS && lane.is_to_be_watched(&mut queue) {
                    drop(queue);
                    lane.watch();
                }
                return Some(job);
            }
            if !lingers || queue.closed {
                queue.threads -= 1;
                self.has_left = true;
                return None;
            }
            queue.idle += 1;
            lingers = !lane.bell.wait_for(&mut queue, LINGER).timed_out();
            queue.idle -= 1;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        // The system gave no thread; or a simulation's runtime is gone, with all that ran in it: then there is no other place.
        while let Some(job) = self.lane.simulated.then(|| self.next(false)).flatten() {
            job();
        }
        if !self.has_left {
            self.lane.queue.lock().threads -= 1;
        }
    }
}

impl Env {
    /// Where code of a user's runs that may not run where we are.
    pub(crate) fn aside(&self) -> &Arc<Aside> {
        &self.0.aside
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn lane() -> (tokio::runtime::Runtime, Arc<Lane>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let lane = Lane::new("skep-test", false, runtime.handle().clone());
        (runtime, lane)
    }

    #[test]
    fn what_takes_long_holds_up_nobody_else() {
        let (_runtime, lane) = lane();
        let (let_go, held) = mpsc::channel::<()>();
        lane.push(Box::new(move || held.recv().unwrap()));
        let (tell, told) = mpsc::channel();
        lane.push(Box::new(move || tell.send(()).unwrap()));
        told.recv().unwrap();
        let_go.send(()).unwrap();
    }

    #[test]
    fn as_many_as_it_has_threads_that_block_hold_up_nobody_else() {
        let (_runtime, lane) = lane();
        let (began, begun) = mpsc::channel();
        let mut held = Vec::new();
        for _ in 0..3 * THREADS {
            let (let_go, until) = mpsc::channel::<()>();
            let began = began.clone();
            lane.push(Box::new(move || {
                began.send(()).unwrap();
                until.recv().ok();
            }));
            held.push(let_go);
        }
        held.iter().for_each(|_| begun.recv().unwrap());
        let (tell, told) = mpsc::channel();
        lane.push(Box::new(move || tell.send(()).unwrap()));
        told.recv().unwrap();
        lane.close();
        drop(held);
        while lane.queue.lock().threads > 0 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_runs_also_when_the_runtime_of_turns_is_gone_and_no_thread_lingers_after_its_close() {
        let (runtime, lane) = lane();
        drop(runtime);
        for _ in 0..100 {
            let (tell, told) = mpsc::channel();
            lane.push(Box::new(move || tell.send(()).unwrap()));
            told.recv().unwrap();
        }
        lane.close();
        while lane.queue.lock().threads > 0 {
            std::thread::yield_now();
        }
        let (tell, told) = mpsc::channel();
        lane.push(Box::new(move || tell.send(()).unwrap()));
        told.recv().unwrap();
    }
}
