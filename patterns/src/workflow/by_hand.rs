//! What people do to a workflow that stands still: pure.

use serde_json::Value;

use super::course::step_part;
use super::error::{BadWorkflow, Quoted, list};
use super::plan::{By, Plan};
use super::report::{Blocked, Blocker, Standing, Worked};
use super::shape::Shape;
use crate::parts::Part;

/// Takes in what somebody has done. Gives whether it can go on.
pub(super) fn complete(
    plan: &Plan,
    gives: impl Fn(&str) -> Shape,
    report: &mut Worked,
    step: &str,
    value: Value,
) -> Result<bool, BadWorkflow> {
    let bad = |problem: String| BadWorkflow::new(problem).step(step);
    let Some((phase, place)) = plan.step(step) else {
        let all = plan.phases.iter().flat_map(|phase| &phase.steps).map(|step| step.name.as_str());
        return Err(bad(format!("is no step of it; its steps: {}", list(all))));
    };
    let at = phase;
    let phase = &plan.phases[at];
    let row = &phase.steps[place];
    let bad = |problem: String| bad(problem).phase(&phase.name);
    let Worked { values, waits_for, blocked, standing, parts, .. } = report;
    let stands = |standing: &Standing| plan.phases.iter().position(|phase| phase.name == standing.phase);
    let now = standing.as_ref().and_then(stands);
    if now.is_some_and(|now| now < at) {
        return Err(bad(match blocked {
            Some(blocked) => format!("has to wait: {blocked}"),
            None => "has to wait: its phase is not reached".to_owned(),
        }));
    }
    let Some(standing) = standing.as_mut().filter(|standing| now == Some(at) && !standing.is_closed) else {
        return Err(bad("is done already".to_owned()));
    };
    if standing.done.contains(&row.name) {
        return Err(bad("is done already".to_owned()));
    }
    let before = row.after.iter().map(|before| phase.steps[*before].name.as_str());
    let missing: Vec<_> = before.filter(|before| !standing.done.iter().any(|done| done == before)).collect();
    if !missing.is_empty() {
        return Err(bad(format!("comes after {}: do that first", list(missing))));
    }
    if row.by == By::Approval && value != Value::Bool(true) {
        let reason = match value {
            Value::Bool(false) => "no".to_owned(),
            Value::String(reason) => reason,
            other => {
                return Err(bad(format!("is an approval: give true, false or a reason, and not {other}")));
            }
        };
        *blocked =
            Some(Blocked { phase: phase.name.clone(), by: Blocker::Approval(step.to_owned()), reason });
        return Ok(false);
    }
    Shape::of(&value)
        .fits(&plan.shape(&row.gives, gives))
        .map_err(|why| bad(format!("gives {}, and that does not fit: {why}", Quoted(&row.gives))))?;
    values.insert(row.gives.clone(), value);
    standing.done.push(row.name.clone());
    waits_for.retain(|name| name != step);
    *blocked = None;
    let name = step_part(step, standing.round);
    match parts.parts.iter_mut().find(|part| part.name == name) {
        Some(part) => part.failure = None,
        None => parts.parts.push(Part::new(name, standing.after.clone())),
    }
    Ok(true)
}

/// Lets pass what is blocked after a phase.
pub(super) fn advance(plan: &Plan, report: &mut Worked, phase: &str) -> Result<(), BadWorkflow> {
    let bad = |problem: String| BadWorkflow::new(problem).phase(phase);
    let Some(row) = plan.phases.iter().find(|row| row.name == phase) else {
        return Err(bad(format!(
            "is no phase of it; its phases: {}",
            list(plan.phases.iter().map(|row| &*row.name))
        )));
    };
    let (Some(standing), Some(blocked)) = (&mut report.standing, &report.blocked) else {
        return Err(bad("is not blocked: there is nothing to let pass".to_owned()));
    };
    if blocked.phase != phase || standing.phase != phase {
        return Err(bad(format!("is not what is blocked: that is {}", Quoted(&blocked.phase))));
    }
    match &blocked.by {
        Blocker::Loop => standing.is_closed = true,
        Blocker::Gate(gate) => {
            let at = row.hooks.iter().position(|hook| hook == gate);
            standing.hooks = at.ok_or_else(|| bad(format!("has no gate {}", Quoted(gate))))? + 1;
        }
        Blocker::Approval(step) => {
            return Err(bad(format!("waits for an approval: complete the step {}", Quoted(step))));
        }
        Blocker::Report => return Err(bad(blocked.reason.clone())),
    }
    report.blocked = None;
    Ok(())
}
