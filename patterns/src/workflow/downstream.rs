//! Whether what is given fits what is taken, from step to step: pure.

use super::error::{BadWorkflow, Quoted};
use super::plan::{By, Needs, Plan, Repeats, StepPlan};
use super::shape::Shape;

/// Whether what each step needs has the shape that its contract takes, and each loop ends by what can be true. `gives` says what a
/// capability gives by its type.
pub(super) fn downstream(plan: &Plan, gives: impl Fn(&str) -> Shape) -> Result<(), BadWorkflow> {
    for phase in &plan.phases {
        for step in &phase.steps {
            if let Some(contract) = plan.contract(step) {
                let given = step.needs.shape(|value| plan.shape(value, &gives));
                fits(step, &given, &contract.takes, "the contract of")
                    .map_err(|bad| bad.phase(&phase.name))?;
            }
        }
        if let Some(Repeats { until, .. }) = &phase.repeats {
            let bad = |problem: String| {
                let problem = format!("loops until {}, and {problem}", Quoted(&until.join(".")));
                BadWorkflow::new(problem).line(phase.line).phase(&phase.name).field("loop.until")
            };
            let (value, path) = until.split_first().ok_or_else(|| bad("that is empty".to_owned()))?;
            let shape = plan.shape(value, &gives);
            let ends = shape.at(path).map_err(|why| bad(format!("{} {why}", Quoted(value))))?;
            ends.fits(&Shape::Boolean).map_err(|_| bad(format!("that is {ends}: it has to be true once")))?;
        }
    }
    Ok(())
}

/// Whether what a step is given is what it takes.
pub(super) fn fits(step: &StepPlan, given: &Shape, takes: &Shape, of: &str) -> Result<(), BadWorkflow> {
    given.fits(takes).map_err(|why| {
        let By::Capability(by) = &step.by else { return BadWorkflow::new(why) };
        let mut problem = format!("is given what {of} {} does not take: {why}", Quoted(by));
        if let Needs::Fields(fields) = &step.needs
            && let [(_, need)] = &fields[..]
        {
            problem += &format!(
                " (needs = {0} gives the value itself, needs = [{0}] an object with it)",
                Quoted(&need.value)
            );
        }
        BadWorkflow::new(problem).line(step.line).step(&step.name).field("needs")
    })
}
