//! P1: children end before their parents, and whoever lives has a living parent or an orphan record: an event that says that
//! it was found without one, and what was done about it.

use std::sync::Arc;

use skep_runtime::event::{Event, What};
use skep_runtime::{AgentId, Found};

use super::Evidence;
use super::roster::{Adoptions, Roster};

/// See the module.
#[must_use]
pub fn order(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut roster = Roster::default();
    let mut adoptions = Adoptions::default();
    let orphans: Vec<(&AgentId, &AgentId)> = evidence.events.iter().filter_map(orphan).collect();
    let lost: Vec<&AgentId> = named(evidence, is_loss);
    let stopped: Vec<&AgentId> = named(evidence, |what| matches!(what, What::StopBegan { .. }));
    let is_recorded = |id: &AgentId, above: &AgentId| {
        let is_lost = |id: &AgentId| lost.contains(&id);
        // Of several that were lost, one below the other, the last is the one that is named.
        let is_named = |of: &AgentId| of == above || is_lost(above) && is_lost(of) && of.is_within(above);
        orphans.iter().any(|(orphan, of)| is_named(of) && id.is_within(orphan))
            // It was lost later, or somebody was quicker than the sweep.
            || is_lost(above)
                && (is_lost(id)
                    || stopped.iter().any(|top| id.is_within(top) && top.is_within(above) && *top != above))
    };
    for event in evidence.events {
        roster.apply(event);
        adoptions.apply(event);
        match &event.what {
            What::AgentStopped { .. } => {
                let is_its = |id: &AgentId| adoptions.is_below(id, &event.agent);
                let below = roster.alive_within(&event.agent);
                let below = below.filter(|(id, _)| is_its(id) && !is_recorded(id, &event.agent));
                wrong
                    .extend(below.map(|(id, _)| format!("{} ended before its descendant {id}", event.agent)));
            }
            What::AgentSpawned { .. } | What::AgentStarted => {
                let parent = event.agent.parent();
                let is_orphan =
                    parent.as_ref().is_some_and(|id| !roster.get(id).is_some_and(|entry| entry.is_alive));
                if is_orphan && !parent.is_some_and(|parent| is_recorded(&event.agent, &parent)) {
                    wrong.push(format!(
                        "{} lives ({}) and its parent does not",
                        event.agent,
                        event.what.name()
                    ));
                }
            }
            What::AgentAdopted { by } => {
                let is_alive = roster.get(by).is_some_and(|entry| entry.is_alive && !entry.is_fenced);
                if !is_alive || !event.agent.is_within(by) || event.agent == *by {
                    wrong
                        .push(format!("{} is adopted by {by}, which is no ancestor that lives", event.agent));
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

/// The agent of which this is the orphan record, and who had supervised it.
fn orphan(event: &Arc<Event>) -> Option<(&AgentId, &AgentId)> {
    match &event.what {
        What::OrphanFound { found: Found::Orphan { of }, .. } => Some((&event.agent, of)),
        _ => None,
    }
}

/// Whether a plan has lost an agent.
fn is_loss(what: &What) -> bool {
    matches!(what, What::FaultInjected { action, .. } if action == "vanish")
}

fn named<'a>(evidence: &Evidence<'a>, is_meant: impl Fn(&What) -> bool) -> Vec<&'a AgentId> {
    evidence.events.iter().filter(|event| is_meant(&event.what)).map(|event| &event.agent).collect()
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

    #[test]
    fn an_agent_that_outlives_its_parent_needs_an_orphan_record() {
        let lost = || Forged::tree(&["s.1", "s.1.1", "s.1.1.2"]).stop("s.1", 7, &["s.1"]);
        assert_eq!(lost().judged(super::order).len(), 2, "both that live on are found");
        assert!(lost().orphaned("s.1.1", "s.1").judged(super::order).is_empty());
        assert!(lost().orphaned("s.1.1", "s.1").adopted("s.1.1", "s").judged(super::order).is_empty());
        assert_eq!(
            lost().orphaned("s.1.1.2", "s.1").judged(super::order).len(),
            1,
            "the one between has none"
        );
        let quicker = || lost().stop("s.1.1", 8, &["s.1.1.2", "s.1.1"]);
        assert_eq!(quicker().judged(super::order).len(), 2, "a stop of theirs is no excuse");
        assert!(quicker().lost("s.1").judged(super::order).is_empty(), "but where a plan has lost it");
        let both = || Forged::tree(&["s.1", "s.1.1", "s.1.1.2"]).stop("s", 7, &["s.1", "s.1.1"]);
        let both = || both().orphaned("s.1.1.2", "s.1.1").lost("s.1");
        assert_eq!(both().judged(super::order).len(), 2, "the one between was not lost");
        assert!(both().lost("s.1.1").judged(super::order).is_empty(), "one lost below the other");
        let adopted = || Forged::tree(&["s.1", "s.1.1", "s.1.1.2"]).orphaned("s.1.1.2", "s.1.1");
        let ends = |ends| adopted().adopted("s.1.1.2", "s.1").stop("s", 7, ends).judged(super::order);
        assert!(ends(&["s.1.1", "s.1.1.2", "s.1"]).is_empty(), "it is no longer that one's");
        assert_eq!(ends(&["s.1.1", "s.1", "s.1.1.2"]), ["s.1 ended before its descendant s.1.1.2"]);
        let by_the_dead = lost().orphaned("s.1.1", "s.1").adopted("s.1.1", "s.1").judged(super::order);
        assert_eq!(by_the_dead, ["s.1.1 is adopted by s.1, which is no ancestor that lives"]);
    }
}
