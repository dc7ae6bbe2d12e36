//! P2: own costs sum to the subtree's at every seat, and what is reserved is settled exactly once, try by try.

use std::collections::BTreeMap;

use skep_runtime::event::What;
use skep_runtime::fold::{Costs, Fold};
use skep_runtime::{AgentId, Usage};

use super::Evidence;

/// See the module.
#[must_use]
pub fn bills(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open: BTreeMap<u64, (AgentId, Usage)> = BTreeMap::new();
    let mut own: BTreeMap<AgentId, Usage> = BTreeMap::new();
    for event in evidence.events {
        let agent = &event.agent;
        match &event.what {
            What::EffectBegan { effect, reserved, .. } => {
                let began = (agent.clone(), *reserved);
                wrong.extend(open.insert(*effect, began).map(|_| format!("effect {effect} began twice")));
            }
            What::TryBegan { effect, reserved } => match open.get_mut(effect) {
                Some((_, of)) => *of += *reserved,
                None => wrong.push(format!("a try of effect {effect} of {agent}, which is not open")),
            },
            What::EffectRetried { effect, freed, .. } => match open.get_mut(effect) {
                Some((of, reserved)) if of == agent && freed.above(reserved).is_zero() => {
                    *reserved = reserved.above(freed);
                }
                began => {
                    wrong.push(format!("effect {effect} of {agent} frees {freed}, and began as {began:?}"));
                }
            },
            What::EffectEnded { effect, reserved, .. } => {
                let began = open.remove(effect);
                if began != Some((agent.clone(), *reserved)) {
                    wrong.push(format!(
                        "effect {effect} of {agent} settles {reserved}, and began as {began:?}"
                    ));
                }
            }
            What::AgentSpawned { .. } => {
                own.entry(agent.clone()).or_default();
            }
            _ => {}
        }
        if let Some(settled) = event.what.settles() {
            *own.entry(agent.clone()).or_default() += settled.used;
        }
    }
    if evidence.is_over() {
        let left = open.iter().filter(|_| !any_stuck(evidence));
        wrong
            .extend(left.map(|(effect, (agent, _))| format!("effect {effect} of {agent} was never settled")));
    }
    let costs = Costs::of(evidence.events.iter().map(|event| &**event));
    for top in own.keys() {
        let sum =
            own.iter().filter(|(id, _)| id.is_within(top)).fold(Usage::ZERO, |sum, (_, own)| sum + *own);
        let (said_own, said) =
            (costs.own(top).map(|bill| bill.spent), costs.subtree(top).map(|bill| bill.spent));
        if said_own != own.get(top).copied() || said != Some(sum) {
            wrong.push(format!(
                "{top} and below cost {sum}, and its bill says {said:?} with {said_own:?} of its own"
            ));
        }
    }
    wrong
}

/// What blocks its thread may settle after everything else is over.
fn any_stuck(evidence: &Evidence<'_>) -> bool {
    evidence.events.iter().any(|event| matches!(event.what, What::StopEnded { stuck: 1.., .. }))
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn a_cost_that_is_booked_twice_or_never_is_found() {
        let tree = || Forged::tree(&["s.1", "s.1.1"]);
        let sound = tree().effect("s.1.1", Some(1), 5, 10).effect_ended("s.1.1", 5, 7, 10).session_ended();
        assert!(sound.judged(super::bills).is_empty());
        let twice = tree()
            .effect("s.1.1", Some(1), 5, 10)
            .effect_ended("s.1.1", 5, 7, 10)
            .effect_ended("s.1.1", 5, 7, 10);
        assert_eq!(twice.judged(super::bills).len(), 1);
        let other = tree().effect("s.1.1", Some(1), 5, 10).effect_ended("s.1.1", 5, 7, 9);
        assert_eq!(other.judged(super::bills).len(), 1, "less is given back than was taken");
        let never = tree().effect("s.1", Some(1), 5, 10).session_ended();
        assert_eq!(never.judged(super::bills), ["effect 5 of s.1 was never settled"]);
    }
}
