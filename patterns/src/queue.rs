//! Queue: many tasks for a few workers, which live on from task to task.
//!
//! ```text
//!                          ┌── worker 1 ── a row for each task
//! tasks ── by priority ────┼── worker 2      │
//!    ▲     and age         └── worker 3      └── failed in each attempt: a dead letter
//!    └───────── given back ───────┘
//!          (died, hung: lease over)
//! ```
//!
//! **When**: hundreds of tasks or a million, more important ones among them, that come at once or while it runs
//! ([`open`](Queue::open)); agents that are dear to start, or learn from task to task. **When not**: if each item needs an
//! agent of its own kind (fan-out), or one needs what another gives (pipeline, waves).
//!
//! **Costs** a call for each task, times its attempts, and as many agents as work at once, and one more for each that is
//! lost. **A failure** is tried again in the same worker, which finds the error; a worker that dies, hangs or goes stale
//! loses its task to another. A task that has failed in each attempt, or has ended its worker as often, is a dead letter,
//! and the others go on. When half of at least three have failed, no more begin.

mod crew;
mod drain;
mod hand;
mod inbox;
mod open;
mod report;
mod scale;
mod task;
mod tries;
mod waiting;

use std::ops::RangeInclusive;
use std::time::Duration;

use skep_runtime::{Agent, AgentSpec, Message, ScopeOwner, Usage};

use self::crew::{Crew, Spec};
use self::drain::{Drain, Rules};
use self::hand::Hire;
use self::inbox::Inbox;
pub use self::open::Push;
use self::report::settle;
pub use self::report::{Drained, DrainedRow, QueueWorker};
use self::scale::Scale;
use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::parts::Parts;
use crate::pattern::runs;
use crate::rows::Rows;
use crate::run::Run;
use crate::terms::{Terms, terms};

/// Gives many tasks to a few workers, the important ones first.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, queue};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let halve = |n: u32, _: Context| async move {
///     if n % 2 == 0 { Ok(n / 2) } else { Err(AgentError::message("odd")) }
/// };
/// let drained = queue(&swarm, [4, 7, 10])
///     .workers(1..=2, |n| agent_fn(format!("half-{n}"), halve))
///     .priority(|n| *n as u8)
///     .await;
/// assert_eq!(drained.to_string(), "2 of 3 completed, failed: task 2 (odd)");
/// assert_eq!(drained.ok().collect::<Vec<_>>(), [(&4, &2), (&10, &5)]);
/// let dead: Vec<_> = drained.dead_letters().map(|row| (row.task, row.errors.len())).collect();
/// assert_eq!(dead, [(7, 3)], "it was tried three times");
/// # Ok(())
/// # }
/// ```
///
/// A task is cloned for each worker that has it. The deadline of the whole is 30 s as that of any pattern:
/// [`within`](Queue::within) says how long it may really take.
#[must_use = "a queue does nothing until it is awaited or opened"]
pub fn queue<'a, T>(
    owner: impl Into<ScopeOwner>,
    tasks: impl IntoIterator<Item = T>,
) -> QueueWithoutWorkers<'a, T> {
    let terms = Terms::new(owner, "queue", Failures::share(0.5, false));
    QueueWithoutWorkers { terms, tasks: tasks.into_iter().collect() }
}

/// A queue that nobody works at yet: [`workers`](QueueWithoutWorkers::workers) gives it who does.
#[must_use = "a queue does nothing until it is awaited or opened"]
pub struct QueueWithoutWorkers<'a, T> {
    terms: Terms<'a>,
    tasks: Vec<T>,
}

/// A queue: see [`queue`].
#[must_use = "a queue does nothing until it is awaited or opened"]
pub struct Queue<'a, T, O> {
    terms: Terms<'a>,
    tasks: Vec<T>,
    spec: Spec<'a, T, O>,
    scale: Scale,
    rules: Rules<'a, T>,
    room: usize,
    is_in_order: bool,
}

impl<'a, T: Message + Clone> QueueWithoutWorkers<'a, T> {
    terms!();

    /// Who works, and how many at once: from `least` to `most`, which is at least 1. The closure is given the worker's
    /// place, from 1 to `most`; one that takes the place of another has its number.
    ///
    /// No more are started than there are tasks. When more than two tasks wait for each worker, some more are started, three at
    /// most at a time; one that has been idle for 10 s is stopped, down to `least`. A worker is temporary whatever its spec
    /// says, and one that ends is replaced.
    pub fn workers<A: Agent<Task = T>>(
        self,
        count: RangeInclusive<usize>,
        spec: impl Fn(usize) -> AgentSpec<A> + Send + Sync + 'a,
    ) -> Queue<'a, T, A::Output> {
        let Self { mut terms, tasks } = self;
        let (least, most) = count.into_inner();
        terms.at_most = most.max(1);
        let spec: Spec<'a, T, A::Output> =
            Box::new(move |place| Box::new(spec(place)) as Box<dyn Hire<T, A::Output>>);
        let scale = Scale { least, most: terms.at_most, drain_within: None, idle: defaults::QUEUE_IDLE };
        let rules = Rules { lease: defaults::LEASE, ageing: defaults::AGEING, priority: None };
        Queue { terms, tasks, spec, scale, rules, room: defaults::QUEUE_ROOM, is_in_order: false }
    }
}

impl<'a, T: Message + Clone, O: Message> Queue<'a, T, O> {
    terms!();

    /// How important a task is, from 0 (the least, and that of all unless told) to 255. What waits grows older and so more
    /// important: see [`ageing`](Self::ageing).
    pub fn priority(mut self, of: impl Fn(&T) -> u8 + Send + Sync + 'a) -> Self {
        self.rules.priority = Some(Box::new(of));
        self
    }

    /// How long a task waits until it goes before one of the next higher priority that has just come; 60 s by default. So a
    /// task of priority 0 is overtaken by one of priority 5 that comes up to five minutes later, and by none that comes
    /// after. Zero is first come, first served.
    pub const fn ageing(mut self, step: Duration) -> Self {
        self.rules.ageing = step;
        self
    }

    /// For how long a worker may have a task, over all of its attempts; 30 s by default. When that is over the worker is
    /// stopped, and the task goes to another with the attempts that are left.
    pub const fn lease(mut self, limit: Duration) -> Self {
        self.rules.lease = limit;
        self
    }

    /// Starts more workers also when what waits would take longer than this to be taken, by what a task has taken so far.
    /// By default the number of tasks alone decides.
    pub const fn drain_within(mut self, limit: Duration) -> Self {
        self.scale.drain_within = Some(limit);
        self
    }

    /// A worker that has had nothing to do for so long is stopped, if there are more than the least; 10 s by default.
    pub const fn idle(mut self, limit: Duration) -> Self {
        self.scale.idle = limit;
        self
    }

    /// How many tasks may wait in an open queue before `push` waits, and in order also how many rows before one that is
    /// late; 64 by default, at least 1.
    pub const fn room(mut self, tasks: usize) -> Self {
        self.room = if tasks == 0 { 1 } else { tasks };
        self
    }

    /// The rows of an open queue come in the order of submission, and not as they end. A task that is late holds up those
    /// after it: when as many rows wait for it as there is [`room`](Self::room) for, no other is begun.
    pub const fn in_order(mut self) -> Self {
        self.is_in_order = true;
        self
    }

    /// Opens it: tasks go in while rows come out. Of a task whose row was given nothing is kept, so memory stays flat; if
    /// the owner is a task, the runtime keeps its answers until that has its outcome, for it to take up after a crash.
    ///
    /// It works while the rows are read: read them beside pushing, or a push that waits for room waits for good. Dropped,
    /// they stop it in the background. Each task that was put in has a row, whatever ends it. A row's cost is what was
    /// booked by its end.
    pub fn open(self) -> (Push<T>, Rows<'a, DrainedRow<T, O>>) {
        open::open(self)
    }

    fn attempts(&self) -> u64 {
        u64::from(self.terms.retries.saturating_add(1))
    }

    /// As many as work at once, and one more for each attempt that may have cost its worker.
    fn agents(&self, tasks: usize) -> u64 {
        let lost = count(tasks).saturating_mul(self.attempts());
        count(self.most().min(tasks)).saturating_add(lost)
    }

    fn most(&self) -> usize {
        self.scale.most.min(self.terms.at_most)
    }

    fn bounded(&self) -> Scale {
        Scale { most: self.most(), ..self.scale }
    }

    /// What it takes at most, for the tasks that it was made with. An agent is counted for each attempt too, since each may
    /// cost its worker; starts that fail are among them.
    pub fn estimate(&self) -> Estimate {
        let tasks = self.tasks.len();
        let at_once = self.most().min(tasks);
        let each = (1..=at_once).map(|place| {
            let spec = (self.spec)(place);
            let name = spec.name().to_owned();
            Estimate::agent(&name, 1, spec.budget())
        });
        let (mut worst, mut unbounded) = (Some(Usage::ZERO), Vec::new());
        for one in each {
            worst =
                worst.zip(one.cost).map(|(worst, cost)| if cost.money > worst.money { cost } else { worst });
            unbounded.extend(one.unbounded);
        }
        let agents = self.agents(tasks);
        let cost = worst.map(|worst| worst.times(u32::try_from(agents).unwrap_or(u32::MAX)));
        let all = Estimate {
            agents,
            at_once: count(at_once),
            calls: count(tasks).saturating_mul(self.attempts()),
            depth: u32::from(tasks > 0),
            cost,
            unbounded,
            unknown: Vec::new(),
        };
        if tasks == 0 { Estimate::nothing() } else { all.within(self.terms.budget.as_ref()) }
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Drained<T, O> {
        let mut drained = Drained { rows: Vec::new(), workers: Vec::new(), parts: Parts::default() };
        let all = self.tasks.iter().enumerate();
        self.drain(all.map(|(at, task)| (at, task.clone())).collect(), &mut drained).await;
        drained
    }

    /// Runs the tasks without an output again, dead letters too, also with a report that was read back from JSON. Attempts,
    /// errors, cost and time of a row add up, and workers are added. All limits start fresh.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background; the report stays as it was, without what the dropped
    /// attempts cost.
    pub async fn retry_failed(&self, drained: &mut Drained<T, O>) {
        let failed = drained.rows.iter().enumerate().filter(|(_, row)| row.result.is_err());
        let again: Vec<_> = failed.map(|(at, row)| (at, row.task.clone())).collect();
        if !again.is_empty() {
            self.drain(again, drained).await;
        }
    }

    /// Does these tasks, each with its place in the report.
    async fn drain(&self, tasks: Vec<(usize, T)>, drained: &mut Drained<T, O>) {
        let places: Vec<_> = tasks.iter().map(|(at, _)| *at).collect();
        let run = Run::new(&self.terms, Some(places.len()));
        let crew = Crew::new(self.bounded(), self.terms.stop, &self.spec, Some(self.agents(places.len())));
        let mut drain = Drain::new(run, &self.terms, &self.rules, crew, true);
        for (at, task) in tasks {
            drain.accept(Some(count(at) + 1), task, None, drained.parts.parts.get(at));
        }
        let inbox = Inbox::closed();
        let mut overs: Vec<_> = places.iter().map(|_| None).collect();
        while let Some(over) = drain.next(&inbox).await {
            let at = over.at;
            overs[at] = Some(over);
        }
        let (run, crew) = drain.over();
        let scope = run.opened();
        let (mut parts, (crew, stuck)) = futures_util::join!(run.close(), crew.end());
        parts.stuck.extend(stuck);
        parts.stuck.sort();
        parts.stuck.dedup();
        let workers = settle(crew.told(), scope.as_deref(), &mut parts);
        drained.take_in(&places, overs, workers, parts);
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

runs!([T: Message + Clone, O: Message] Queue<'a, T, O> => Drained<T, O>);
