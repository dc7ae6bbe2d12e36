//! Who is there, fenced, and whose, event by event: the oracles' own count, simpler than the folds that they judge.

use std::collections::{BTreeMap, BTreeSet};

use skep_runtime::AgentId;
use skep_runtime::event::{Event, What};

#[derive(Debug, Default)]
pub(super) struct Roster(BTreeMap<AgentId, Entry>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The root and scopes are places: nobody that could be alive.
    pub(super) is_place: bool,
    pub(super) is_alive: bool,
    pub(super) is_fenced: bool,
}

impl Roster {
    pub(super) fn apply(&mut self, event: &Event) {
        match &event.what {
            What::AgentSpawned { agent_type, .. } => {
                let is_place = agent_type == "root" || agent_type == "scope";
                self.0.insert(event.agent.clone(), Entry { is_place, is_alive: true, is_fenced: false });
            }
            What::AgentStopping { .. } => {
                if let Some(entry) = self.0.get_mut(&event.agent) {
                    entry.is_fenced = true;
                }
            }
            What::AgentStopped { .. } => {
                if let Some(entry) = self.0.get_mut(&event.agent) {
                    entry.is_alive = false;
                }
            }
            _ => {}
        }
    }

    pub(super) fn get(&self, agent: &AgentId) -> Option<Entry> {
        self.0.get(agent).copied()
    }

    /// The living agents at and below one, places among them.
    pub(super) fn alive_within<'a>(&'a self, top: &'a AgentId) -> impl Iterator<Item = (&'a AgentId, Entry)> {
        // Ids of a subtree need not be neighbours: `s.1`, `s.10`, `s.1.1` are in this order.
        let alive = self.0.range(top.clone()..).take_while(|(id, _)| id.as_str().starts_with(top.as_str()));
        alive.filter(|(id, entry)| entry.is_alive && id.is_within(top)).map(|(id, entry)| (id, *entry))
    }

    /// All agents that ever were at and below one.
    pub(super) fn ever_within(&self, top: &AgentId) -> BTreeSet<AgentId> {
        let within = self.0.iter().filter(|(id, entry)| !entry.is_place && id.is_within(top));
        within.map(|(id, _)| id.clone()).collect()
    }
}

/// Who supervises whom instead of the parent that its id names.
#[derive(Debug, Default)]
pub(super) struct Adoptions(BTreeMap<AgentId, AgentId>);

impl Adoptions {
    pub(super) fn apply(&mut self, event: &Event) {
        if let What::AgentAdopted { by } = &event.what {
            self.0.insert(event.agent.clone(), by.clone());
        }
    }

    /// Whether one stands below another, supervisor by supervisor.
    pub(super) fn is_below(&self, agent: &AgentId, above: &AgentId) -> bool {
        let supervisor = |id: &AgentId| self.0.get(id).cloned().or_else(|| id.parent());
        std::iter::successors(supervisor(agent), supervisor).any(|supervisor| supervisor == *above)
    }
}
