//! Whether a program offers what a file asks for, before anything is spent: pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::capabilities::Capabilities;
use super::course::input;
use super::downstream::{downstream, fits};
use super::error::{BadWorkflow, Quoted, list};
use super::plan::{By, Plan, StepPlan};
use super::shape::Shape;

/// What a capability of the program takes and gives, by its types.
struct Types {
    takes: Shape,
    gives: Shape,
}

/// Checks the file against the program and the inputs.
pub(super) fn check(
    plan: &Plan,
    given: &Map<String, Value>,
    can: &Capabilities<'_>,
) -> Result<(), BadWorkflow> {
    if let Some(name) = can.twice.first() {
        return Err(BadWorkflow::new(format!(
            "{} is offered twice: give one of them another name",
            Quoted(name)
        )));
    }
    inputs(plan, given)?;
    let mut types = BTreeMap::new();
    for (name, offer) in &can.can {
        if matches!(name.as_str(), "person" | "approval") {
            let problem =
                format!("{} is offered, which is done by people: give it another name", Quoted(name));
            return Err(BadWorkflow::new(problem));
        }
        types.insert(name.as_str(), Types { takes: offer.takes(), gives: offer.gives() });
    }
    for phase in &plan.phases {
        for step in &phase.steps {
            let checked = check_step(plan, given, can, &types, step);
            checked.map_err(|bad| bad.line(step.line).phase(&phase.name).step(&step.name))?;
        }
        if let Some(hook) = phase.hooks.iter().find(|hook| !can.hooks.contains_key(*hook)) {
            let offered = list(can.hooks.keys().map(String::as_str));
            let problem = format!(
                "has {} after it, which the program does not offer; its hooks: {offered}",
                Quoted(hook)
            );
            return Err(BadWorkflow::new(problem).line(phase.line).phase(&phase.name).field("after"));
        }
    }
    downstream(plan, |name| gives(&types, name))
}

fn gives(types: &BTreeMap<&str, Types>, name: &str) -> Shape {
    types.get(name).map_or(Shape::Any, |types| types.gives.clone())
}

fn inputs(plan: &Plan, given: &Map<String, Value>) -> Result<(), BadWorkflow> {
    let bad = |problem: String| Err(BadWorkflow::new(problem).field("inputs"));
    for (name, shape) in &plan.inputs {
        let Some(value) = given.get(name) else {
            return bad(format!("the input {0} is not given: add .with({0}, ..)", Quoted(name)));
        };
        if let Err(why) = Shape::of(value).fits(shape) {
            return bad(format!("the input {} does not fit: {why}", Quoted(name)));
        }
    }
    match given.keys().find(|name| !plan.inputs.contains_key(*name)) {
        None => Ok(()),
        Some(name) => {
            let inputs = list(plan.inputs.keys().map(String::as_str));
            bad(format!("{} is given, and is no input of it; its inputs: {inputs}", Quoted(name)))
        }
    }
}

fn check_step(
    plan: &Plan,
    given: &Map<String, Value>,
    can: &Capabilities<'_>,
    types: &BTreeMap<&str, Types>,
    step: &StepPlan,
) -> Result<(), BadWorkflow> {
    let By::Capability(name) = &step.by else { return Ok(()) };
    let Some((offer, of)) = can.can.get(name).zip(types.get(name.as_str())) else {
        let offered = list(can.can.keys().map(String::as_str));
        let problem =
            format!("is done by {}, which the program does not offer; it offers: {offered}", Quoted(name));
        return Err(BadWorkflow::new(problem).field("by"));
    };
    if let Some(tier) = &step.tier
        && !offer.tiers().contains(tier)
    {
        let tiers = list(offer.tiers().iter().map(String::as_str));
        let problem = format!("has the tier {}, and {} is offered on: {tiers}", Quoted(tier), Quoted(name));
        return Err(BadWorkflow::new(problem).field("tier"));
    }
    if let Some(contract) = plan.contract(step) {
        let bad = |side: &str, why: String| {
            let problem = format!(
                "is done by {}, and the type that it {side} is not that of its contract: {why}",
                Quoted(name)
            );
            Err(BadWorkflow::new(problem).field("by"))
        };
        if let Err(why) = contract.takes.fits(&of.takes) {
            return bad("takes", why);
        }
        if let Err(why) = of.gives.fits(&contract.gives) {
            return bad("gives", why);
        }
    }
    let shape = |value: &str| match given.get(value) {
        Some(value) => Shape::of(value),
        None => plan.shape(value, |name| gives(types, name)),
    };
    fits(step, &step.needs.shape(shape), &of.takes, "the type of")?;
    match known_input(step, given).map(|input| offer.reads(&input)) {
        Some(Err(why)) => {
            let problem = format!("is given what {} cannot read: {why}", Quoted(name));
            Err(BadWorkflow::new(problem).field("needs"))
        }
        _ => Ok(()),
    }
}

/// The input of a step that needs nothing but what the whole is given.
pub(super) fn known_input(step: &StepPlan, given: &Map<String, Value>) -> Option<Value> {
    let is_known = step.needs.all().all(|need| given.contains_key(&need.value));
    if is_known { input(&step.needs, |need| given.get(&need.value)).ok() } else { None }
}
