//! The workers of a queue, from their start to their stop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use skep_runtime::{AgentId, Scope, SpawnError, Stop, StopReceipt, Time, Usage};

use super::hand::{Doing, Hire, Hired};
use super::report::QueueWorker;
use super::scale::{Scale, Standing};
use super::tries::Ending;
use crate::defaults;
use crate::failure::Failure;
use crate::parts::stuck_in;
use crate::work::never_up;

/// What a worker's spec is, by its place in the crew.
pub(super) type Spec<'a, T, O> = Box<dyn Fn(usize) -> Box<dyn Hire<T, O>> + Send + Sync + 'a>;

/// A worker that lives.
pub(super) struct Worker<T, O> {
    place: usize,
    pub(super) hand: Hired<T, O>,
    has_budget: bool,
    /// Since when it has nothing to do.
    since: Time,
    record: Record,
}

/// What is told of a worker.
#[derive(Default)]
struct Record {
    tasks: usize,
    /// What its tasks have cost of what it has cost.
    spent: Usage,
    /// The part that it had last.
    last: Option<usize>,
    lost: Option<Failure>,
}

/// One that has ended, with what it cost.
pub(super) struct Ended {
    pub(super) worker: QueueWorker,
    /// What it cost besides its tasks.
    pub(super) besides: Usage,
    /// The part that it had last.
    pub(super) last: Option<usize>,
    pub(super) came_up: bool,
}

pub(super) struct Crew<'c, T, O> {
    pub(super) scale: Scale,
    stop: Stop,
    spec: &'c Spec<'c, T, O>,
    /// Places that were used and are free, and the first that was never used.
    free: BTreeSet<usize>,
    next: usize,
    /// The one that was at work last is taken first, so that those not needed are idle for long.
    idle: Vec<Worker<T, O>>,
    working: usize,
    starting: FuturesUnordered<Doing<Start<T, O>>>,
    stopping: FuturesUnordered<Doing<(Worker<T, O>, StopReceipt)>>,
    /// Starts that have failed one after the other, and when there is to be another.
    failed: u32,
    not_before: Time,
    /// How many more may be started in all, if that is bounded.
    left: Option<u64>,
    /// What is told of those that have ended, if it is told at all.
    ended: Option<Vec<Ended>>,
    stuck: Vec<AgentId>,
}

/// A start that is over.
struct Start<T, O> {
    place: usize,
    name: String,
    has_budget: bool,
    up: Result<Hired<T, O>, SpawnError>,
}

/// What has happened to the crew.
pub(super) enum Change {
    /// One came up, or one is gone.
    Moved,
    /// One did not come up.
    NotUp(SpawnError),
}

impl<'c, T: 'static, O: 'static> Crew<'c, T, O> {
    /// `left` is how many may be started in all; whoever bounds that is told of each.
    pub(super) fn new(scale: Scale, stop: Stop, spec: &'c Spec<'c, T, O>, left: Option<u64>) -> Self {
        Self {
            scale,
            stop,
            spec,
            free: BTreeSet::new(),
            next: 1,
            idle: Vec::new(),
            working: 0,
            starting: FuturesUnordered::new(),
            stopping: FuturesUnordered::new(),
            failed: 0,
            not_before: Time::from_nanos(0),
            ended: left.map(|_| Vec::new()),
            left,
            stuck: Vec::new(),
        }
    }

    fn workers(&self) -> usize {
        self.idle.len() + self.working + self.starting.len()
    }

    /// Whether nobody is there, and as many were started as may be.
    pub(super) fn is_used_up(&self) -> bool {
        self.workers() == 0 && self.left == Some(0)
    }

    /// Whether it does not try another start after one that has failed, for good or for now: nobody is there who could go on.
    pub(super) fn gives_up(&self, for_good: bool) -> bool {
        self.workers() == 0 && (for_good || self.failed >= defaults::QUEUE_STARTS || self.left == Some(0))
    }

    /// How many are to be started now, for so many tasks.
    pub(super) fn wanted(&self, waiting: usize, each: Option<Duration>, now: Time) -> usize {
        if now < self.not_before {
            return 0;
        }
        let (working, stopping) = (self.working, self.stopping.len());
        let is_growing = !self.starting.is_empty();
        let standing = Standing { waiting, working, workers: self.workers(), stopping, is_growing, each };
        let left = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        // After a failed start one is tried, and not a step of them.
        let most = if self.failed > 0 { 1 } else { usize::MAX };
        self.scale.more(standing).min(left).min(most)
    }

    pub(super) fn start(&mut self, scope: &Arc<Scope>, within: Duration) {
        let place = self.free.pop_first().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        self.left = self.left.map(|left| left.saturating_sub(1));
        let spec = (self.spec)(place);
        let (name, has_budget) = (spec.name().to_owned(), spec.budget().is_some());
        let up = spec.hire(Arc::clone(scope), within);
        self.starting.push(Box::pin(async move { Start { place, name, has_budget, up: up.await } }));
    }

    /// One that is idle, and alive as far as anybody knows.
    pub(super) fn take(&mut self) -> Option<Worker<T, O>> {
        while let Some(worker) = self.idle.pop() {
            if worker.hand.is_alive() {
                self.working += 1;
                return Some(worker);
            }
            self.retire(worker);
        }
        None
    }

    /// It has not been given anything.
    pub(super) fn put_back(&mut self, worker: Worker<T, O>) {
        self.working -= 1;
        self.idle.push(worker);
    }

    /// It has had the task of a part.
    pub(super) fn back(&mut self, mut worker: Worker<T, O>, at: usize, had: Had<'_>, now: Time) {
        self.working -= 1;
        worker.since = now;
        if had.is_recalled {
            // It was an earlier attempt's worker that did it.
            self.idle.push(worker);
            return;
        }
        worker.record.last = Some(at);
        worker.record.spent += had.spent;
        worker.record.tasks += usize::from(matches!(had.ending, Ending::Answered | Ending::Failed));
        if had.ending.ends_worker(worker.has_budget) {
            worker.record.lost = had.failure.cloned();
            self.retire(worker);
        } else {
            self.idle.push(worker);
        }
    }

    fn retire(&mut self, worker: Worker<T, O>) {
        let stopping = worker.hand.stop(self.stop);
        self.stopping.push(Box::pin(async move {
            let receipt = stopping.await;
            (worker, receipt)
        }));
    }

    /// Stops one that has been idle for too long. Those that were idle longest stand first.
    pub(super) fn let_go(&mut self, now: Time) {
        while let Some(worker) = self.idle.first()
            && self.scale.is_spare(self.workers(), now.since(worker.since))
        {
            let worker = self.idle.remove(0);
            self.retire(worker);
        }
    }

    /// When it has to be looked at again, though nothing happens.
    pub(super) fn due(&self, is_needed: bool, now: Time) -> Option<Time> {
        let start = Some(self.not_before).filter(|at| is_needed && *at > now);
        let spare = self.workers() > self.scale.least;
        let idle = self.idle.first().filter(|_| spare).map(|worker| worker.since + self.scale.idle);
        start.into_iter().chain(idle).min()
    }

    pub(super) fn poll(&mut self, now: Time, cx: &mut Context<'_>) -> Poll<Change> {
        if let Poll::Ready(Some(start)) = self.starting.poll_next_unpin(cx) {
            return Poll::Ready(self.started(start, now));
        }
        if let Poll::Ready(Some((worker, receipt))) = self.stopping.poll_next_unpin(cx) {
            self.stopped(worker, &receipt);
            return Poll::Ready(Change::Moved);
        }
        Poll::Pending
    }

    fn started(&mut self, start: Start<T, O>, now: Time) -> Change {
        let Start { place, name, has_budget, up } = start;
        match up {
            Ok(hand) => {
                self.failed = 0;
                self.idle.push(Worker { place, hand, has_budget, since: now, record: Record::default() });
                Change::Moved
            }
            Err(error) => {
                self.free.insert(place);
                // The first of a row is tried again at once, as a crash is.
                let pause = self.failed.checked_sub(1).map_or(Duration::ZERO, |again| {
                    Duration::from_secs(1_u64.checked_shl(again).unwrap_or(u64::MAX))
                        .min(defaults::QUEUE_PAUSE)
                });
                self.failed = self.failed.saturating_add(1);
                self.not_before = now + pause;
                if let Some(ended) = &mut self.ended {
                    let id = never_up(&error).cloned();
                    let lost = Failure::not_spawned(error.clone()).error().clone();
                    let worker = QueueWorker { name, id, tasks: 0, cost: Usage::ZERO, lost: Some(lost) };
                    ended.push(Ended { worker, besides: Usage::ZERO, last: None, came_up: false });
                }
                Change::NotUp(error)
            }
        }
    }

    fn stopped(&mut self, worker: Worker<T, O>, receipt: &StopReceipt) {
        self.stuck.extend(stuck_in(receipt));
        self.free.insert(worker.place);
        self.tell(worker);
    }

    fn tell(&mut self, worker: Worker<T, O>) {
        let Some(ended) = &mut self.ended else { return };
        let Worker { hand, record: Record { tasks, spent, last, lost }, .. } = worker;
        let cost = hand.spent();
        let lost = lost.map(|failure| failure.error().clone());
        let worker =
            QueueWorker { name: hand.name().to_owned(), id: Some(hand.id().clone()), tasks, cost, lost };
        ended.push(Ended { worker, besides: cost.above(&spent), last, came_up: true });
    }

    /// What has begun to start or to stop comes to its end, since the scope ends. Gives what is told of all, and who is stuck.
    pub(super) async fn end(mut self) -> (Crew<'c, T, O>, Vec<AgentId>) {
        while let Some(start) = self.starting.next().await {
            self.started(start, Time::from_nanos(0));
        }
        while let Some((worker, receipt)) = self.stopping.next().await {
            self.stopped(worker, &receipt);
        }
        let stuck = std::mem::take(&mut self.stuck);
        (self, stuck)
    }

    /// What is told of all, once the scope is stopped.
    pub(super) fn told(mut self) -> Vec<Ended> {
        for worker in std::mem::take(&mut self.idle) {
            self.tell(worker);
        }
        self.ended.unwrap_or_default()
    }
}

/// What came of a task that a worker had.
#[derive(Clone, Copy)]
pub(super) struct Had<'h> {
    pub(super) ending: Ending,
    pub(super) failure: Option<&'h Failure>,
    pub(super) spent: Usage,
    pub(super) is_recalled: bool,
}
