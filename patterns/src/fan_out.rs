//! Fan-out and fan-in: an agent for each item, several at once, and every end a row.

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

/// Gives each item to an agent of its own and gathers what they answer.
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
/// has not is not begun; both are rows.
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

/// A fan-out to be awaited, or to be gathered and tried again: see [`fan_out`].
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
    /// Which agent an item gets. It is transient unless the spec says otherwise; of a name that is taken, it gets a number.
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
    /// The scope's name in trees and bills, and what tells it from others that the turn has open; `fan_out` unless told.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many of its agents live at once; 6 unless told, and at least 1.
    pub fn at_most(mut self, agents: usize) -> Self {
        self.limits.at_most = agents.max(1);
        self
    }

    /// Takes the items in batches of this size, at least 1: one begins when the one before is over. One batch unless told.
    pub fn batches_of(mut self, items: usize) -> Self {
        self.limits.batch = items.max(1);
        self
    }

    /// The deadline of the whole, from the gathering on; 30 s unless told. What is not over by then is stopped, which may
    /// take as long as [`FanOut::stop`] says.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limits.within = limit;
        self
    }

    /// The deadline of each agent, from its spawn to its answer; that of the whole unless told.
    pub fn each_within(mut self, limit: Duration) -> Self {
        self.limits.each_within = Some(limit);
        self
    }

    /// The first failure ends it.
    pub fn fail_fast(self) -> Self {
        self.give_up_after(1)
    }

    /// So many failures, at least 1, end it. Unless told, none do: all rows are gathered.
    pub fn give_up_after(mut self, failures: usize) -> Self {
        self.limits.failures = failures.max(1);
        self
    }

    /// How its agents are stopped, each when its answer is in and all of them at the end; in order within 10 s unless told.
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
    /// Runs all items. A row each, in their order; never an error.
    ///
    /// # Cancel safety
    /// Dropping it stops all that it has begun, in the background.
    pub async fn gather(&self) -> Gathered<I, A::Output> {
        round::run(self, self.items.iter().cloned().enumerate().collect()).await
    }

    /// Runs the rows again that have no output, those stopped and not begun too, and takes their new ends into the rows.
    /// Attempts, cost and time add up. All limits count anew.
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
