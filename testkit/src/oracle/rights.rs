//! Rights never widen: no effect begins that a ceiling forbids, of its agent, of one above it, or of one that it works for.
//!
//! Who works for whom is read from the events alone: a task names the task whose turn asked it, an agent the event that began
//! the turn which spawned it. What a start or an answer to a question asks names no task and is not looked at here, beyond the
//! ceilings of its own agent.

use std::collections::BTreeMap;

use skep_runtime::event::What;
use skep_runtime::{AgentId, Ceiling, Event, Seq, TaskId};

use super::Evidence;

/// See the module.
#[must_use]
pub fn rights(evidence: &Evidence<'_>) -> Vec<String> {
    let mut seen = Seen::default();
    evidence.events.iter().for_each(|event| seen.apply(event));
    seen.wrong
}

/// Ceilings, by whose they are.
type Limits<'a> = BTreeMap<AgentId, &'a Ceiling>;

#[derive(Default)]
struct Seen<'a> {
    agents: BTreeMap<AgentId, Limits<'a>>,
    /// What bounds whoever asked for a task.
    tasks: BTreeMap<TaskId, Limits<'a>>,
    /// Who works on it.
    workers: BTreeMap<TaskId, AgentId>,
    /// The task of the turn that began here.
    turns: BTreeMap<Seq, TaskId>,
    wrong: Vec<String>,
}

impl<'a> Seen<'a> {
    fn apply(&mut self, event: &'a Event) {
        let Event { seq, agent, task, cause, what, .. } = event;
        match (what, task) {
            (What::AgentSpawned { ceiling, .. }, _) => {
                let above = agent.parent().and_then(|parent| self.agents.get(&parent)).cloned();
                let mut limits = above.unwrap_or_default();
                let spawning = cause.and_then(|began| self.turns.get(&began)).cloned();
                limits.extend(spawning.map(|task| self.of_turn(&task)).unwrap_or_default());
                limits.extend(ceiling.as_deref().map(|ceiling| (agent.clone(), ceiling)));
                // One that comes again under its id is bounded by what bounded it before, too.
                self.agents.entry(agent.clone()).or_default().extend(limits);
            }
            (What::TaskAccepted { asker, replay_of }, Some(task)) => {
                let mut limits = asker.as_ref().map(|asker| self.of_turn(asker)).unwrap_or_default();
                limits.extend(
                    replay_of.as_ref().and_then(|letter| self.tasks.get(letter)).cloned().unwrap_or_default(),
                );
                self.tasks.insert(task.clone(), limits);
            }
            (What::TurnBegan { .. }, Some(task)) => {
                self.turns.insert(*seq, task.clone());
                self.workers.insert(task.clone(), agent.clone());
            }
            (What::EffectBegan { kind, .. }, task) => self.looks(event, kind, task.as_ref()),
            _ => {}
        }
    }

    fn looks(&mut self, event: &Event, kind: &str, task: Option<&TaskId>) {
        let own = self.agents.get(&event.agent).into_iter().flatten();
        let others = task.and_then(|task| self.tasks.get(task)).into_iter().flatten();
        let forbidding = own.chain(others).find(|(_, ceiling)| !ceiling.allows(kind));
        if let Some((of, _)) = forbidding {
            let agent = &event.agent;
            self.wrong
                .push(format!("event {}: {agent} begins {kind}, beyond the ceiling of {of}", event.seq));
        }
    }

    /// What bounds the turns of a task.
    fn of_turn(&self, task: &TaskId) -> Limits<'a> {
        let own = self.workers.get(task).and_then(|agent| self.agents.get(agent));
        own.into_iter()
            .chain(self.tasks.get(task))
            .flatten()
            .map(|(of, ceiling)| (of.clone(), *ceiling))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;
    use super::*;

    fn bounded() -> Forged {
        // s.1 may make no calls; s.2 may.
        Forged::tree(&[]).ceilinged("s.1", Ceiling::new().never(["call"])).spawned("s.2")
    }

    #[test]
    fn an_effect_beyond_a_ceiling_is_found_at_any_depth() {
        assert!(bounded().effect("s.2", None, 1, 0).judged(rights).is_empty());
        let said = ["event 4: s.1 begins call, beyond the ceiling of s.1"];
        assert_eq!(bounded().effect("s.1", None, 1, 0).judged(rights), said);
        let wider = bounded().ceilinged("s.1.1", Ceiling::only(["call"]));
        assert_eq!(wider.effect("s.1.1", None, 1, 0).judged(rights).len(), 1);
    }

    #[test]
    fn an_effect_for_whoever_is_bounded_is_found() {
        let asked = |asker| bounded().accepted("s.1", 1).turn_began("s.1", 1, 1).asked_by("s.2", 1, asker);
        let for_itself = asked(None).turn_began("s.2", 1, 1).effect("s.2", Some(1), 1, 0);
        assert!(for_itself.judged(rights).is_empty());
        let for_another = asked(Some(("s.1", 1))).turn_began("s.2", 1, 1).effect("s.2", Some(1), 1, 0);
        assert_eq!(for_another.judged(rights), ["event 8: s.2 begins call, beyond the ceiling of s.1"]);
    }

    #[test]
    fn an_agent_that_a_bounded_turn_has_put_elsewhere_is_bounded() {
        let turn = || bounded().accepted("s.1", 1).turn_began("s.1", 1, 1);
        assert!(turn().spawned("s.3").effect("s.3", None, 1, 0).judged(rights).is_empty());
        assert_eq!(turn().spawned("s.3").because(5).effect("s.3", None, 1, 0).judged(rights).len(), 1);
    }
}
