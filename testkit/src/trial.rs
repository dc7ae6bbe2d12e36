//! One run of a test's body, with the plan that it asks for or with another in its place.
//!
//! A body makes its plan itself, so a smaller one can only be tried by running the body again and putting that plan where
//! the body's own would go.

mod arrivals;
mod kind;

use std::sync::Arc;

use parking_lot::Mutex;
use skep_runtime::Event;
use skep_runtime::fault::Faults;

pub(crate) use self::arrivals::{Arrivals, Fired};
pub(crate) use self::kind::Kind;
use crate::body::Body;
use crate::lab::Lab;
use crate::plan::FaultPlan;
use crate::world::{Wrong, in_a_world_until};

/// Which plan a run has.
#[derive(Clone, Debug, Default)]
pub(crate) enum Wanted {
    /// The one that its body asks for.
    #[default]
    Given,
    /// This one, whatever its body asks for.
    This(FaultPlan),
}

/// What a lab is told of the run that it stands in, and tells of it.
#[derive(Default)]
pub(crate) struct Trial {
    wanted: Wanted,
    began: Mutex<Option<Began>>,
}

/// The plans of the swarm that was started, and what fired.
#[derive(Clone)]
struct Began {
    given: FaultPlan,
    arrivals: Arc<Arrivals>,
}

impl Trial {
    /// The plan that a swarm gets whose test asks for `given`.
    pub(crate) fn plan(&self, given: &FaultPlan) -> FaultPlan {
        match &self.wanted {
            Wanted::Given => given.clone(),
            Wanted::This(plan) => plan.clone(),
        }
    }

    /// The faults of the swarm that starts now, seen from here.
    pub(crate) fn begin(&self, given: &FaultPlan, faults: Arc<dyn Faults>) -> Arc<dyn Faults> {
        let arrivals = Arc::new(Arrivals::new(faults));
        *self.began.lock() = Some(Began { given: given.clone(), arrivals: Arc::clone(&arrivals) });
        arrivals
    }
}

/// A run that is over.
pub(crate) struct Ran {
    /// What is wrong with it, if anything is.
    pub(crate) wrong: Option<Wrong>,
    /// The plan that its body asked for; none if it started no swarm.
    pub(crate) given: Option<FaultPlan>,
    /// What the plan did.
    pub(crate) fired: Vec<Fired>,
    /// All that happened, until the test was over.
    pub(crate) events: Vec<Arc<Event>>,
    /// Where the clock may have jumped over something real.
    pub(crate) outside: Vec<String>,
}

impl Ran {
    /// The kind of what is wrong.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.wrong.as_ref().map(Kind::of)
    }
}

/// Runs a test's body once.
pub(crate) fn run(seed: u64, wanted: Wanted, test: &Body<'_>) -> Ran {
    let trial = Arc::new(Trial { wanted, began: Mutex::default() });
    let lab = Lab::seed(seed).on_trial(Arc::clone(&trial));
    let (mut events, mut outside) = (Vec::new(), Vec::new());
    let ended = in_a_world_until(|| test(lab.clone()), || (events, outside) = (lab.events(), lab.outside()));
    let forgotten = lab.forgotten();
    // A test that has failed may well have come to no end.
    let ended = ended.and(forgotten.map_or(Ok(()), |text| Err(Wrong::of(text))));
    let began = trial.began.lock().take();
    Ran {
        wrong: ended.err(),
        fired: began.as_ref().map(|began| began.arrivals.fired()).unwrap_or_default(),
        given: began.map(|began| began.given),
        events,
        outside,
    }
}
