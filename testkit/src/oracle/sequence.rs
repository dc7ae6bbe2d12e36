//! What may follow what, by the events alone: of agents, turns, tasks, effects, waits, questions, holdings, pauses, stops and
//! the session, each a small machine in a table. What the table has no row for is wrong, so nothing comes after an end but what
//! it lets come late.

mod subjects;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use skep_runtime::AgentId;
use skep_runtime::event::What;

use self::subjects::{name, subjects, turn_of};
use self::table::{Machine, NEW, OPEN, TURN};
use super::Evidence;

/// Where each thing is, by its kind and what it is called.
type Places = BTreeMap<(&'static str, String), &'static str>;

/// See the module.
#[must_use]
pub fn sequence(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut places = Places::new();
    for event in evidence.events {
        let comes = name(event);
        let mut about = subjects(event);
        if matches!(event.what, What::AgentExited { .. } | What::AgentStopped { .. }) {
            // No turn is open where its incarnation ends.
            about.extend(open_turns(&places, &event.agent).into_iter().map(|turn| (&TURN, turn)));
        }
        for (machine, of) in about {
            let Machine { kind, .. } = machine;
            if evidence.threads && *kind == TURN.kind {
                // Who interrupts a turn says so a little after it, which may be over by then.
                continue;
            }
            let place = places.entry((*kind, of.clone())).or_insert(NEW);
            match machine.after(place, comes) {
                Some(then) => *place = then,
                None => wrong.push(format!("event {}: {comes}, and {kind} {of} is {place}", event.seq)),
            }
        }
    }
    wrong
}

fn open_turns(places: &Places, agent: &AgentId) -> Vec<String> {
    let first = turn_of(agent, "");
    let its = places.range((TURN.kind, first.clone())..);
    let its = its.take_while(|((kind, of), _)| *kind == TURN.kind && of.starts_with(&first));
    its.filter(|(_, place)| **place == OPEN).map(|((_, of), _)| of.clone()).collect()
}
