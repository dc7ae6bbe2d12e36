//! The lab: one world for one swarm, what is done to it there, and the end of it.

mod clock;
mod ended;
mod failure;
mod late;
mod models;
mod own;
mod time;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use skep_actors::{Model, Models};
use skep_runtime::fault::Faults;
use skep_runtime::{Env, Event, Keep, StartError, Stop, StopReceipt, Swarm, SwarmBuilder, Witness};

use self::ended::Inside;
pub use self::failure::Failure;
pub use self::own::Look;
use self::own::Own;
pub use self::time::NotSeen;
use self::watch::Watch;
use crate::dice::Dice;
use crate::history::History;
use crate::oracle::{self, Evidence};
use crate::plan::check::PlanError;
use crate::plan::firing::{Firing, Hit};
use crate::plan::{FaultPlan, Rule};
use crate::trial::Trial;

/// On a real clock others want the processor too.
const REAL_SLACK: Duration = Duration::from_secs(5);

/// Turns that everybody else has where what is due at one moment has to be over.
const SETTLING: usize = 64;

/// A world for one swarm: simulated by a seed, or real. Clones are the same world.
#[derive(Clone)]
pub struct Lab {
    seed: u64,
    is_real: bool,
    plan: FaultPlan,
    models: Models,
    trial: Arc<Trial>,
    own: Own,
    inside: Arc<Inside>,
}

/// What is going on in the lab.
#[derive(Clone)]
struct Running {
    firing: Arc<Firing>,
    witness: Witness,
    watch: Arc<Watch>,
    receipts: Vec<StopReceipt>,
    plan: FaultPlan,
    /// The last event that a test has waited for.
    found: Arc<AtomicU64>,
}

impl Lab {
    /// A simulated world: one thread, tokio's paused clock, and a seed that decides everything left to chance. The same
    /// seed gives the same run.
    #[must_use]
    pub fn seed(seed: u64) -> Self {
        let (plan, models) = (FaultPlan::default(), Models::new());
        let (own, trial) = (Own::default(), Arc::default());
        Self { seed, is_real: false, plan, models, own, trial, inside: Arc::default() }
    }

    /// The real world, with the same plans and oracles: real clock, control on its own thread, turns on the runtime that
    /// the swarm is started in.
    #[must_use]
    pub fn real_io() -> Self {
        Self { is_real: true, ..Self::seed(0) }
    }

    /// The same with another seed for the plan's random choices.
    #[must_use]
    pub const fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, rule: Rule) -> Self {
        self.plan.rules.push(rule);
        self.inside.was_given_rules();
        self
    }

    /// Sets all faults, replacing earlier ones.
    #[must_use]
    pub fn plan(mut self, plan: FaultPlan) -> Self {
        self.plan = plan;
        if !self.plan.rules.is_empty() {
            self.inside.was_given_rules();
        }
        self
    }

    /// A model that the swarm's agents call by this name.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, model: impl Model) -> Self {
        self.models = self.models.with(name, model);
        self
    }

    /// The same in a run that may have another plan than the one it is told.
    pub(crate) fn on_trial(mut self, trial: Arc<Trial>) -> Self {
        self.trial = trial;
        self
    }

    /// The seed of this world.
    #[must_use]
    pub const fn which_seed(&self) -> u64 {
        self.seed
    }

    /// Dice from the seed, for the test's own choices. Each call returns fresh dice.
    #[must_use]
    pub fn dice(&self) -> Dice {
        Dice::seeded(self.seed ^ 0x5eed)
    }

    /// Starts an ordinary swarm here.
    ///
    /// # Panics
    /// As [`Lab::start_with`].
    pub async fn start(&self) -> Swarm {
        self.start_with(|builder| builder).await
    }

    /// Starts a swarm here, described by `describe`. Its journal is kept whole unless `describe` says otherwise.
    ///
    /// # Panics
    /// As [`Lab::wrap`], and if the builder is wrong.
    pub async fn start_with(&self, describe: impl FnOnce(SwarmBuilder) -> SwarmBuilder) -> Swarm {
        match self.wrap(describe(Swarm::builder("lab").keep(Keep::All))).await {
            Ok(swarm) => swarm,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts an app's own swarm unchanged, except that its environment is the lab's, and that models given to the lab
    /// replace the app's models of the same name. A journal that is cut must keep at least what happens between two looks
    /// of the lab; the lab looks after each event that lets others run.
    ///
    /// ```
    /// # use skep_runtime::{Budget, Swarm, SwarmBuilder};
    /// # use skep_testkit::{Lab, Preset, run_seeds};
    /// fn app() -> SwarmBuilder {
    ///     Swarm::builder("my-app").budget(Budget::new().calls(100)).permits("model", 4)
    /// }
    ///
    /// # run_seeds("doc", 1, |lab| async move {
    /// let swarm = lab.wrap(app()).await?;
    /// lab.end(swarm).await;
    /// # Ok::<(), skep_runtime::StartError>(())
    /// # });
    /// ```
    ///
    /// # Errors
    /// [`StartError`] of the app's own builder.
    ///
    /// # Panics
    /// If the clock is not paused in a simulated world, if a swarm runs here already, or if the plan makes no sense; each says
    /// what to do.
    pub async fn wrap(&self, builder: SwarmBuilder) -> Result<Swarm, StartError> {
        self.inside.is_tried();
        if let Err(wrong) = self.plan.check().and_then(|()| self.check_world()) {
            panic!("the fault plan is invalid: {wrong}");
        }
        assert!(
            self.inside.running.lock().is_none(),
            "a lab is the world of one swarm: make another lab for a second swarm"
        );
        let plan = self.trial.plan(&self.plan);
        let firing = Arc::new(Firing::new(&plan, self.seed));
        let faults = Some(self.trial.begin(&self.plan, Arc::clone(&firing) as Arc<dyn Faults>));
        let env = if self.is_real {
            Env::real_with(faults)
        } else {
            clock::must_be_paused();
            Env::simulated(self.seed, faults)
        };
        let builder = builder.change_resource(|app: Option<&Models>| models::provided(app, &self.models));
        let swarm = builder.env(env).start().await?;
        let witness = swarm.witness();
        let watch = Watch::begin(witness.clone(), !self.is_real, self.own.clone());
        let running = Running { firing, witness, watch, receipts: Vec::new(), plan, found: Arc::default() };
        *self.inside.running.lock() = Some(running);
        Ok(swarm)
    }

    fn check_world(&self) -> Result<(), PlanError> {
        if self.is_real { self.plan.check_real() } else { Ok(()) }
    }

    /// Checks a receipt against an independent count now, and against the journal at the end.
    ///
    /// # Panics
    /// If something is alive that the receipt says is gone.
    pub fn saw(&self, receipt: &StopReceipt) {
        let mut running = self.inside.running.lock();
        let running = running.as_mut().unwrap_or_else(|| panic!("{}", ended::NOT_STARTED));
        running.receipts.push(receipt.clone());
        if receipt.nothing_left() {
            let left = watch::left(&running.witness, receipt.root());
            assert!(left.is_empty(), "P1: after the receipt \"{receipt}\" there live {}", left.join(", "));
        }
    }

    /// Stops the swarm, runs every oracle, and fails if a rule of the plan never fired.
    ///
    /// # Panics
    /// With everything that is wrong, in words.
    pub async fn end(&self, swarm: Swarm) -> History {
        match self.try_end(swarm).await {
            Ok(history) => history,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// The same, returning what is wrong as a value.
    ///
    /// # Errors
    /// [`Failure`] names each promise that was broken.
    pub async fn try_end(&self, swarm: Swarm) -> Result<History, Failure> {
        if self.inside.running.lock().is_none() {
            // One from elsewhere may well have a clock that this world has not.
            return Err(Failure::of(ended::NOT_STARTED.to_owned()));
        }
        self.look();
        let receipt = swarm.stop(Stop::default()).await;
        self.conclude(receipt).await
    }

    /// Looks once more while all of it still stands: what waits without end brings no event about.
    fn look(&self) {
        let watch = self.inside.running.lock().as_ref().map(|running| Arc::clone(&running.watch));
        if let Some(watch) = watch {
            watch.look();
        }
    }

    /// Runs the oracles on a swarm that was already stopped, with the receipt of that stop.
    ///
    /// # Errors
    /// [`Failure`] names each promise that was broken.
    pub async fn conclude(&self, receipt: StopReceipt) -> Result<History, Failure> {
        self.inside.is_judged();
        let Some(mut running) = self.inside.running.lock().clone() else {
            return Err(Failure::of(ended::NOT_STARTED.to_owned()));
        };
        running.receipts.push(receipt.clone());
        // What a swarm lets go of at its very end is gone once everybody else had their turn.
        for _ in 0..SETTLING {
            tokio::task::yield_now().await;
        }
        running.watch.look();
        let events = running.watch.events();
        let bears = running.watch.bears();
        let evidence = Evidence::new(&events, &running.receipts).with_bears(&bears);
        let evidence = evidence.with_slack(running.firing.jumped());
        let evidence = if self.is_real { evidence.with_threads(REAL_SLACK) } else { evidence };
        let mut wrong = running.watch.wrong();
        for (name, oracle) in oracle::ALL {
            wrong.extend(oracle(&evidence).into_iter().map(|what| format!("{name}: {what}")));
        }
        wrong.extend(running.watch.own().judge(&evidence));
        if receipt.nothing_left() {
            let left = watch::left(&running.witness, receipt.root());
            wrong.extend(
                left.into_iter().map(|left| format!("P1: after the last receipt there lives {left}")),
            );
        }
        wrong.extend(ended::idle(&running.firing));
        if wrong.is_empty() {
            return Ok(History::new(events, receipt, running.firing.fired()));
        }
        let once: BTreeSet<String> = wrong.into_iter().collect();
        Err(Failure::new(once.into_iter().collect(), self.outside(), self.report()))
    }

    /// The fault points that were passed so far.
    #[must_use]
    pub fn points(&self) -> Vec<Hit> {
        self.inside.running.lock().as_ref().map_or_else(Vec::new, |running| running.firing.hits())
    }

    /// Whether a test that is over has asked no oracle: then in words what it left out. Said once.
    pub(crate) fn forgotten(&self) -> Option<String> {
        self.inside.forgotten()
    }

    /// The places where the clock moved on while an agent waited for something that the lab does not know, one line each. If that
    /// is a socket, a process or a thread, the clock has jumped over it; await it in `call.outside(..)`.
    #[must_use]
    pub fn outside(&self) -> Vec<String> {
        self.inside.running.lock().as_ref().map_or_else(Vec::new, |running| running.firing.outside())
    }

    /// Everything that has happened so far; empty if no swarm was started.
    #[must_use]
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.inside.running.lock().as_ref().map_or_else(Vec::new, |running| running.watch.events())
    }

    /// The report of a failed run: the plan, ready to be replayed, and the last events.
    #[must_use]
    pub fn report(&self) -> String {
        let plan = self
            .inside
            .running
            .lock()
            .as_ref()
            .map_or_else(|| self.plan.clone(), |running| running.plan.clone());
        failure::report(self.seed, &plan, &self.events())
    }
}
