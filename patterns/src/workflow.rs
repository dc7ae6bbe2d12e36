//! Workflow: phases of steps from a file, done by whoever the program offers and by people.
//!
//! ```text
//! brief ── understand ── plan ──[checks]── build ─────────────── release
//!            map           plan   gate      patch ── review        sign-off: a person
//!                                             ↑         │
//!                                             └─────────┘ until review.approved, at most 3 times
//! ```
//!
//! **When**: the same course of work again and again, which people want to read, change and copy without the program; with work
//! or a word of theirs in the middle. **When not**: if the steps are the program's own affair (pipeline, waves), or what comes next
//! depends on what was found (supervise).
//!
//! **Costs** a call for each step, times its loop's rounds, times the attempts, and one for each hook; people cost nothing here. **A
//! failure** costs what depends on it: a step is tried again with its error, and then no later phase begins. After three failures
//! nothing more is begun. Nothing is skipped, and nothing is invented: the report stands where it stands, and goes on from there.
//!
//! # The file
//! ```toml
//! name = "ship"
//! inputs = ["brief"]                       # or { brief = "string" }; given by `Workflow::with`
//! within = 3600                            # seconds for all of it, if the program says nothing else
//!
//! [[capability]]                           # a contract: what a capability takes and gives, as JSON types
//! name = "review"
//! takes = { patch = "string" }             # any, null, boolean, number, string, array, object, or fields; "a?" may be missing
//! gives = { approved = "boolean" }
//!
//! [[phase]]
//! name = "build"
//! parallel = true                          # each step as soon as what it needs is there; else one after the other
//! loop = { until = "review.approved", most = 3 }
//! after = ["checks"]                       # hooks: gates block what comes next, others look and note
//! steps = [
//!   # `needs = ["a"]` is an object with `a`; `needs = "a"` the value itself; `needs = { b = "a" }` an object with it as `b`.
//!   # "review?" is what the last round gave: the first has none.
//!   { name = "patch", by = "code", needs = ["brief", "review?"], costing = "0.40", tier = "fast", within = 120, retries = 1 },
//!   # What a step gives has its own name, unless `gives` says another.
//!   { name = "check", by = "review", needs = ["patch"], gives = "review" },
//! ]
//!
//! [[phase]]
//! name = "release"
//! steps = [
//!   { name = "notes", by = "person", needs = ["patch"] },
//!   { name = "sign-off", by = "approval", needs = ["notes"] },   # no is a block
//! ]
//! ```

mod builtin;
mod by_hand;
mod capabilities;
mod check;
mod course;
mod downstream;
mod draw;
mod error;
mod file;
mod here;
mod offered;
mod plan;
mod probe;
mod report;
mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use skep_runtime::ScopeOwner;

pub use self::builtin::IssueKind;
pub use self::capabilities::{Capabilities, Gate, PhaseEnd};
pub use self::error::BadWorkflow;
use self::offered::known_input;
use self::plan::{By, PhasePlan, Plan, StepPlan};
pub use self::report::{Blocked, Blocker, HookNote, Standing, Worked};
use self::shape::Shape;
use crate::defaults;
use crate::estimate::Estimate;
use crate::failures::Failures;
use crate::pattern::runs;
use crate::terms::{Terms, terms};

/// A workflow as a file says it, read and checked. It is a value: nothing runs until [`workflow`] is given it and awaited.
#[derive(Clone, Debug)]
#[must_use = "a workflow does nothing until it is run"]
pub struct Workflow {
    plan: Plan,
    given: Map<String, Value>,
    /// An input that could not be taken.
    bad: Option<BadWorkflow>,
}

impl Workflow {
    /// Reads a file: the text of it, in TOML. See [the module](self) for what may stand in it.
    ///
    /// # Errors
    /// [`BadWorkflow`] names the line, the phase, the step and the field, and how to mend it: what TOML cannot read, unknown keys,
    /// names given twice, needs that no earlier step gives, loops without a bound, contracts that do not fit each other.
    pub fn read(toml: &str) -> Result<Self, BadWorkflow> {
        Ok(Self { plan: check::read(toml)?, given: Map::new(), bad: None })
    }

    /// Takes in contracts of a file of their own, which has `[[capability]]` tables and nothing else, and checks them.
    ///
    /// # Errors
    /// As [`read`](Self::read), and if there is a contract of the same name already.
    pub fn contracts(mut self, toml: &str) -> Result<Self, BadWorkflow> {
        check::add_contracts(&mut self.plan, toml)?;
        Ok(self)
    }

    /// Gives an input. What cannot be written as JSON is an error of [`workflow`].
    pub fn with(mut self, input: impl Into<String>, value: impl Serialize) -> Self {
        let input = input.into();
        match serde_json::to_value(value) {
            Ok(value) => drop(self.given.insert(input, value)),
            Err(error) => {
                let problem = format!("the input {} is no JSON: {error}", error::Quoted(&input));
                self.bad.get_or_insert(BadWorkflow::new(problem).field("inputs"));
            }
        }
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The capabilities that a program has to offer for it.
    #[must_use]
    pub fn capabilities(&self) -> Vec<&str> {
        let steps = self.plan.phases.iter().flat_map(|phase| &phase.steps);
        let names = steps.filter_map(|step| match &step.by {
            By::Capability(name) => Some((name.as_str(), ())),
            By::Person | By::Approval => None,
        });
        names.collect::<BTreeMap<_, _>>().into_keys().collect()
    }

    /// The hooks that a program has to offer for it.
    #[must_use]
    pub fn hooks(&self) -> Vec<&str> {
        let hooks = self.plan.phases.iter().flat_map(|phase| &phase.hooks);
        hooks.map(|hook| (hook.as_str(), ())).collect::<BTreeMap<_, _>>().into_keys().collect()
    }
}

/// Runs a workflow that a file says.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, workflow};
/// # use skep_patterns::workflow::{Capabilities, Workflow};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let file = Workflow::read(r#"
///     name = "ship"
///     inputs = ["brief"]
///     [[phase]]
///     name = "write"
///     steps = [{ name = "draft", by = "writer", needs = "brief" }]
///     [[phase]]
///     name = "release"
///     steps = [{ name = "sign-off", by = "approval", needs = "draft" }]
/// "#)?;
/// let writer = agent_fn("writer", |brief: String, _: Context| async move { Ok::<_, AgentError>(format!("On {brief}.")) });
/// let can = Capabilities::new().can("writer", move |brief: String| (writer.clone(), brief));
///
/// let ship = workflow(&swarm, file.with("brief", "bees"), can)?; // checked here, before anything is spent
/// assert_eq!(ship.estimate().calls, 3, "one step, in three attempts at most");
/// let mut worked = ship.run().await;
/// assert_eq!(worked.waits_for, ["sign-off"]);
/// ship.complete(&mut worked, "sign-off", true).await?; // by a person, maybe days later and in another process
/// assert_eq!(worked.to_string(), "2 of 2 completed");
/// assert_eq!(worked.values["draft"], "On bees.");
/// # Ok(())
/// # }
/// ```
///
/// It has as many minutes as its file says by `within`, else 30 s; and what people take is not counted: a run ends where it waits
/// for somebody.
///
/// # Errors
/// [`BadWorkflow`] if the program does not offer what the file asks for: a capability, a tier, a hook, an input; or if a type of
/// the program does not take what its step needs, as far as types and contracts say.
pub fn workflow<'a>(
    owner: impl Into<ScopeOwner>,
    file: Workflow,
    can: Capabilities<'a>,
) -> Result<Working<'a>, BadWorkflow> {
    let Workflow { plan, given, bad } = file;
    if let Some(bad) = bad {
        return Err(bad);
    }
    offered::check(&plan, &given, &can)?;
    let failures = Failures::number(defaults::FAILURES, false);
    let mut terms = Terms::new(owner, &plan.name, failures);
    terms.within = plan.within.unwrap_or(terms.within);
    terms.budget.clone_from(&plan.costing);
    Ok(Working { terms, checked: Arc::new(Checked { plan, given, can }) })
}

/// A workflow that was checked and can run: see [`workflow`].
#[must_use = "a workflow does nothing until it is awaited"]
pub struct Working<'a> {
    terms: Terms<'a>,
    checked: Arc<Checked<'a>>,
}

struct Checked<'a> {
    plan: Plan,
    given: Map<String, Value>,
    can: Capabilities<'a>,
}

impl<'a> Working<'a> {
    terms!();

    /// The same under another owner: for [`nest`](crate::nest), `let ship = workflow(..)?; nest(move |owner| ship.under(owner))`.
    pub fn under(&self, owner: impl Into<ScopeOwner>) -> Self {
        let terms = Terms { owner: owner.into(), ..self.terms.clone() };
        Self { terms, checked: Arc::clone(&self.checked) }
    }

    /// What it takes at most, in one run from its beginning: each step in each round of its loop and in each attempt, and the
    /// hooks. Going on after rounds were used up, and trying again what failed, takes more.
    pub fn estimate(&self) -> Estimate {
        let phases = self.checked.plan.phases.iter().map(|phase| self.estimate_phase(phase));
        phases.fold(Estimate::nothing(), Estimate::then).within(self.terms.budget.as_ref())
    }

    fn estimate_phase(&self, phase: &PhasePlan) -> Estimate {
        let at_once = if phase.is_parallel { self.terms.at_most } else { 1 };
        let steps = phase.steps.iter().map(|step| self.estimate_step(step));
        let round = Estimate::side_by_side(steps, at_once).times(phase.rounds().into());
        let hooks = phase.hooks.iter().filter_map(|hook| {
            Some(self.checked.can.hooks.get(hook)?.estimate(&self.terms.bounds(hook, None)))
        });
        hooks.fold(round, Estimate::then)
    }

    fn estimate_step(&self, step: &StepPlan) -> Estimate {
        let By::Capability(name) = &step.by else { return Estimate::nothing() };
        let Some(offer) = self.checked.can.can.get(name) else { return Estimate::nothing() };
        let mut bounds = self.terms.bounds(&step.name, step.costing.as_ref());
        bounds.retries = step.retries.unwrap_or(bounds.retries);
        let input = known_input(step, &self.checked.given);
        offer.estimate(step.tier.as_deref(), input.as_ref(), &bounds)
    }

    /// Runs it until it is done, has failed, is blocked, or waits for a person. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Worked {
        let Checked { plan, given, .. } = &*self.checked;
        let mut worked = Worked {
            values: given.clone(),
            waits_for: Vec::new(),
            blocked: None,
            notes: Vec::new(),
            standing: plan.phases.first().map(Standing::at),
            parts: crate::parts::Parts { name: self.terms.name.clone(), ..crate::parts::Parts::default() },
        };
        self.retry_failed(&mut worked).await;
        worked
    }

    /// Goes on from where a report stands, also with one that was read back from JSON: with the first step that is not done, the
    /// gate that blocked, or, where a loop had used up its rounds, with as many more. Nothing that is done is done again, and the
    /// values are the report's, inputs too. Attempts, cost and time of a part add up. All limits start fresh.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background; the report keeps the values of the steps that had finished, and
    /// can be gone on with.
    pub async fn retry_failed(&self, worked: &mut Worked) {
        let Checked { plan, can, .. } = &*self.checked;
        course::go_on(&self.terms, plan, can, worked).await;
    }

    /// Takes in what a person has done in a step, and goes on: also in a step that an agent could not do. For an approval the value
    /// is `true`, or `false` or a reason, which block it until it is completed again.
    ///
    /// # Errors
    /// [`BadWorkflow`] if there is no such step, if it is done already or not reached, or if the value is not what it has to give.
    /// The report is then as it was.
    ///
    /// # Cancel safety
    /// As [`retry_failed`](Self::retry_failed); what was completed is in the report.
    pub async fn complete(
        &self,
        worked: &mut Worked,
        step: &str,
        value: impl Serialize + Send,
    ) -> Result<(), BadWorkflow> {
        let value = serde_json::to_value(value)
            .map_err(|error| BadWorkflow::new(format!("is given no JSON: {error}")).step(step))?;
        let Checked { plan, can, .. } = &*self.checked;
        let gives = |name: &str| can.can.get(name).map_or(Shape::Any, |offer| offer.gives());
        if by_hand::complete(plan, gives, worked, step, value)? {
            self.retry_failed(worked).await;
        }
        Ok(())
    }

    /// Lets a phase pass by hand that a gate or its loop has blocked, and goes on with what comes after that.
    ///
    /// # Errors
    /// [`BadWorkflow`] if that phase is not blocked, or waits for an approval. The report is then as it was.
    ///
    /// # Cancel safety
    /// As [`retry_failed`](Self::retry_failed).
    pub async fn advance(&self, worked: &mut Worked, phase: &str) -> Result<(), BadWorkflow> {
        by_hand::advance(&self.checked.plan, worked, phase)?;
        self.retry_failed(worked).await;
        Ok(())
    }
}

runs!([] Working<'a> => Worked);
