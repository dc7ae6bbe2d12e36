//! P1: children end before their parents, and whoever lives has a living parent.

use skep_runtime::event::What;

use super::Evidence;
use super::roster::Roster;

/// See the module.
#[must_use]
pub fn order(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut roster = Roster::default();
    for event in evidence.events {
        roster.apply(event);
        match &event.what {
            What::AgentStopped { .. } => {
                let below = roster.alive_within(&event.agent);
                wrong
                    .extend(below.map(|(id, _)| format!("{} ended before its descendant {id}", event.agent)));
            }
            What::AgentSpawned { .. } | What::AgentStarted => {
                let parent = event.agent.parent();
                let is_orphan =
                    parent.as_ref().is_some_and(|id| !roster.get(id).is_some_and(|entry| entry.is_alive));
                if is_orphan {
                    wrong.push(format!(
                        "{} lives ({}) and its parent does not",
                        event.agent,
                        event.what.name()
                    ));
                }
            }
            _ => {}
        }
    }
    if let Some(first) = evidence.events.first().filter(|_| evidence.is_over()) {
        let left = roster.alive_within(&first.agent);
        wrong.extend(left.map(|(id, _)| format!("{id} has outlived the session")));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn a_parent_that_ends_first_is_found() {
        let sound = Forged::tree(&["s.1", "s.1.1", "s.10"]).stop("s.1", 7, &["s.1.1", "s.1"]);
        assert!(sound.judged(super::order).is_empty());
        let upside_down = Forged::tree(&["s.1", "s.1.1"]).stop("s", 7, &["s.1", "s.1.1"]);
        assert_eq!(upside_down.judged(super::order), ["s.1 ended before its descendant s.1.1"]);
        let orphan = Forged::tree(&["s.1"]).stop("s.1", 7, &["s.1"]).spawned("s.1.1");
        assert_eq!(orphan.judged(super::order), ["s.1.1 lives (agent_spawned) and its parent does not"]);
        let left = Forged::tree(&["s.1"]).session_ended();
        assert!(left.judged(super::order).contains(&"s.1 has outlived the session".to_owned()));
    }
}
