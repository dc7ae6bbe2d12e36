//! Fan-out and fan-in: an agent for each item, several at once, and a row for each result.

mod cut;
mod pace;
mod round;
mod work;

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use skep_runtime::{Agent, AgentSpec, ScopeOwner, Stop};

use crate::defaults;
use crate::gathered::Gathered;

/// Which agent an item gets.
pub type Specs<'a, I, A> = Box<dyn Fn(I) -> AgentSpec<A> + Send + Sync + 'a>;
/// What an item's agent is asked.
pub type Tasks<'a, I, A> = Box<dyn Fn(I) -> <A as Agent>::Task + Send + Sync + 'a>;

/// Gives each item to its own agent and gathers the answers.
///
/// ```
/// # use skep_runtime::{Agent, AgentError, AgentSpec, Context, Swarm};
/// # use skep_patterns::fan_out;
/// struct Measure;
/// impl Agent for Measure {
///     type Task = String;
///     type Output = usize;
///     async fn handle(&mut self, text: &String, _: &Context) -> Result<usize, AgentError> {
///         if text.is_empty() { Err(AgentError::message("nothing to measure")) } else { Ok(text.len()) }
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), skep_runtime::StartError> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let lengths = fan_out(&swarm, ["bee", "", "swarm"])
///     .agent(|_| AgentSpec::new("measure", || Measure))
///     .task(|text| text.to_owned())
///     .at_most(2)
///     .await;
/// assert_eq!(lengths.to_string(), "2 of 3 completed, failed: measure (nothing to measure)");
/// # Ok(())
/// # }
/// ```
///
/// `owner` is a `&Context` (the fan-out belongs to the task), an `&AgentRef` or a `&Swarm`. An item is cloned for its
/// agent's spec, for its task, and into its row; one that is large goes into an `Arc`.
///
/// Fan-outs that are gathered side by side in one turn have different names ([`FanOut::named`]), or none of the later one's
/// rows begins: after a crash of the turn each row gets what it has had before by the fan-out's name and its place in it,
/// whatever its agent is called.
///
/// Unless told otherwise all rows are gathered, six agents live at once, and the whole has 30 s. An agent is stopped when its
/// answer is in. When failures, the deadline or the owner's end cut the fan-out short, what has begun is stopped and what
/// has not is not started; both are rows.
#[must_use = "a fan-out does nothing until it is gathered"]
pub fn fan_out<I>(owner: impl Into<ScopeOwner>, items: impl IntoIterator<Item = I>) -> FanOut<I> {
    FanOut {
        owner: owner.into(),
        items: items.into_iter().collect(),
        name: "fan_out".to_owned(),
        limits: Limits::default(),
        spec: (),
        task: (),
    }
}

/// A fan-out, to be awaited, or to be gathered and tried again: see [`fan_out`].
///
/// Its `gather` is polled where it is awaited; it spawns nothing but agents. It is not a `JoinSet`: it can be gathered
/// again, and each gathering is a scope of its own.
#[must_use = "a fan-out does nothing until it is gathered"]
pub struct FanOut<I, S = (), T = ()> {
    owner: ScopeOwner,
    items: Vec<I>,
    name: String,
    limits: Limits,
    spec: S,
    task: T,
}

/// What bounds a fan-out.
#[derive(Clone, Copy, Debug)]
struct Limits {
    at_most: usize,
    batch: usize,
    within: Duration,
    each_within: Option<Duration>,
    /// Failures that end it.
    failures: usize,
    stop: Stop,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_most: defaults::AT_MOST,
            batch: usize::MAX,
            within: defaults::GATHER,
            each_within: None,
            failures: usize::MAX,
            stop: Stop::default(),
        }
    }
}

impl<I> FanOut<I> {
    /// The spec of an item's agent. The agent is transient unless the spec says otherwise; a taken name gets a number.
    pub fn agent<'a, A: Agent>(
        self,
        spec: impl Fn(I) -> AgentSpec<A> + Send + Sync + 'a,
    ) -> FanOut<I, Specs<'a, I, A>> {
        let Self { owner, items, name, limits, .. } = self;
        FanOut { owner, items, name, limits, spec: Box::new(spec), task: () }
    }
}

impl<'a, I, A: Agent> FanOut<I, Specs<'a, I, A>> {
    /// What an item's agent is asked.
    pub fn task(
        self,
        task: impl Fn(I) -> A::Task + Send + Sync + 'a,
    ) -> FanOut<I, Specs<'a, I, A>, Tasks<'a, I, A>> {
        let Self { owner, items, name, limits, spec, .. } = self;
        FanOut { owner, items, name, limits, spec, task: Box::new(task) }
    }
}

impl<I, S, T> FanOut<I, S, T> {
    /// The name of the scope in trees and bills, which must differ from other open scopes of the turn; `fan_out` by default.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many of its agents live at the same time; 6 by default, at least 1.
    pub fn at_most(mut self, agents: usize) -> Self {
        self.limits.at_most = agents.max(1);
        self
    }

    /// Splits the items into batches of this size (at least 1): a batch begins when the one before is over. By default there
    /// is a single batch.
    pub fn batches_of(mut self, items: usize) -> Self {
        self.limits.batch = items.max(1);
        self
    }

    /// The deadline of the whole fan-out, from the beginning of the gathering; 30 s by default. Whatever is not over by
    /// then is stopped, which may take as long as [`FanOut::stop`] says.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limits.within = limit;
        self
    }

    /// The deadline of each agent, from its spawn to its answer; by default that of the whole fan-out.
    pub fn each_within(mut self, limit: Duration) -> Self {
        self.limits.each_within = Some(limit);
        self
    }

    /// The first failure ends the fan-out.
    pub fn fail_fast(self) -> Self {
        self.give_up_after(1)
    }

    /// This many failures (at least 1) end the fan-out. By default failures do not end it: all rows are gathered.
    pub fn give_up_after(mut self, failures: usize) -> Self {
        self.limits.failures = failures.max(1);
        self
    }

    /// How its agents are stopped, each when its answer has arrived and all of them at the end; by default in order, within
    /// 10 s.
    pub fn stop(mut self, stop: Stop) -> Self {
        self.limits.stop = stop;
        self
    }
}

impl<I, A> FanOut<I, Specs<'_, I, A>, Tasks<'_, I, A>>
where
    I: Clone + Send + Sync,
    A: Agent,
{
    /// Runs all items and returns a row for each, in order. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn gather(&self) -> Gathered<I, A::Output> {
        round::run(self, self.items.iter().cloned().enumerate().collect()).await
    }

    /// Runs the rows without an output again, including those that were stopped or not started, and updates them with
    /// the new results. Attempts, cost and time add up. All limits start fresh.
    ///
    /// # Cancel safety
    /// Dropping it stops all that it has begun, in the background; `gathered` stays as it was, without what the dropped tries
    /// cost.
    pub async fn retry_failed(&self, gathered: &mut Gathered<I, A::Output>) {
        let rows = gathered.rows().iter().enumerate().filter(|(_, row)| row.result.is_err());
        let items = rows.map(|(place, row)| (place, row.item.clone())).collect();
        gathered.merge(round::run(self, items).await);
    }
}

impl<'a, I, A> IntoFuture for FanOut<I, Specs<'a, I, A>, Tasks<'a, I, A>>
where
    I: Clone + Send + Sync + 'a,
    A: Agent,
{
    type Output = Gathered<I, A::Output>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.gather().await })
    }
}
