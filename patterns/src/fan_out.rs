//! Fan-out and fan-in: the same kind of work on each item, several at once, and a row for each result.
//!
//! ```text
//!            ┌── item 1 ── agent ──┐
//! items ─────┼── item 2 ── agent ──┼──── a row for each
//!            └── item 3 ── agent ──┘
//! ```
//!
//! **When**: items that do not depend on each other. **When not**: if each needs what another gives (pipeline, waves), if
//! there are thousands of small ones (queue), if one answer is made of all (map-reduce).
//!
//! **Costs** n agents and n calls, times the attempts. **A failure** costs its own row: the others are gathered.

mod stream;

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use skep_runtime::{Agent, AgentSpec, ScopeOwner};

pub use self::stream::{FanOutStream, StreamedFan, fan_out_stream};
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::gathered::{Gathered, GatheredRow};
use crate::pattern::Pattern;
pub use crate::rows::Rows;
use crate::run::{Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Work};

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
///     .each(|text| (AgentSpec::new("measure", || Measure), text.to_owned()))
///     .at_most(2)
///     .await;
/// assert_eq!(lengths.to_string(), "2 of 3 completed, failed: measure (nothing to measure)");
/// # Ok(())
/// # }
/// ```
///
/// `owner` is a `&Context` (the fan-out belongs to the task), an `&AgentRef`, a `&Swarm` or a scope. An item is cloned for its
/// work and into its row; one that is large goes into an `Arc`. [`split`](crate::split) makes items of several: evenly, by weight,
/// by key.
///
/// Fan-outs that are gathered side by side in one turn have different names ([`FanOut::named`]), or none of the later one's
/// rows begins: after a crash of the turn each row gets what it has had before by the fan-out's name and its place in it,
/// whatever its agent is called.
///
/// Unless told otherwise all rows are gathered, six agents live at once, a row that fails is tried twice more, and the whole has
/// 30 s. An agent is stopped when its answer is in. When failures, the deadline or the owner's end cut the fan-out short, what
/// has begun is stopped and what has not is not started; both are rows.
#[must_use = "a fan-out does nothing until it is gathered"]
pub fn fan_out<'a, I>(owner: impl Into<ScopeOwner>, items: impl IntoIterator<Item = I>) -> FanOut<'a, I> {
    let terms = Terms::new(owner, "fan_out", Failures::GATHER);
    FanOut { terms, items: items.into_iter().collect(), batch: usize::MAX }
}

/// A fan-out whose items have no agents yet: [`each`](FanOut::each) gives them one.
#[must_use = "a fan-out does nothing until it is gathered"]
pub struct FanOut<'a, I> {
    terms: Terms<'a>,
    items: Vec<I>,
    batch: usize,
}

/// A fan-out whose items have agents and no tasks yet: [`task`](FanOutAgents::task) gives them one.
#[must_use = "a fan-out does nothing until it is gathered"]
pub struct FanOutAgents<'a, I, A: Agent> {
    fan: FanOut<'a, I>,
    spec: Box<dyn Fn(I) -> AgentSpec<A> + Send + Sync + 'a>,
}

/// A fan-out, to be awaited, or to be gathered and tried again: see [`fan_out`].
///
/// It is polled where it is awaited; it spawns nothing but agents. It is not a `JoinSet`: it can be gathered again, and each
/// gathering is a scope of its own.
#[must_use = "a fan-out does nothing until it is gathered"]
pub struct Fan<'a, I, O> {
    terms: Terms<'a>,
    items: Vec<I>,
    batch: usize,
    work: Each<'a, I, O>,
}

type Each<'a, I, O> = Box<dyn Fn(I) -> AnyWork<O> + Send + Sync + 'a>;

impl<'a, I> FanOut<'a, I> {
    terms!();

    /// Splits the items into batches of this size (at least 1): a batch begins when the one before is over. By default there
    /// is a single batch.
    pub fn batches_of(mut self, items: usize) -> Self {
        self.batch = items.max(1);
        self
    }

    /// The agent and the task of each item.
    pub fn each<W: Work>(self, work: impl Fn(I) -> W + Send + Sync + 'a) -> Fan<'a, I, W::Output> {
        let Self { terms, items, batch } = self;
        Fan { terms, items, batch, work: Box::new(move |item| work(item).boxed()) }
    }

    /// The spec of an item's agent, where that is said apart from its task. The agent is transient unless the spec says
    /// otherwise; a taken name gets a number.
    pub fn agent<A: Agent>(
        self,
        spec: impl Fn(I) -> AgentSpec<A> + Send + Sync + 'a,
    ) -> FanOutAgents<'a, I, A> {
        FanOutAgents { fan: self, spec: Box::new(spec) }
    }
}

impl<'a, I: Clone + 'a, A: Agent> FanOutAgents<'a, I, A> {
    /// What an item's agent is asked.
    pub fn task(self, task: impl Fn(I) -> A::Task + Send + Sync + 'a) -> Fan<'a, I, A::Output> {
        let Self { fan, spec } = self;
        fan.each(move |item| (spec(item.clone()), task(item)))
    }
}

impl<'a, I, O> Fan<'a, I, O> {
    terms!();

    /// As [`FanOut::batches_of`].
    pub fn batches_of(mut self, items: usize) -> Self {
        self.batch = items.max(1);
        self
    }
}

impl<I: Clone + Send + Sync, O: Send + Sync + 'static> Fan<'_, I, O> {
    /// Runs all items and returns a row for each, in order. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn gather(&self) -> Gathered<I, O> {
        self.round(self.items.iter().enumerate().collect()).await
    }

    /// Runs the rows without an output again, including those that were stopped or not started, and updates them with
    /// the new results. Attempts, cost and time add up. All limits start fresh.
    ///
    /// # Cancel safety
    /// Dropping it stops all that it has begun, in the background; `gathered` stays as it was, without what the dropped tries
    /// cost.
    pub async fn retry_failed(&self, gathered: &mut Gathered<I, O>) {
        let rows = gathered.rows().iter().enumerate().filter(|(_, row)| row.result.is_err());
        let items = rows.map(|(place, row)| (place, &row.item)).collect();
        let again = self.round(items).await;
        gathered.merge(again);
    }

    /// What it takes at most.
    pub fn estimate(&self) -> Estimate {
        let each = |(place, item): (usize, &I)| {
            let work = (self.work)(item.clone());
            let number = (place + 1).to_string();
            work.estimate(&self.terms.bounds(work.agent().unwrap_or(&number), None))
        };
        let all = self.items.iter().enumerate().map(each);
        Estimate::side_by_side(all, self.terms.at_most).within(self.terms.budget.as_ref())
    }

    /// Items with their places in the fan-out.
    async fn round(&self, items: Vec<(usize, &I)>) -> Gathered<I, O> {
        let mut results: Vec<_> = items.iter().map(|_| None).collect();
        let mut run = Run::new(&self.terms, Some(items.len()));
        let mut rows = items.iter();
        for batch in items.chunks(self.batch.min(items.len().max(1))) {
            let mut phase = Phase::new(&mut run);
            let mut next = batch.iter();
            loop {
                while phase.has_room() {
                    let Some((place, item)) = next.next() else { break };
                    let work = (self.work)((*item).clone());
                    phase.add(spot(*place, &work), work);
                    rows.next();
                }
                let Some((at, result)) = phase.next().await else { break };
                results[at] = Some(result);
            }
        }
        // What has not begun by now does not: each has a row all the same.
        let mut phase = Phase::new(&mut run);
        for (place, item) in rows {
            let work = (self.work)((*item).clone());
            phase.add(spot(*place, &work), work);
        }
        while let Some((at, result)) = phase.next().await {
            results[at] = Some(result);
        }
        let mut parts = run.close().await;
        let ends = results.into_iter().flatten().zip(std::mem::take(&mut parts.parts));
        let rows = items
            .iter()
            .zip(ends)
            .map(|((_, item), (result, part))| GatheredRow::new((*item).clone(), result, part));
        Gathered::new(rows.collect(), parts)
    }
}

/// A row is known by its place, and called after its agent.
fn spot<O: Send + Sync + 'static>(place: usize, work: &AnyWork<O>) -> Spot {
    let key = (place + 1).to_string();
    let name = work.agent().unwrap_or(&key).to_owned();
    Spot { key, ..Spot::named(name) }
}

impl<I: Clone + Send + Sync, O: Send + Sync + 'static> Pattern for Fan<'_, I, O> {
    type Report = Gathered<I, O>;

    async fn run(&self) -> Gathered<I, O> {
        self.gather().await
    }

    fn estimate(&self) -> Estimate {
        Fan::estimate(self)
    }
}

impl<'a, I: Clone + Send + Sync + 'a, O: Send + Sync + 'static> IntoFuture for Fan<'a, I, O> {
    type Output = Gathered<I, O>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.gather().await })
    }
}
