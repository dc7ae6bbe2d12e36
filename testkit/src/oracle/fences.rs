//! P1: nothing begins at a fenced agent, but what its stop hook does, once all its descendants have ended.

use skep_runtime::event::What;

use super::Evidence;
use super::roster::Roster;

/// See the module.
#[must_use]
pub fn fences(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut roster = Roster::default();
    for event in evidence.events {
        roster.apply(event);
        let agent = &event.agent;
        let entry = roster.get(agent);
        let is_fenced = entry.is_some_and(|entry| entry.is_fenced);
        let is_ended = entry.is_some_and(|entry| !entry.is_alive);
        let begins = |what: &str| format!("event {}: {what} at {agent}, which is fenced", event.seq);
        match &event.what {
            What::AgentSpawned { .. } => {
                let parent = agent.parent().and_then(|parent| roster.get(&parent));
                if parent.is_some_and(|parent| parent.is_fenced) {
                    wrong.push(format!("event {}: {agent} begins under a fenced parent", event.seq));
                }
            }
            What::AgentStarted
            | What::AgentRestarting { .. }
            | What::TurnBegan { .. }
            | What::TaskAccepted { .. }
                if is_fenced || is_ended =>
            {
                wrong.push(begins(event.what.name()));
            }
            What::EffectBegan { .. } | What::TryBegan { .. } | What::WaitBegan { .. } if is_ended => {
                wrong.push(begins(event.what.name()));
            }
            What::EffectBegan { .. } | What::TryBegan { .. } if is_fenced => {
                let is_alone = roster.alive_within(agent).count() == 1;
                // A hook works on no task, and comes when its agent's children have ended.
                if event.task.is_some() || !is_alone {
                    wrong.push(begins("an effect that is no hook's"));
                }
            }
            _ => {}
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn what_begins_behind_a_fence_is_found() {
        let fenced = || Forged::tree(&["s.1", "s.1.1"]).stopping("s.1", 7).stopping("s.1.1", 7);
        let found = |forged: Forged, what: &str| {
            let wrong = forged.judged(super::fences);
            assert!(wrong.len() == 1 && wrong[0].contains(what), "{wrong:?}");
        };
        assert!(fenced().judged(super::fences).is_empty());
        found(fenced().spawned("s.1.2"), "s.1.2 begins under a fenced parent");
        found(fenced().turn_began("s.1", 1, 1), "turn_began at s.1");
        found(fenced().effect("s.1.1", Some(1), 5, 1), "no hook's at s.1.1");
        found(fenced().effect("s.1", None, 5, 1), "no hook's at s.1");
        let hook = fenced().effect("s.1.1", None, 5, 1);
        assert!(hook.judged(super::fences).is_empty(), "a hook may");
    }
}
