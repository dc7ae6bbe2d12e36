//! Recursive delegation: a task is split until its parts can be solved, and what they gave is merged on the way back.
//!
//! ```text
//! task ── assess ── split ──┬── assess ── direct ── solve ──────────────┬── merge ── value
//!                           └── assess ── split ──┬── … ── solve ──┬── merge ──┘
//!                                                 └── … ── solve ──┘
//! ```
//!
//! **When**: how a task falls into parts is only known when somebody looks at it, and its parts are of its own kind. **When
//! not**: if the parts are known (fan-out, waves), if what comes next depends on what was found (supervise).
//!
//! **Costs** two calls for each task at most, one to assess it and one to solve or merge it, times the attempts; the number of
//! tasks and the depth are limited. **A failure** of a part costs all that it is a part of, and so the value; what others gave is
//! kept, and after three nothing more is begun. A split that leads nowhere costs its assessment: the task is then solved as it is,
//! or fails, by policy.

mod delegating;
mod report;
mod tasks;

use serde::{Deserialize, Serialize};
use skep_runtime::{Budget, Message, ScopeOwner};

use self::delegating::Delegating;
pub use self::report::{Delegated, DelegatedTask, Handling};
use self::tasks::{Size, Tasks};
use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::parts::Parts;
use crate::pattern::runs;
use crate::run::{Phase, Run};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Bounds, Work};

/// Splits a task until its parts can be solved, and merges what they give.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, delegate};
/// # use skep_patterns::delegate::Assessed;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let assess = agent_fn("assess", |text: String, _: Context| async move {
///     Ok::<_, AgentError>(match text.split_once(", ") {
///         Some((one, other)) => Assessed::Split(vec![one.to_owned(), other.to_owned()]),
///         None => Assessed::Direct,
///     })
/// });
/// let solve = agent_fn("solve", |text: String, _: Context| async move { Ok::<_, AgentError>(text.len()) });
/// let merge = agent_fn("merge", |parts: Vec<usize>, _: Context| async move { Ok::<_, AgentError>(parts.iter().sum::<usize>()) });
/// let delegated = delegate(&swarm, "red, green, blue".to_owned())
///     .assess(|text| (assess.clone(), text.clone()))
///     .solve(|text| (solve.clone(), text.clone()))
///     .merge(|_, parts| (merge.clone(), parts.to_vec()))
///     .size(|text| text.len() as u64)
///     .await;
/// assert_eq!(delegated.value, Some(12));
/// let paths: Vec<_> = delegated.tasks.iter().map(|task| task.path.as_str()).collect();
/// assert_eq!(paths, ["1", "1.1", "1.2", "1.2.1", "1.2.2"]);
/// # Ok(())
/// # }
/// ```
///
/// The parts of a split are done at the same time. Each is known by its path, whatever ends first. Unless told otherwise a task is
/// split at most five times, one split within another, and there are at most 100 tasks; at a limit a task is solved as it is, and
/// the report says so ([`Delegated::limited`]).
#[must_use = "a delegation does nothing until it is awaited"]
pub fn delegate<'a, T: Message + Clone>(
    owner: impl Into<ScopeOwner>,
    task: T,
) -> DelegateWithoutAssess<'a, T> {
    let terms = Terms::new(owner, "delegate", Failures::number(defaults::FAILURES, false));
    DelegateWithoutAssess { terms, task }
}

/// What is to be done with a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assessed<T> {
    /// It is solved as it is.
    Direct,
    /// Its parts are assessed in their turn.
    Split(Vec<T>),
}

/// What becomes of a task whose split is no progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoProgress {
    /// It is solved as it is.
    #[default]
    SolveDirectly,
    /// It fails.
    Fail,
}

/// A delegation in which nobody assesses: [`assess`](DelegateWithoutAssess::assess) says who.
#[must_use = "a delegation does nothing until it is awaited"]
pub struct DelegateWithoutAssess<'a, T> {
    terms: Terms<'a>,
    task: T,
}

/// A delegation in which nobody solves: [`solve`](DelegateWithoutSolve::solve) says who.
#[must_use = "a delegation does nothing until it is awaited"]
pub struct DelegateWithoutSolve<'a, T> {
    terms: Terms<'a>,
    task: T,
    assess: Role<'a, T, Assessed<T>>,
}

/// A delegation in which nobody merges: [`merge`](DelegateWithoutMerge::merge) says who.
#[must_use = "a delegation does nothing until it is awaited"]
pub struct DelegateWithoutMerge<'a, T, O> {
    terms: Terms<'a>,
    task: T,
    assess: Role<'a, T, Assessed<T>>,
    solve: Role<'a, T, O>,
}

/// A delegation of a `T` that gives an `O`: see [`delegate`].
#[must_use = "a delegation does nothing until it is awaited"]
pub struct Delegate<'a, T, O> {
    terms: Terms<'a>,
    task: T,
    assess: Role<'a, T, Assessed<T>>,
    solve: Role<'a, T, O>,
    merge: Merge<'a, T, O>,
    depth: u32,
    tasks: usize,
    size: Option<Box<Size<'a, T>>>,
    no_progress: NoProgress,
}

/// Whoever does one thing with a task.
struct Role<'a, T, O> {
    work: OnTask<'a, T, O>,
    takes: Takes,
    costing: Option<Budget>,
}

struct Merge<'a, T, O> {
    work: OnParts<'a, T, O>,
    takes: Takes,
    costing: Option<Budget>,
}

type OnTask<'a, T, O> = Box<dyn Fn(&T) -> AnyWork<O> + Send + Sync + 'a>;
type OnParts<'a, T, O> = Box<dyn Fn(&T, &[O]) -> AnyWork<O> + Send + Sync + 'a>;
type Takes = fn(&Bounds<'_>) -> Option<Estimate>;

impl<'a, T, O: Send + Sync + 'static> Role<'a, T, O> {
    fn new<W: Work<Output = O>>(work: impl Fn(&T) -> W + Send + Sync + 'a) -> Self {
        Self { work: Box::new(move |task| work(task).boxed()), takes: W::takes, costing: None }
    }
}

impl<'a, T: Message + Clone> DelegateWithoutAssess<'a, T> {
    terms!();

    /// Who says of a task whether it is solved or split.
    pub fn assess<W: Work<Output = Assessed<T>>>(
        self,
        work: impl Fn(&T) -> W + Send + Sync + 'a,
    ) -> DelegateWithoutSolve<'a, T> {
        let Self { terms, task } = self;
        DelegateWithoutSolve { terms, task, assess: Role::new(work) }
    }
}

impl<'a, T: Message + Clone> DelegateWithoutSolve<'a, T> {
    terms!();

    /// What each assessment may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.assess.costing = Some(most);
        self
    }

    /// Who solves a task that is not split.
    pub fn solve<W: Work>(
        self,
        work: impl Fn(&T) -> W + Send + Sync + 'a,
    ) -> DelegateWithoutMerge<'a, T, W::Output> {
        let Self { terms, task, assess } = self;
        DelegateWithoutMerge { terms, task, assess, solve: Role::new(work) }
    }
}

impl<'a, T: Message + Clone, O: Send + Sync + 'static> DelegateWithoutMerge<'a, T, O> {
    terms!();

    /// What each solution may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.solve.costing = Some(most);
        self
    }

    /// Who makes what a task comes to of what its parts came to, in their order.
    pub fn merge<W: Work<Output = O>>(
        self,
        work: impl Fn(&T, &[O]) -> W + Send + Sync + 'a,
    ) -> Delegate<'a, T, O> {
        let Self { terms, task, assess, solve } = self;
        let work = Box::new(move |task: &T, parts: &[O]| work(task, parts).boxed());
        Delegate {
            terms,
            task,
            assess,
            solve,
            merge: Merge { work, takes: W::takes, costing: None },
            depth: defaults::SPLITS,
            tasks: defaults::DELEGATED,
            size: None,
            no_progress: NoProgress::default(),
        }
    }
}

impl<'a, T: Message + Clone, O: Send + Sync + 'static> Delegate<'a, T, O> {
    terms!();

    /// What each merge may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.merge.costing = Some(most);
        self
    }

    /// How many splits may lie one within another; 5 by default. With 0 the whole is solved as it is.
    pub const fn depth(mut self, splits: u32) -> Self {
        self.depth = splits;
        self
    }

    /// How many tasks there may be, the whole included; 100 by default, and at least 1. A split uses up one for each part, and
    /// what is left is shared evenly among the parts, so that it goes by no clock which of them may be split again.
    pub fn tasks(mut self, most: usize) -> Self {
        self.tasks = most.max(1);
        self
    }

    /// How large a task is. Each part of a split has to be smaller than the whole, or the split is no progress. Where no size is
    /// said, a part must not be equal to a task that it lies in, as JSON.
    pub fn size(mut self, size: impl Fn(&T) -> u64 + Send + Sync + 'a) -> Self {
        self.size = Some(Box::new(size));
        self
    }

    /// What becomes of a task whose split is empty, or has a part that is not smaller; by default it is solved as it is.
    pub const fn no_progress(mut self, then: NoProgress) -> Self {
        self.no_progress = then;
        self
    }

    /// What it takes at most.
    pub fn estimate(&self) -> Estimate {
        let Self { terms, assess, solve, merge, .. } = self;
        let known = |takes: Takes, name: &str, costing: Option<&Budget>| {
            takes(&terms.bounds(name, costing)).unwrap_or_else(|| Estimate::unknown(name, costing))
        };
        if self.depth == 0 {
            let alone = (solve.work)(&self.task).estimate(&terms.bounds("solve", solve.costing.as_ref()));
            return alone.within(terms.budget.as_ref());
        }
        let tasks = self.tasks as u64;
        let first = (assess.work)(&self.task).estimate(&terms.bounds("assess", assess.costing.as_ref()));
        let assessing = first.then(known(assess.takes, "assess", assess.costing.as_ref()).times(tasks - 1));
        // A task is solved or merged.
        let solving = known(solve.takes, "solve", solve.costing.as_ref());
        let giving = if tasks == 1 {
            solving
        } else {
            solving.or(known(merge.takes, "merge", merge.costing.as_ref()))
        };
        let all = assessing.then(giving.times(tasks));
        let at_once = all.at_once.saturating_mul(tasks.min(terms.at_most as u64));
        Estimate { at_once, ..all }.within(terms.budget.as_ref())
    }
}

impl<T: Message + Clone, O: Send + Sync + 'static> Delegate<'_, T, O> {
    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Delegated<T, O> {
        let mut delegated = Delegated { value: None, tasks: Vec::new(), parts: Parts::default() };
        self.go_on(&mut delegated).await;
        delegated
    }

    /// Goes on where something has failed or was not begun, also with a report that was read back from JSON: with the tasks that
    /// were not assessed, solved or merged. What has an output is not asked again. Attempts, cost and time add up. All limits start
    /// fresh, but that of the tasks. A report of another task is left as it is.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background. The report has what there was by then.
    pub async fn retry_failed(&self, delegated: &mut Delegated<T, O>) {
        if delegated.value.is_none() {
            self.go_on(delegated).await;
        }
    }

    async fn go_on(&self, Delegated { value, tasks, parts }: &mut Delegated<T, O>) {
        let Some(tasks) = Tasks::of(tasks, &self.task, self.tasks) else { return };
        let mut run = Run::going_on(&self.terms, None, parts);
        let mut delegating = Delegating::new(self, Phase::new(&mut run), tasks);
        while let Some((at, result)) = delegating.phase.next().await {
            delegating.take(at, result);
        }
        *value = delegating.into_value();
        let ended = run.close().await;
        *parts = ended;
    }
}

runs!([T: Message + Clone, O: Send + Sync + 'static] Delegate<'a, T, O> => Delegated<T, O>);
