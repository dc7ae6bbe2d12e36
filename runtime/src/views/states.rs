//! Which state each agent is in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fold, forget_within};
use crate::decide::lifecycle::{BadTransition, Lifecycle};
use crate::words::event::{Event, What};
use crate::words::id::{AgentId, Seq};
use crate::words::state::AgentState;

/// The lifecycle of every agent, ended ones too until they are let go. What happens to an agent that was never spawned is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct States {
    agents: BTreeMap<AgentId, Lifecycle>,
    missteps: Vec<Misstep>,
}

/// An event that could not follow its agent's state; the state stayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misstep {
    /// The event.
    pub seq: Seq,
    /// Its agent.
    pub agent: AgentId,
    /// What it would have been.
    pub bad: BadTransition,
}

impl States {
    pub(super) fn from_lives(lives: impl Iterator<Item = (AgentId, Lifecycle)>) -> Self {
        Self { agents: lives.collect(), missteps: Vec::new() }
    }

    /// An agent's state, if it is known.
    #[must_use]
    pub fn get(&self, agent: &AgentId) -> Option<&AgentState> {
        self.agents.get(agent).map(Lifecycle::state)
    }

    /// All agents with their states, in the order of ids as text.
    pub fn iter(&self) -> impl Iterator<Item = (&AgentId, &AgentState)> {
        self.agents.iter().map(|(agent, life)| (agent, life.state()))
    }

    /// How many agents are in each state, by its name. Walks all agents.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for (_, state) in self.iter() {
            *counts.entry(state.name()).or_default() += 1;
        }
        counts
    }

    /// Agents that have not ended, in the order of ids as text.
    pub fn live(&self) -> impl Iterator<Item = &AgentId> {
        self.iter().filter(|(_, state)| state.is_live()).map(|(agent, _)| agent)
    }

    /// Events that could not follow: none, or the runtime has a bug.
    #[must_use]
    pub fn missteps(&self) -> &[Misstep] {
        &self.missteps
    }
}

impl Fold for States {
    fn apply(&mut self, event: &Event) {
        if matches!(event.what, What::AgentSpawned { .. }) {
            self.agents.entry(event.agent.clone()).or_default();
        }
        let Some(life) = self.agents.get_mut(&event.agent) else { return };
        if let Err(bad) = life.apply(&event.what) {
            self.missteps.push(Misstep { seq: event.seq, agent: event.agent.clone(), bad });
        }
    }

    fn forget(&mut self, agent: &AgentId) {
        forget_within(&mut self.agents, agent);
    }
}
