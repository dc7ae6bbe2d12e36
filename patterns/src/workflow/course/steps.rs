//! Which steps of a round can begin, and on what.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::step_part;
use crate::work::AnyWork;
use crate::workflow::capabilities::Capabilities;
use crate::workflow::error::{Quoted, list};
use crate::workflow::plan::{By, Need, Needs, Plan, StepPlan};
use crate::workflow::report::Standing;
use crate::workflow::shape::Shape;

/// A step on its input.
pub(super) enum Begun {
    Work(AnyWork<Value>),
    Waits,
    Bad(String),
}

/// Which steps of a round can begin.
pub(super) struct Waits {
    pub(super) ready: VecDeque<usize>,
    /// For how many each waits.
    left: Vec<usize>,
    /// Who waits for each.
    next: Vec<Vec<usize>>,
}

impl Waits {
    pub(super) fn of(steps: &[StepPlan], is_over: &[bool]) -> Self {
        let mut next = vec![Vec::new(); steps.len()];
        let mut left = vec![0; steps.len()];
        for (at, step) in steps.iter().enumerate() {
            for before in step.after.iter().filter(|before| !is_over[**before]) {
                next[*before].push(at);
                left[at] += 1;
            }
        }
        let ready = (0..steps.len()).filter(|at| !is_over[*at] && left[*at] == 0).collect();
        Self { ready, left, next }
    }

    pub(super) fn end(&mut self, at: usize) {
        for next in std::mem::take(&mut self.next[at]) {
            self.left[next] -= 1;
            if self.left[next] == 0 {
                self.ready.push_back(next);
            }
        }
    }
}

/// Positions of the parts that a step has waited for.
pub(super) fn after(
    steps: &[StepPlan],
    step: &StepPlan,
    standing: &Standing,
    done: &BTreeMap<String, usize>,
) -> Vec<usize> {
    if step.after.is_empty() {
        return standing.after.clone();
    }
    let before = step.after.iter().map(|before| step_part(&steps[*before].name, standing.round));
    before.filter_map(|name| done.get(&name).copied()).collect()
}

/// What a step has to do.
pub(super) fn begin(
    plan: &Plan,
    can: &Capabilities<'_>,
    values: &Map<String, Value>,
    standing: &Standing,
    (phase, place): (usize, usize),
) -> Begun {
    let step = &plan.phases[phase].steps[place];
    let By::Capability(name) = &step.by else { return Begun::Waits };
    let of = |need: &Need| match plan.is_of_last_round(&need.value, phase, place) {
        true => standing.last.get(&need.value),
        false => values.get(&need.value),
    };
    let begun = input(&step.needs, of).and_then(|input| {
        let Some(offer) = can.can.get(name) else { return Err("is not offered".to_owned()) };
        let gives = plan.contract(step).map(|contract| contract.gives.clone());
        offer.begin(step.tier.as_deref(), &input, gives.unwrap_or(Shape::Any))
    });
    match begun {
        Ok(work) => Begun::Work(work),
        Err(why) => {
            let needs = list(step.needs.all().map(|need| need.value.as_str()));
            Begun::Bad(format!("{} cannot take {needs}: {why}", Quoted(name)))
        }
    }
}

/// The input of a step.
pub(in crate::workflow) fn input<'v>(
    needs: &Needs,
    of: impl Fn(&Need) -> Option<&'v Value>,
) -> Result<Value, String> {
    let get = |need: &Need| match of(need) {
        None if !need.is_optional => Err(format!("the report has no {}", Quoted(&need.value))),
        given => Ok(given.cloned()),
    };
    match needs {
        Needs::Nothing => Ok(Value::Null),
        Needs::Whole(need) => Ok(get(need)?.unwrap_or(Value::Null)),
        Needs::Fields(fields) => {
            let mut object = Map::new();
            for (name, need) in fields {
                if let Some(value) = get(need)? {
                    object.insert(name.clone(), value);
                }
            }
            Ok(Value::Object(object))
        }
    }
}
