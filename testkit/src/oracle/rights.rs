//! Rights never widen: no effect begins that a ceiling forbids, of its agent, of one above it, or of one that it works for; nor
//! one that its agent was not granted. A ceiling that was narrowed forbids from that event on.
//!
//! Who works for whom is read from the events alone: a task names the task whose turn asked it, an agent the event that began
//! the turn which spawned it. What a start or an answer to a question asks names no task and is not looked at here, beyond the
//! ceilings of its own agent.

use std::collections::{BTreeMap, BTreeSet};

use skep_runtime::event::What;
use skep_runtime::{AgentId, Ceiling, Event, Reach, Seq, TaskId};

use super::Evidence;

/// See the module.
#[must_use]
pub fn rights(evidence: &Evidence<'_>) -> Vec<String> {
    let mut seen = Seen::default();
    evidence.events.iter().for_each(|event| seen.apply(event));
    seen.wrong
}

/// Whose ceilings bound something.
type Limits = BTreeSet<AgentId>;

#[derive(Default)]
struct Seen<'a> {
    /// That of its spec, and what it was narrowed by.
    ceilings: BTreeMap<AgentId, Vec<&'a Ceiling>>,
    /// What an agent may do itself.
    grants: BTreeMap<AgentId, Vec<&'a Ceiling>>,
    agents: BTreeMap<AgentId, Limits>,
    /// What bounds whoever asked for a task.
    tasks: BTreeMap<TaskId, Limits>,
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
            (What::AgentSpawned { ceiling, grants, .. }, _) => {
                let parent = agent.parent();
                let mut limits =
                    parent.as_ref().and_then(|parent| self.agents.get(parent)).cloned().unwrap_or_default();
                let spawning = cause.and_then(|began| self.turns.get(&began)).cloned();
                limits.extend(spawning.as_ref().map(|task| self.of_turn(task)).unwrap_or_default());
                if let Some(ceiling) = ceiling {
                    self.ceilings.entry(agent.clone()).or_default().push(ceiling);
                    limits.insert(agent.clone());
                }
                // One that comes again under its id is bounded by what bounded it before, too.
                self.agents.entry(agent.clone()).or_default().extend(limits);
                let granted = match grants {
                    Some(own) => vec![&**own],
                    None => {
                        let spawner = spawning.and_then(|task| self.workers.get(&task));
                        let from = parent.iter().chain(spawner);
                        from.filter_map(|agent| self.grants.get(agent)).flatten().copied().collect()
                    }
                };
                self.grants.insert(agent.clone(), granted);
            }
            (What::CeilingNarrowed { by }, _) => self.ceilings.entry(agent.clone()).or_default().push(by),
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
            (What::EffectBegan { kind, on, .. }, task) => {
                let reach = on.as_ref().map_or(&Reach::Unknown, |on| &on.reach);
                self.looks(event, kind, reach, task.as_ref());
            }
            _ => {}
        }
    }

    fn looks(&mut self, event: &Event, kind: &str, reach: &Reach, task: Option<&TaskId>) {
        let Event { agent, seq, .. } = event;
        let own = self.agents.get(agent).into_iter().flatten();
        let others = task.and_then(|task| self.tasks.get(task)).into_iter().flatten();
        let forbids =
            |ceilings: &[&Ceiling]| ceilings.iter().find_map(|ceiling| ceiling.covers(kind, reach).err());
        let forbidding = own.chain(others).find_map(|of| Some((of, forbids(self.ceilings.get(of)?)?)));
        if let Some((of, why)) = forbidding {
            self.wrong.push(format!("event {seq}: {agent} begins {kind}, beyond the ceiling of {of}: {why}"));
        }
        if let Some(why) = self.grants.get(agent).and_then(|grants| forbids(grants)) {
            self.wrong.push(format!("event {seq}: {agent} begins {kind}, which it was not granted: {why}"));
        }
    }

    /// What bounds the turns of a task.
    fn of_turn(&self, task: &TaskId) -> Limits {
        let own = self.workers.get(task).and_then(|agent| self.agents.get(agent));
        own.into_iter().chain(self.tasks.get(task)).flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use skep_runtime::Usage;
    use skep_runtime::event::On;

    use super::super::forged::Forged;
    use super::*;

    fn bounded() -> Forged {
        // s.1 may make no calls; s.2 may.
        Forged::tree(&[]).ceilinged("s.1", Ceiling::new().never(["call"])).spawned("s.2")
    }

    #[test]
    fn an_effect_beyond_a_ceiling_is_found_at_any_depth() {
        assert!(bounded().effect("s.2", None, 1, 0).judged(rights).is_empty());
        let said = ["event 4: s.1 begins call, beyond the ceiling of s.1: its kind is not allowed"];
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
        assert_eq!(
            for_another.judged(rights),
            ["event 8: s.2 begins call, beyond the ceiling of s.1: its kind is not allowed"]
        );
    }

    #[test]
    fn an_effect_after_its_ceiling_was_narrowed_or_beyond_what_was_granted_is_found() {
        let by = || Box::new(Ceiling::new().never(["call"]));
        let narrowed = || Forged::tree(&[]).ceilinged("s.1", Ceiling::new()).effect("s.1", None, 1, 0);
        let narrowed = narrowed().write("s.1", 1, None, What::CeilingNarrowed { by: by() });
        assert!(narrowed.judged(rights).is_empty(), "it began before");
        assert_eq!(narrowed.effect("s.1", None, 2, 0).judged(rights).len(), 1);
        let granted = Forged::tree(&[]).granted("s.1", Ceiling::only(["manage"])).spawned("s.1.1");
        assert_eq!(granted.effect("s.1.1", None, 1, 0).judged(rights).len(), 1, "a child has its parent's");
        let granted = Forged::tree(&[]).granted("s.1", Ceiling::only(["manage"]));
        let wider = granted.granted("s.1.1", Ceiling::only(["call"])).effect("s.1.1", None, 1, 0);
        assert!(wider.judged(rights).is_empty(), "unless its spec says otherwise");
    }

    #[test]
    fn an_effect_on_a_target_that_a_ceiling_forbids_is_found() {
        let effect = |reach| {
            let on = Some(Box::new(On { subject: None, reach }));
            let began = What::EffectBegan { effect: 1, kind: "files.read".into(), reserved: Usage::ZERO, on };
            let bounded = Forged::tree(&[]).ceilinged("s.1", Ceiling::new().paths(["/repo/**"]));
            bounded.write("s.1", 1, None, began).judged(rights).len()
        };
        assert_eq!([Reach::path("/repo/a"), Reach::path("/etc"), Reach::Unknown].map(effect), [0, 1, 1]);
    }

    #[test]
    fn an_agent_that_a_bounded_turn_has_put_elsewhere_is_bounded() {
        let turn = || bounded().accepted("s.1", 1).turn_began("s.1", 1, 1);
        assert!(turn().spawned("s.3").effect("s.3", None, 1, 0).judged(rights).is_empty());
        assert_eq!(turn().spawned("s.3").because(5).effect("s.3", None, 1, 0).judged(rights).len(), 1);
    }
}
