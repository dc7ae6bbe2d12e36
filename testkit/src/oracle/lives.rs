//! There is never more than one incarnation that can act, and one turn at a time in it.

use std::collections::BTreeMap;

use skep_runtime::event::What;
use skep_runtime::{AgentId, Incarnation, TaskId};

use super::Evidence;

#[derive(Default)]
struct Life {
    incarnation: Incarnation,
    turn: Option<TaskId>,
}

/// See the module. What ends late, of a turn or an incarnation that is gone, is no act.
#[must_use]
pub fn lives(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut all: BTreeMap<AgentId, Life> = BTreeMap::new();
    for event in evidence.events {
        let life = all.entry(event.agent.clone()).or_default();
        let agent = &event.agent;
        let acts = matches!(
            event.what,
            What::TurnBegan { .. }
                | What::EffectBegan { .. }
                | What::TryBegan { .. }
                | What::Custom { .. }
                | What::HoldingTaken { .. }
        );
        if acts && event.incarnation < life.incarnation {
            wrong.push(format!(
                "event {}: incarnation {} of {agent} acts ({}), and {} has begun",
                event.seq,
                event.incarnation,
                event.what.name(),
                life.incarnation
            ));
        }
        match &event.what {
            What::AgentStarted => {
                if event.incarnation <= life.incarnation {
                    wrong.push(format!(
                        "event {}: incarnation {} of {agent} starts after {}",
                        event.seq, event.incarnation, life.incarnation
                    ));
                }
                life.incarnation = event.incarnation;
            }
            What::TurnBegan { .. } => {
                if let (Some(open), Some(task)) = (&life.turn, &event.task) {
                    wrong.push(format!(
                        "event {}: a turn of {task} begins while one of {open} is open",
                        event.seq
                    ));
                }
                life.turn.clone_from(&event.task);
            }
            What::TurnEnded if life.turn == event.task => life.turn = None,
            // A turn that a lost cell or a stop has superseded has no end of its own before the next life.
            What::AgentExited { .. } | What::AgentStopped { .. } => life.turn = None,
            _ => {}
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn two_turns_at_once_and_a_stale_incarnation_are_found() {
        let sound =
            Forged::tree(&["s.1"]).turn_began("s.1", 1, 1).turn_ended("s.1", 1).turn_began("s.1", 2, 1);
        assert!(sound.judged(super::lives).is_empty());
        let two = Forged::tree(&["s.1"]).turn_began("s.1", 1, 1).turn_began("s.1", 2, 1);
        assert_eq!(two.judged(super::lives).len(), 1);
        let stale = Forged::tree(&["s.1"]).started("s.1", 2).turn_began("s.1", 1, 1);
        assert!(stale.judged(super::lives)[0].contains("incarnation 1 of s.1 acts"));
    }
}
