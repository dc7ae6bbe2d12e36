//! What there is to see of a review, folded from its events.

use std::collections::{BTreeMap, VecDeque};

use skep_runtime::event::Outcome;
use skep_runtime::fold::{Costs, Fold as _, Tree, TreeRow};
use skep_runtime::journal::Lagged;
use skep_runtime::{AgentId, Event, Time, What};

use crate::review::swarm::{FILE_EVENT, PLAN_EVENT};

/// Happenings that are kept to be shown.
const KEPT: usize = 6;

/// The folds of one swarm.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) tree: Tree,
    pub(super) costs: Costs,
    /// Files to be reviewed, once that is known.
    pub(super) files: Option<u64>,
    /// How many files each specialist has come to.
    pub(super) reached: BTreeMap<AgentId, u64>,
    /// The latest things worth a line, the newest last.
    pub(super) happened: VecDeque<(Time, String)>,
}

impl Sight {
    /// Takes an event in. What is worth a line of a log is returned.
    pub(super) fn take(&mut self, event: &Event) -> Option<String> {
        self.tree.apply(event);
        self.costs.apply(event);
        let said = self.line(event)?;
        self.happened.push_back((event.at, said.clone()));
        if self.happened.len() > KEPT {
            self.happened.pop_front();
        }
        Some(said)
    }

    /// Goes on behind what was missed. How far it got is a line of a log.
    pub(super) fn skip(&mut self, lagged: &Lagged) -> String {
        (self.tree, self.costs) = (lagged.snapshot.tree.clone(), lagged.snapshot.costs.clone());
        lagged.to_string()
    }

    /// The agents that do the work: those below the lead.
    pub(super) fn workers(&self) -> impl Iterator<Item = &TreeRow> {
        self.tree.iter().filter(|(level, _)| *level == 2).map(|(_, row)| row)
    }

    /// How far an agent is, at most all.
    pub(super) fn reached(&self, agent: &AgentId) -> u64 {
        self.reached.get(agent).copied().unwrap_or(0).min(self.files.unwrap_or(0))
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        let name = self.tree.get(&event.agent).map_or("the swarm", |row| &row.name);
        match &event.what {
            What::Custom { name, data, .. } if name == PLAN_EVENT => {
                let files = data["files"].as_u64().unwrap_or(0);
                self.files = Some(files);
                let noun = if files == 1 { "file" } else { "files" };
                Some(format!("{files} {noun}, {}", data["scope"].as_str().unwrap_or_default()))
            }
            What::Custom { name, data, .. } if name == FILE_EVENT => {
                let reached = self.reached.entry(event.agent.clone()).or_default();
                // A batch that is delivered again begins behind what was reached.
                *reached = data["reached"].as_u64().unwrap_or(0).max(*reached);
                None
            }
            What::TaskEnded { outcome: Outcome::Done } if event.agent.depth() == 2 => {
                let is_last = self.files.is_some_and(|files| self.reached(&event.agent) >= files);
                let cost = self.costs.subtree(&event.agent).map(|bill| bill.spent.money).unwrap_or_default();
                is_last.then(|| format!("{name} is done, cost {cost}"))
            }
            What::FaultInjected { point, action, .. } => {
                Some(format!("{name}: injected {} at {}", fault(action), point.replace(':', " ")))
            }
            What::TurnStale { silent } => {
                Some(format!("{name} made no progress for {:.1} s", silent.as_secs_f64()))
            }
            What::CellLost => Some(format!("{name} has a new cell")),
            What::AgentStarted if event.incarnation == 1 && event.agent.depth() == 2 => {
                Some(format!("{name} starts"))
            }
            What::AgentStarted if event.incarnation > 1 => {
                Some(format!("{name} was restarted (life {})", event.incarnation))
            }
            What::TaskEnded { outcome } if event.agent.depth() == 2 && *outcome != Outcome::Done => {
                Some(format!("{name}: batch {outcome}"))
            }
            What::EffectRefused { message, .. } => {
                Some(format!("an effect of {name} was refused: {message}"))
            }
            _ => None,
        }
    }
}

/// A fault's action as a noun.
fn fault(action: &str) -> String {
    match action {
        "panic" => "a panic".to_owned(),
        "hang" | "hang_deaf" => "a hang".to_owned(),
        "slow" => "a slowdown".to_owned(),
        "kill" => "a kill".to_owned(),
        "lose_cell" => "a lost cell".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use skep_runtime::Role;

    fn event(agent: &AgentId, what: What) -> Event {
        Event { seq: 1, at: Time::ZERO, agent: agent.clone(), incarnation: 1, task: None, cause: None, what }
    }

    fn custom(name: &str, data: serde_json::Value) -> What {
        What::Custom { name: name.to_owned(), version: 1, data }
    }

    fn spawned(name: &str) -> What {
        let (name, agent_type) = (name.to_owned(), "Test".to_owned());
        What::AgentSpawned { name, agent_type, role: Role::Static, budget: None, grants: None, ceiling: None }
    }

    #[test]
    fn progress_never_goes_back_and_a_done_specialist_is_a_line() {
        let root = AgentId::root("s");
        let (lead, style) = (root.child(1), root.child(1).child(1));
        let mut sight = Sight::default();
        for (agent, name) in [(&root, "s"), (&lead, "review"), (&style, "style")] {
            assert_eq!(sight.take(&event(agent, spawned(name))), None);
        }
        let plan = custom(PLAN_EVENT, json!({ "files": 3, "scope": "the whole tree" }));
        assert_eq!(sight.take(&event(&lead, plan)).as_deref(), Some("3 files, the whole tree"));
        let done = || What::TaskEnded { outcome: Outcome::Done };
        for (reached, line) in [(2, None), (1, None), (3, Some("style is done, cost $0.00"))] {
            sight.take(&event(&style, custom(FILE_EVENT, json!({ "reached": reached }))));
            assert_eq!(sight.take(&event(&style, done())).as_deref(), line, "{reached}");
        }
        assert_eq!(sight.reached(&style), 3);
        assert_eq!(sight.workers().map(|row| &*row.name).collect::<Vec<_>>(), ["style"]);
    }
}
