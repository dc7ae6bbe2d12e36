//! The swarm that reviews: a lead that finds out what there is to do, and four supervised specialists that do it.
//!
//! ```text
//! review (lead) ── survey: files.list, git ──▶ batches
//!   ├─ security     ─┐  one batch is one task: files.read, structure.search for each file
//!   ├─ performance   ├─ ──▶ tally, by specialist and batch ──▶ report
//!   ├─ style         │
//!   └─ tests        ─┘
//! ```
//!
//! # Invariants
//! 1. What is found is gathered by item, specialist and batch. A batch that a crash delivers again takes its own place, so
//!    nothing is lost and nothing comes twice.
//! 2. A specialist's answer depends on its batch and the files alone, never on what happened to it before.
//! 3. The report is made from the tally and the chronicle after the stop, so a review that was cut short has one too.
//! 4. What is held is what is in flight: of a file that was reviewed its findings and notes stay, of what happened the counts.

mod account;
mod assemble;
mod bill;
mod chronicle;
mod lead;
mod shelf;
mod specialist;
mod survey;
mod sweep;
mod tally;
#[cfg(feature = "http")]
mod thinker;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{
    AgentRef, AgentSpec, AskError, Budget, Ceiling, Env, Events, Filter, Keep, NanoUsd, Restart, SpawnError,
    StartError, Stop, Swarm,
};
use skep_testkit::{Chaos, FaultPlan, Firing};

use self::chronicle::Chronicle;
use self::lead::Lead;
use self::tally::Tally;
#[cfg(feature = "http")]
use crate::review::mind::{Estimate, Minds, estimate};
use crate::review::{Category, Config, Listed, Report};

/// The name of the custom event with which a specialist says how far it is: `reached` files of its own.
pub const FILE_EVENT: &str = "review.file";

/// The name of the custom event with which the lead says what is to be done: `files`, and the `scope` in words.
pub const PLAN_EVENT: &str = "review.plan";

/// How long a specialist may take for all of its batches.
pub const SPECIALIST: Duration = Duration::from_secs(120);

/// The same where models think: each of their parts may take minutes.
const THINKING: Duration = Duration::from_secs(1_800);

/// How long the stop at the end may take: longer than any effect of a specialist.
const STOP: Duration = Duration::from_secs(5);

/// Events that the journal keeps: some seconds of them, so that whoever follows the review misses none.
const KEPT: usize = 1 << 15;

/// How often the chronicle is read: well within what the journal keeps.
const READ: Duration = Duration::from_millis(50);

/// All that a review may do: it reads, and writes nothing.
const READS: [&str; 5] = ["files.list", "files.read", "git", "grep", "structure.search"];

/// What its models may do besides: be asked, and look up rules.
const THINKS: [&str; 2] = ["model", "tool.rules"];

/// Effects that a task surely has, in the plan of a chaos: what is planned beyond a small review's end never comes.
const EFFECTS: u64 = 8;

/// Pauses of a chaos, well below an effect's deadline of one second.
const PAUSE: Duration = Duration::from_millis(400);

/// What is to be reviewed, and on which terms.
#[derive(Clone, Debug)]
pub struct Order {
    /// The folder.
    pub root: PathBuf,
    /// The one file in it, if only one is meant.
    pub only: Option<Listed>,
    /// As the caller named it.
    pub named: String,
    /// Only what changed since this revision.
    pub base: Option<String>,
    /// Of the files that changed all lines, not only those that the change touches.
    pub whole_files: bool,
    /// This revision instead of the work tree.
    pub head: Option<String>,
    /// The project's settings.
    pub config: Arc<Config>,
    /// What the swarm may spend; each specialist a quarter of it.
    pub budget: NanoUsd,
    /// When it has to be over.
    pub within: Option<Duration>,
    /// The models of the specialists' minds; without, rules alone judge.
    #[cfg(feature = "http")]
    pub minds: Option<Arc<Minds>>,
    /// Only what there is to do is found out.
    pub only_survey: bool,
    /// The seed of what is done to the specialists.
    pub chaos: Option<u64>,
}

impl Order {
    /// Whether models think.
    const fn thinks(&self) -> bool {
        #[cfg(feature = "http")]
        return self.minds.is_some();
        #[cfg(not(feature = "http"))]
        false
    }

    /// How long a specialist may take for all of its batches.
    const fn patience(&self) -> Duration {
        if self.thinks() { THINKING } else { SPECIALIST }
    }

    fn ceiling(&self) -> Ceiling {
        let thinks = THINKS.into_iter().filter(|_| self.thinks());
        Ceiling::only(READS.into_iter().chain(thinks))
    }
}

/// Why a review has no report.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The swarm could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The lead could not be spawned.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// There is nothing that could be reviewed as it was asked, and why.
    #[error("{0}")]
    Survey(String),
}

/// How the work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The lead came to its end.
    Done,
    /// Something came before, in words.
    Cut(String),
    /// The lead could not begin, and why.
    NotBegun(String),
}

/// A review that runs.
#[derive(Debug)]
pub struct Review {
    swarm: Swarm,
    lead: AgentRef<Lead>,
    tally: Arc<Tally>,
    order: Arc<Order>,
    chronicle: Chronicle,
}

impl Review {
    /// Starts the swarm; nothing is read yet.
    ///
    /// # Errors
    /// [`ReviewError`] names the option that cannot be.
    pub async fn start(order: Order) -> Result<Self, ReviewError> {
        let order = Arc::new(order);
        let tally = Arc::new(Tally::default());
        let faults = order.chaos.map(|seed| Arc::new(Firing::new(&plan(seed), seed)) as Arc<_>);
        let builder = Swarm::builder("review")
            .budget(Budget::new().money(order.budget))
            .env(Env::real_with(faults))
            .keep(Keep::Last(KEPT));
        #[cfg(feature = "http")]
        let builder = match &order.minds {
            Some(minds) => builder.resource(minds.models()),
            None => builder,
        };
        let swarm = builder.start().await?;
        let (given, results) = (Arc::clone(&order), Arc::clone(&tally));
        let lead = AgentSpec::new("review", move || Lead::new(Arc::clone(&given), Arc::clone(&results)))
            // Its children come and go with faults; its own end is the review's.
            .restart(Restart::Temporary)
            .ceiling(order.ceiling())
            .intensity(RESTARTS, Duration::from_secs(10));
        let lead = swarm.spawn(lead).await?;
        Ok(Self { chronicle: Chronicle::of(&swarm), swarm, lead, tally, order })
    }

    /// All that happens, from the begin.
    #[must_use]
    pub fn events(&self) -> Events {
        self.swarm.history(Filter::all())
    }

    /// The clock of the swarm.
    #[must_use]
    pub fn env(&self) -> Env {
        self.swarm.env().clone()
    }

    /// Does the work.
    ///
    /// # Cancel safety
    /// Dropping it interrupts the lead and its specialists; what they have gathered stays.
    pub async fn run(&self) -> Ending {
        tokio::select! {
            ending = self.work() => ending,
            never = self.follow() => match never {},
        }
    }

    async fn follow(&self) -> Infallible {
        let env = self.swarm.env();
        loop {
            self.chronicle.read();
            env.sleep_until(env.now() + READ).await;
        }
    }

    async fn work(&self) -> Ending {
        // The specialists have deadlines of their own, and the survey its effects'.
        let within = self.order.within.unwrap_or(self.order.patience() * 2);
        let over =
            || Ending::Cut(format!("the time limit of {} was reached", humantime::format_duration(within)));
        // No time at all is time that is over, whatever an ask makes of it.
        if within.is_zero() {
            return over();
        }
        match self.lead.ask(()).within(within).await {
            Ok(()) => Ending::Done,
            Err(AskError::Expired(_)) => over(),
            Err(error) if self.tally.survey().is_none() => Ending::NotBegun(match error {
                AskError::Failed(_, error) => error.to_string(),
                error => error.to_string(),
            }),
            Err(error) => Ending::Cut(error.to_string()),
        }
    }

    /// Stops the swarm, and says what the review would take. Nothing was asked of a model.
    ///
    /// # Errors
    /// [`ReviewError::Survey`] if nobody could find out what there is to do.
    #[cfg(feature = "http")]
    pub async fn estimate(self, ending: Ending) -> Result<Option<Estimate>, ReviewError> {
        // Nothing was begun that could be left.
        drop(self.swarm.stop(Stop::within(STOP)).await);
        match (ending, self.tally.survey(), &self.order.minds) {
            (Ending::NotBegun(why) | Ending::Cut(why), ..) => Err(ReviewError::Survey(why)),
            (Ending::Done, Some(survey), Some(minds)) => {
                let sizes = |batch: &Vec<Listed>| batch.iter().map(|file| file.bytes).collect();
                let batches: Vec<Vec<u64>> = survey.batches.iter().map(sizes).collect();
                Ok(Some(estimate(&batches, minds, self.order.budget)))
            }
            (Ending::Done, ..) => Ok(None),
        }
    }

    /// Stops the swarm and writes its report.
    ///
    /// # Errors
    /// [`ReviewError::Survey`] if the work could not begin.
    pub async fn end(self, ending: Ending) -> Result<Report, ReviewError> {
        let receipt = self.swarm.stop(Stop::within(STOP)).await;
        match ending {
            Ending::NotBegun(why) => Err(ReviewError::Survey(why)),
            Ending::Done => Ok(assemble::report(&self, None, &receipt)),
            Ending::Cut(why) => Ok(assemble::report(&self, Some(&why), &receipt)),
        }
    }
}

/// Restarts that the lead bears in ten seconds: the specialists' own faults are bounded by their tasks' attempts, and what
/// a plan does must not end the review.
const RESTARTS: u32 = 20;

/// What is done to the specialists by a seed.
fn plan(seed: u64) -> FaultPlan {
    let chaos = Chaos {
        effects_per_task: EFFECTS,
        attempts: specialist::ATTEMPTS,
        pause: PAUSE,
        ..Chaos::of(Category::ALL.map(Category::word))
    };
    FaultPlan::chaos(seed, &chaos)
}
