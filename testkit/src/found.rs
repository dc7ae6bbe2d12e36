//! A failure that was found: shrunk to what matters, told to a person, and kept in a folder.

mod folder;
mod recipe;
mod scene;
mod simpler;
mod smaller;
mod story;

use std::backtrace::Backtrace;
use std::future::Future;
use std::sync::Arc;

use skep_runtime::Event;

pub use self::folder::event_lines;
pub(crate) use self::folder::{file_name, home, shown};
pub use self::recipe::{Recipe, RecipeError};
use crate::body::{Body, body};
use crate::lab::Lab;
use crate::plan::FaultPlan;
use crate::trial::{Kind, Ran, Wanted, run};
use crate::vars;
use crate::world::{Verdict, Wrong};

/// A seed with which a swarm test fails, and the smallest plan with which it still fails in the same way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// The test's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// What is wrong, in words, with the shrunk plan.
    pub wrong: String,
    /// File, line and column of the panic, if it was one.
    pub place: Option<String>,
    /// The plan that the test asked for.
    pub given: FaultPlan,
    /// The part of the plan that matters. Arrivals that were chosen at random are replaced by their number.
    pub plan: FaultPlan,
    /// A remark on the shrinking.
    pub remark: String,
    /// Everything that happened with the shrunk plan, until the test was over.
    pub events: Vec<Arc<Event>>,
    /// Where the clock may have jumped over something real; see [`Lab::outside`].
    pub outside: Vec<String>,
    trace: Option<Arc<Backtrace>>,
}

/// Runs a swarm test's body under a seed, in a fresh simulated world. If it fails, it is run again, to see whether it does so
/// each time, and with ever smaller plans: 200 times at most, or as often as `SKEP_SHRINK` says.
///
/// # Errors
/// What was [`Found`].
pub fn examine<F, Fut>(name: &str, seed: u64, test: F) -> Result<(), Box<Found>>
where
    F: Fn(Lab) -> Fut,
    Fut: Future<Output: Verdict>,
{
    examined(name, seed, &body(&test))
}

pub(crate) fn examined(name: &str, seed: u64, test: &Body<'_>) -> Result<(), Box<Found>> {
    let first = run(seed, Wanted::Given, test);
    let Some(wrong) = first.wrong.clone() else { return Ok(()) };
    let given = first.given.clone().unwrap_or_default();
    let most = vars::shrinking_runs();
    let kind = Kind::of(&wrong);
    let again = |plan: &FaultPlan| run(seed, Wanted::This(plan.clone()), test);
    // A test that has started no swarm was given no plan either.
    let is_given = |ran: &Ran| ran.given.clone().unwrap_or_default() == given;
    let fails = |ran: &Ran| is_given(ran) && ran.kind().as_ref() == Some(&kind);
    let as_given = if kind.is_of_the_test() {
        Some("which is unchanged: the test itself fails")
    } else if most == 0 {
        Some("which was neither shrunk nor run again")
    } else if !fails(&again(&given)) {
        Some(
            "the same seed with the same plan did not fail again in this way: something in the test or its agents does not come \
             from the seed; `skep::testkit::twice` names the first event that differs",
        )
    } else if given.rules.is_empty() {
        Some("which is empty: it fails without any fault")
    } else {
        None
    };
    if let Some(remark) = as_given {
        let last = (given.clone(), first, wrong);
        return Err(Box::new(Found::of(name, seed, &given, last, remark.to_owned())));
    }
    let (plan, remark) = smaller::smaller(&given, most, again, fails);
    let last = again(&plan);
    let (plan, last, wrong) = match last.wrong.clone() {
        Some(wrong) => (plan, last, wrong),
        None => (given.clone(), first, wrong),
    };
    Err(Box::new(Found::of(name, seed, &given, (plan, last, wrong), remark)))
}

/// Runs a swarm test's body as a recipe says, with its plan in place of the one that the body asks for.
///
/// # Errors
/// What was [`Found`]; it is not shrunk any further.
pub fn replay<F, Fut>(recipe: &Recipe, test: F) -> Result<(), Box<Found>>
where
    F: Fn(Lab) -> Fut,
    Fut: Future<Output: Verdict>,
{
    replayed(recipe, &body(&test))
}

pub(crate) fn replayed(recipe: &Recipe, test: &Body<'_>) -> Result<(), Box<Found>> {
    let ran = run(recipe.seed, Wanted::This(recipe.plan.clone()), test);
    let Some(wrong) = ran.wrong.clone() else { return Ok(()) };
    let given = ran.given.clone().unwrap_or_default();
    let last = (recipe.plan.clone(), ran, wrong);
    Err(Box::new(Found::of(&recipe.test, recipe.seed, &given, last, "as recorded".to_owned())))
}

impl Found {
    fn of(
        name: &str,
        seed: u64,
        given: &FaultPlan,
        (plan, ran, wrong): (FaultPlan, Ran, Wrong),
        remark: String,
    ) -> Self {
        let Wrong { text, place, trace } = wrong;
        let (name, given) = (name.to_owned(), given.clone());
        Self {
            name,
            seed,
            wrong: text,
            place,
            given,
            plan,
            remark,
            events: ran.events,
            outside: ran.outside,
            trace,
        }
    }

    /// Its recipe: enough to reproduce the failure.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        Recipe { test: self.name.clone(), seed: self.seed, plan: self.plan.clone() }
    }
}
