//! Supervise: one decides and several work; it plans, looks at what came of it, and decides again until the goal is reached.
//!
//! ```text
//!                  ┌── task 1 ── worker ──┐
//! goal ── decide ──┼── task 2 ── worker ──┼── decide ── task 4 ── … ── decide ── value
//!                  └── task 3 ── worker ──┘   (on what has ended; the others go on)
//! ```
//!
//! **When**: what comes next depends on what was found: an incident, research, a search. **When not**: if the tasks are known
//! (fan-out), their order is (waves), or a task splits into its own kind (delegate).
//!
//! **Costs** a call for each decision and for each task that a worker is given, times the attempts. The decider reads the whole
//! table each time, so that long runs cost more than their number of decisions says. **A failure** of a worker is a row of the
//! table: the decider tries it again, gives it to another, or does without. After three of them nothing more is begun, and the report
//! asks. A decider that fails ends it: what works goes on to its end, and the report can be gone on from.

mod assignments;
mod course;
mod moves;
mod report;
mod table;

use skep_runtime::{Budget, ScopeOwner};

pub use self::report::Supervised;
pub use self::table::{Answered, Assigned, Move, Next, Standing, Table};
use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::pattern::runs;
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Work};

/// Lets one decide what several do, until a goal is reached.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, supervise};
/// # use skep_patterns::supervise::{Next, Table};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let probe = agent_fn("probe", |host: String, _: Context| async move { Ok::<_, AgentError>(host.len()) });
/// let lead = agent_fn("lead", |table: Table<String, String, usize>, _: Context| async move {
///     Ok::<_, AgentError>(match table.tasks.len() {
///         0 => Next::spawn(["db".to_owned(), "cache".to_owned()]),
///         _ if table.working().next().is_some() => Next::wait(),
///         _ => Next::Done(table.done().map(|(_, length)| length).sum::<usize>()),
///     })
/// });
/// let found = supervise(&swarm, "the site is slow".to_owned())
///     .worker(|host: &String| (probe.clone(), host.clone()))
///     .decide(|table| (lead.clone(), table.clone()))
///     .await;
/// assert_eq!(found.value, Some(2 + 5));
/// # Ok(())
/// # }
/// ```
///
/// The decider is asked at once, and then whenever something has ended; what ends while it thinks is one question, and the
/// others go on meanwhile. [`in_rounds`](Supervise::in_rounds) asks it only when nothing works any more, which costs fewer
/// decisions and waits for the slowest. Six workers work at once unless told ([`at_most`](Supervise::at_most)); the decider is not
/// one of them.
///
/// A decision that cannot be carried out is a failed attempt at it, and the next finds the reason in
/// [`Context::last_error`](skep_runtime::Context::last_error): a task that is not there, one too many, waiting while nothing works,
/// going on after the last round. So a decider that repeats itself to no effect fails with that reason, and does not go round forever.
///
/// # After a crash
/// Which results a decider sees depends on who was first. An owner that is tried again sees them in the same portions as before
/// ([`ScopeOwner::memo`]), whoever is first now: so each decision has the table that it had, and is taken up with all that
/// followed from it. Only a worker that was stopped is begun anew, until the decision that stopped it, which comes at once.
#[must_use = "a supervision does nothing until it is awaited"]
pub fn supervise<'a, G>(owner: impl Into<ScopeOwner>, goal: G) -> SuperviseWithoutWorker<'a, G> {
    let failures = Failures::number(defaults::FAILURES, false);
    SuperviseWithoutWorker { terms: Terms::new(owner, "supervise", failures), goal }
}

/// A supervision without workers: [`worker`](SuperviseWithoutWorker::worker) gives it some.
#[must_use = "a supervision does nothing until it is awaited"]
pub struct SuperviseWithoutWorker<'a, G> {
    terms: Terms<'a>,
    goal: G,
}

/// A supervision without one who decides: [`decide`](SuperviseWithoutDecider::decide) gives it one.
#[must_use = "a supervision does nothing until it is awaited"]
pub struct SuperviseWithoutDecider<'a, G, T, O> {
    terms: Terms<'a>,
    goal: G,
    worker: Role<'a, T, O>,
}

/// A supervision: see [`supervise`].
#[must_use = "a supervision does nothing until it is awaited"]
pub struct Supervise<'a, G, T, O, R> {
    terms: Terms<'a>,
    goal: G,
    worker: Role<'a, T, O>,
    decider: Role<'a, Table<G, T, O>, Next<T, R>>,
    rounds: u32,
    tasks: usize,
    in_rounds: bool,
}

/// Work on what is known when its turn comes.
struct Role<'a, I, O> {
    work: Making<'a, I, O>,
    takes: fn(&Bounds<'_>) -> Option<Estimate>,
    costing: Option<Budget>,
}

type Making<'a, I, O> = Box<dyn Fn(&I) -> AnyWork<O> + Send + Sync + 'a>;

impl<'a, I, O: Send + Sync + 'static> Role<'a, I, O> {
    fn new<W: Work<Output = O>>(work: impl Fn(&I) -> W + Send + Sync + 'a) -> Self {
        Self { work: Box::new(move |input| work(input).boxed()), takes: W::takes, costing: None }
    }

    fn estimate(&self, terms: &Terms<'_>, name: &str) -> Estimate {
        let costing = self.costing.as_ref();
        (self.takes)(&terms.bounds(name, costing)).unwrap_or_else(|| Estimate::unknown(name, costing))
    }
}

impl<'a, G> SuperviseWithoutWorker<'a, G> {
    terms!();

    /// Who works on a task.
    pub fn worker<T, W: Work>(
        self,
        work: impl Fn(&T) -> W + Send + Sync + 'a,
    ) -> SuperviseWithoutDecider<'a, G, T, W::Output> {
        let Self { terms, goal } = self;
        SuperviseWithoutDecider { terms, goal, worker: Role::new(work) }
    }
}

impl<'a, G, T, O: Send + Sync + 'static> SuperviseWithoutDecider<'a, G, T, O> {
    terms!();

    /// What a worker may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.worker.costing = Some(most);
        self
    }

    /// Who decides what is done next, from what is known.
    pub fn decide<R, W>(
        self,
        work: impl Fn(&Table<G, T, O>) -> W + Send + Sync + 'a,
    ) -> Supervise<'a, G, T, O, R>
    where
        T: Send + Sync + 'static,
        R: Send + Sync + 'static,
        W: Work<Output = Next<T, R>>,
    {
        let Self { terms, goal, worker } = self;
        let decider = Role::new(work);
        let (rounds, tasks) = (defaults::ROUNDS, defaults::SUPERVISED);
        Supervise { terms, goal, worker, decider, rounds, tasks, in_rounds: false }
    }
}

impl<'a, G, T, O, R> Supervise<'a, G, T, O, R>
where
    G: Clone + Send + Sync,
    T: Send + Sync + 'static,
    O: Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    terms!();

    /// What a decision may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.decider.costing = Some(most);
        self
    }

    /// How many decisions there are at most; 40 by default, at least 1. The last has to end it.
    pub fn rounds(mut self, most: u32) -> Self {
        self.rounds = most.max(1);
        self
    }

    /// How often a worker is given a task at most, in all; 30 by default.
    pub const fn tasks(mut self, most: usize) -> Self {
        self.tasks = most;
        self
    }

    /// Asks the decider only when nothing works any more, and not at each end: fewer decisions, which wait for the slowest.
    pub const fn in_rounds(mut self) -> Self {
        self.in_rounds = true;
        self
    }

    /// What it takes at most. A worker or a decider that is a pattern is known only by what it may cost.
    pub fn estimate(&self) -> Estimate {
        let tasks = u64::try_from(self.tasks).unwrap_or(u64::MAX);
        let worker = self.worker.estimate(&self.terms, "worker");
        let at_once = u64::try_from(self.terms.at_most.min(self.tasks)).unwrap_or(u64::MAX);
        let at_once = worker.at_once.saturating_mul(at_once);
        let workers = Estimate { at_once, ..worker.times(tasks) };
        let decider = self.decider.estimate(&self.terms, "decide").times(self.rounds.into());
        workers.and(decider).within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Supervised<T, O, R> {
        let mut report = Supervised::new();
        self.go_on(&mut report).await;
        report
    }

    /// Goes on where it asks, with a person's answer, which the decider finds in [`Table::answers`]; also with a report that was
    /// read back from JSON. If it does not ask, it goes on as [`retry_failed`](Self::retry_failed) does, with that as well.
    ///
    /// # Cancel safety
    /// As [`retry_failed`](Self::retry_failed).
    pub async fn answer(&self, report: &mut Supervised<T, O, R>, answer: impl Into<String> + Send) {
        let question = report.asks.take().unwrap_or_default();
        report.answers.push(Answered { question, answer: answer.into() });
        self.retry_failed(report).await;
    }

    /// Goes on, if there is no value yet: with what was stopped or did not come to begin, and a decision on all the rest. Failed
    /// tasks are the decider's affair. All limits start fresh; parts add up.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background; the report keeps the tasks, and loses their results.
    pub async fn retry_failed(&self, report: &mut Supervised<T, O, R>) {
        if report.value.is_none() {
            self.go_on(report).await;
        }
    }
}

runs!([
    G: Clone + Send + Sync + 'a,
    T: Send + Sync + 'static,
    O: Send + Sync + 'static,
    R: Send + Sync + 'static
] Supervise<'a, G, T, O, R> => Supervised<T, O, R>);
