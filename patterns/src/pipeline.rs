//! Pipeline: stages in a row, each on what the one before gave.
//!
//! ```text
//! input ── research ── (prune) ── draft ── legal ── output
//!             │                     │        │
//!             └─ checkpoint         └─ …     └─ …
//! ```
//!
//! **When**: each step needs the one before. **When not**: if steps do not depend on each other (fan-out), or only some do
//! (waves), or what comes next depends on what was found (supervise).
//!
//! **Costs** a call a stage, times the attempts; a plain function between agents costs nothing. **A failure** costs its stage:
//! it is tried again with its error, and then the report has what the stages before it gave. No stage is skipped, and none is
//! invented.

mod checkpoint;
mod report;
mod stage;

use std::marker::PhantomData;
use std::sync::Arc;

use skep_runtime::{AgentError, Budget, Message, ScopeOwner};

pub use self::checkpoint::Checkpoint;
pub use self::report::Piped;
use self::stage::{Accumulating, Begun, Function, Given, Stage, Staged, Value, ours};
use crate::cut::Cut;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::failures::Failures;
use crate::parts::Part;
use crate::pattern::runs;
use crate::run::{Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::Work;

/// Runs stages in a row.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, pipeline};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let count = agent_fn("count", |words: Vec<String>, _: Context| async move { Ok::<_, AgentError>(words.len()) });
/// let piped = pipeline(&swarm, "to be or not to be".to_owned())
///     .then("split", |text| Ok(text.split(' ').map(str::to_owned).collect::<Vec<_>>()))
///     .stage("count", |words| (count.clone(), words.clone()))
///     .await;
/// assert_eq!(piped.value, Some(6));
/// assert_eq!(piped.of::<Vec<String>>("split").map(|words| words.len()), Some(6), "each stage's output is kept");
/// # Ok(())
/// # }
/// ```
///
/// What a stage gave is kept as JSON, in the report and in each [`Checkpoint`]: [`retry_failed`](Pipeline::retry_failed) and
/// [`resume`](Pipeline::resume) go on from the first stage that is not finished, also in another process.
///
/// Many items go through the stages, each at its own pace, as a fan-out of pipelines: `fan_out_stream(owner,
/// items).each(|item| nest(move |owner| pipeline(owner, item.clone()).stage(..))).rows()`. At most so many are on their way as
/// [`at_most`](Pipeline::at_most) of the fan-out says, and a slow one holds up no other.
#[must_use = "a pipeline does nothing until it is awaited"]
pub fn pipeline<'a, I: Send + Sync + 'static>(
    owner: impl Into<ScopeOwner>,
    input: I,
) -> PipelineWithoutStage<'a, I> {
    PipelineWithoutStage { terms: Terms::new(owner, "pipeline", Failures::FAST), input }
}

/// A pipeline without stages: [`stage`](PipelineWithoutStage::stage) gives it the first.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct PipelineWithoutStage<'a, I> {
    terms: Terms<'a>,
    input: I,
}

/// A pipeline from an `I` to an `O`: see [`pipeline`].
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Pipeline<'a, I, O> {
    terms: Terms<'a>,
    input: Arc<I>,
    stages: Vec<Named<'a>>,
    resumed: Checkpoint,
    checkpointed: Option<Keep<'a>>,
    gives: PhantomData<fn() -> O>,
}

type Keep<'a> = Box<dyn Fn(&Checkpoint) + Send + Sync + 'a>;

struct Named<'a> {
    name: String,
    costing: Option<Budget>,
    stage: Box<dyn Stage + 'a>,
}

impl<'a, I: Send + Sync + 'static> PipelineWithoutStage<'a, I> {
    terms!();

    fn begin(self) -> Pipeline<'a, I, I> {
        let Self { terms, input } = self;
        let (input, resumed) = (Arc::new(input), Checkpoint::default());
        Pipeline { terms, input, stages: Vec::new(), resumed, checkpointed: None, gives: PhantomData }
    }

    /// The first stage, by an agent.
    pub fn stage<W>(
        self,
        name: impl Into<String>,
        work: impl Fn(&I) -> W + Send + Sync + 'a,
    ) -> Pipeline<'a, I, W::Output>
    where
        W: Work,
        W::Output: Message,
    {
        self.begin().stage(name, work)
    }

    /// The first stage, by a plain function.
    pub fn then<P: Message>(
        self,
        name: impl Into<String>,
        function: impl Fn(&I) -> Result<P, AgentError> + Send + Sync + 'a,
    ) -> Pipeline<'a, I, P> {
        self.begin().then(name, function)
    }
}

impl<'a, I: Send + Sync + 'static, O: Send + Sync + 'static> Pipeline<'a, I, O> {
    terms!();

    /// A stage by an agent, on what the stage before gave.
    pub fn stage<W>(
        self,
        name: impl Into<String>,
        work: impl Fn(&O) -> W + Send + Sync + 'a,
    ) -> Pipeline<'a, I, W::Output>
    where
        W: Work,
        W::Output: Message,
    {
        self.add(name, Staged { work, types: PhantomData::<fn(&O) -> W> })
    }

    /// A stage by an agent that adds to what there is: it gives what the stage before gave, and its own output.
    pub fn accumulate<W>(
        self,
        name: impl Into<String>,
        work: impl Fn(&O) -> W + Send + Sync + 'a,
    ) -> Pipeline<'a, I, (O, W::Output)>
    where
        O: Message + Clone,
        W: Work,
        W::Output: Message,
    {
        self.add(name, Accumulating { work, types: PhantomData::<fn(&O) -> W> })
    }

    /// A plain function between agents: it prunes, checks, converts. It runs where the pipeline is awaited, costs nothing, and is
    /// not tried again.
    pub fn then<P: Message>(
        self,
        name: impl Into<String>,
        function: impl Fn(&O) -> Result<P, AgentError> + Send + Sync + 'a,
    ) -> Pipeline<'a, I, P> {
        self.add(name, Function { function, types: PhantomData::<fn(&O) -> P> })
    }

    /// What the stage before this may cost at most, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        if let Some(stage) = self.stages.last_mut() {
            stage.costing = Some(most);
        }
        self
    }

    /// Is given what all finished stages gave, whenever one has finished: to be written down, so that another process can go on
    /// with [`resume`](Self::resume). Runs where the pipeline is awaited, before the next stage begins.
    pub fn on_checkpoint(mut self, keep: impl Fn(&Checkpoint) + Send + Sync + 'a) -> Self {
        self.checkpointed = Some(Box::new(keep));
        self
    }

    /// Goes on from a checkpoint of a pipeline with the same stages. If a stage of it has another name, or its output cannot be
    /// read, that stage fails and says so, and nothing is run.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.resumed = checkpoint;
        self
    }

    fn add<P>(self, name: impl Into<String>, stage: impl Stage + 'a) -> Pipeline<'a, I, P> {
        let Self { terms, input, mut stages, resumed, checkpointed, .. } = self;
        stages.push(Named { name: name.into(), costing: None, stage: Box::new(stage) });
        Pipeline { terms, input, stages, resumed, checkpointed, gives: PhantomData }
    }

    /// What it takes at most. A stage that is a pattern of its own is known only if it is the first.
    pub fn estimate(&self) -> Estimate {
        let finished = self.resumed.stages.len();
        let stages = self.stages.iter().enumerate().skip(finished);
        let estimates = stages.map(|(at, stage)| {
            let bounds = self.terms.bounds(&stage.name, stage.costing.as_ref());
            stage.stage.estimate((at == 0).then_some(&*self.input as _), &bounds)
        });
        estimates.fold(Estimate::nothing(), Estimate::then).within(self.terms.budget.as_ref())
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Piped<O> {
        let mut piped = Piped::new(self.resumed.clone());
        self.go_on(&mut piped).await;
        piped
    }

    /// Goes on from the first stage that is not finished, also with a report that was read back from JSON. Attempts, cost and time
    /// of its stages add up. All limits start fresh.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background; the report keeps the stages that had finished before.
    pub async fn retry_failed(&self, piped: &mut Piped<O>) {
        if piped.value.is_none() {
            self.go_on(piped).await;
        }
    }

    async fn go_on(&self, piped: &mut Piped<O>) {
        let before = std::mem::take(&mut piped.parts);
        let mut run = Run::new(&self.terms, Some(self.stages.len())).behind(before.took);
        // What the stages so far have come to; none once one has failed.
        let mut value = Some(Arc::clone(&self.input) as Value);
        for (at, stage) in self.stages.iter().enumerate() {
            let earlier = before.parts.get(at).filter(|part| part.name == stage.name);
            let part =
                || Part::new(stage.name.clone(), at.checked_sub(1).into_iter().collect()).again(earlier);
            let Some(input) = value.take() else {
                run.add_ended(Part { failure: Some(not_reached()), ..part() });
                continue;
            };
            if let Some(kept) = piped.checkpoint.stages.get(at) {
                let read = kept.read(&stage.name, &*stage.stage);
                let failure = read.as_ref().err().map(|error| Failure::Failed(error.clone()));
                let is_recalled = earlier.is_none_or(|part| part.is_recalled);
                run.add_ended(Part { failure, is_recalled, ..part() });
                value = read.ok();
                continue;
            }
            let given = match stage.stage.begin(input) {
                Begun::Done(given) => {
                    let failure = given.as_ref().err().map(|error| Failure::Failed(error.clone()));
                    run.add_ended(Part { failure, attempts: 1, ..part() });
                    given.ok()
                }
                Begun::Work(work) => {
                    let spot = Spot::named(&stage.name).keyed(format!("{at}:{}", stage.name));
                    let spot = spot.after(at.checked_sub(1)).costing(stage.costing.as_ref()).again(earlier);
                    run.one(spot, work).await.1.ok()
                }
            };
            value = given.map(|Given { value, kept }| {
                piped.checkpoint.add(&stage.name, kept);
                if let Some(keep) = &self.checkpointed {
                    keep(&piped.checkpoint);
                }
                value
            });
        }
        for beyond in piped.checkpoint.stages.iter().skip(self.stages.len()) {
            value = None;
            let failure = Some(Failure::Failed(beyond.has_no_place()));
            run.add_ended(Part { failure, ..Part::new(beyond.stage.clone(), Vec::new()) });
        }
        piped.parts = run.close().await;
        piped.value = value.and_then(|value| Arc::try_unwrap(ours::<O>(value)).ok());
    }
}

/// Of a stage behind one that failed.
fn not_reached() -> Failure {
    Failure::NotBegun(Cut::Decided("the stage before has failed").error())
}

runs!([I: Send + Sync + 'static, O: Send + Sync + 'static] Pipeline<'a, I, O> => Piped<O>);
