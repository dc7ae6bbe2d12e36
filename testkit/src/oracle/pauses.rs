//! P5: every pause has its receipt by its deadline; and nothing begins at a quiet agent: no turn, no effect, no agent below
//! it, no new life of its own.

use std::collections::BTreeMap;

use skep_runtime::event::What;
use skep_runtime::{AgentId, Incarnation, Time};

use super::Evidence;
use super::roster::Roster;

/// See the module. A scope is a place, which begins nothing.
#[must_use]
pub fn pauses(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut roster = Roster::default();
    let mut quiet: BTreeMap<AgentId, Incarnation> = BTreeMap::new();
    let mut due: BTreeMap<u64, (AgentId, Time)> = BTreeMap::new();
    for event in evidence.events {
        let agent = &event.agent;
        let is_quiet = quiet.contains_key(agent);
        let begins = |what: &str| format!("event {}: {what} at {agent}, which is quiet", event.seq);
        match &event.what {
            What::AgentPaused if is_quiet => {
                wrong.push(format!("event {}: {agent} is paused and was quiet", event.seq));
            }
            What::AgentPaused => drop(quiet.insert(agent.clone(), event.incarnation)),
            What::AgentResumed if !is_quiet => {
                wrong.push(format!("event {}: {agent} is resumed and was not quiet", event.seq));
            }
            What::AgentResumed | What::AgentStopping { .. } => {
                quiet.remove(agent);
            }
            What::AgentStopped { .. } => {
                quiet.remove(agent);
                // The receipt of what has ended is no event.
                due.retain(|_, (root, _)| root != agent);
            }
            What::TurnBegan { .. } | What::EffectBegan { .. } | What::TryBegan { .. } if is_quiet => {
                wrong.push(begins(event.what.name()));
            }
            What::AgentStarted if quiet.get(agent).is_some_and(|life| *life < event.incarnation) => {
                wrong.push(begins("a new life"));
            }
            What::AgentSpawned { agent_type, .. } if agent_type != "scope" && roster.get(agent).is_none() => {
                if let Some(parent) = agent.parent().filter(|parent| quiet.contains_key(parent)) {
                    wrong.push(format!("event {}: {agent} begins under {parent}, which is quiet", event.seq));
                }
            }
            What::PauseBegan { pause, within, .. } => {
                due.insert(*pause, (agent.clone(), event.at + *within));
            }
            What::PauseStands { pause, .. } => match due.remove(pause) {
                Some((_, due)) if event.at <= due + evidence.slack => {}
                Some((_, due)) => {
                    wrong.push(format!(
                        "the receipt of pause {pause} of {agent} came at {}, due {due}",
                        event.at
                    ));
                }
                None => wrong.push(format!("pause {pause} of {agent} stands and had never begun")),
            },
            _ => {}
        }
        roster.apply(event);
    }
    let end = evidence.events.last().map_or(Time::ZERO, |event| event.at);
    let late = due.into_iter().filter(|(_, (_, due))| *due + evidence.slack < end);
    wrong.extend(
        late.map(|(pause, (agent, due))| format!("pause {pause} of {agent} has no receipt, due {due}")),
    );
    wrong
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::forged::Forged;

    fn found(forged: &Forged, what: &str) {
        let wrong = forged.judged(super::pauses);
        assert!(wrong.len() == 1 && wrong[0].contains(what), "{wrong:?}");
    }

    #[test]
    fn what_begins_at_a_quiet_agent_is_found() {
        let quiet = || Forged::tree(&["s.1", "s.1.1"]).started("s.1", 1).paused("s.1", 1);
        let sound = quiet().effect("s.1.1", Some(1), 5, 1).turn_ended("s.1", 1).started("s.1", 1);
        assert!(sound.judged(super::pauses).is_empty());
        found(&quiet().turn_began("s.1", 1, 1), "turn_began at s.1");
        found(&quiet().effect("s.1", Some(1), 5, 1), "effect_began at s.1");
        found(&quiet().spawned("s.1.2"), "s.1.2 begins under s.1");
        found(&quiet().started("s.1", 2), "a new life at s.1");
        found(&quiet().paused("s.1", 1), "is paused and was quiet");
        let resumed = || quiet().resumed("s.1").turn_began("s.1", 1, 1).spawned("s.1.2");
        assert!(resumed().judged(super::pauses).is_empty());
        found(&resumed().resumed("s.1"), "was not quiet");
        let stopped = quiet().stopping("s.1", 7).effect("s.1", None, 5, 1);
        assert!(stopped.judged(super::pauses).is_empty(), "a stop takes the pause off");
    }

    #[test]
    fn a_pause_without_receipt_in_time_is_found() {
        let began = || Forged::tree(&["s.1"]).pause_began("s.1", 3, Duration::from_secs(1));
        assert!(began().after_ms(1_000).pause_stands("s.1", 3).judged(super::pauses).is_empty());
        found(
            &began().after_ms(2_000).pause_stands("s.1", 3),
            "the receipt of pause 3 of s.1 came at 2.000s",
        );
        found(&began().after_ms(2_000).session_ended(), "pause 3 of s.1 has no receipt");
    }
}
