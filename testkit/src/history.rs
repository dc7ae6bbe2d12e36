//! What became of a swarm, to be asked about.

use std::sync::Arc;

use skep_runtime::event::{Event, What};
use skep_runtime::fold::{Costs, Fold, States, Tasks, Tree};
use skep_runtime::{AgentId, AgentState, Outcome, StopReceipt, TaskId};

/// A whole session, with the receipt of its stop.
#[derive(Clone, Debug)]
pub struct History {
    events: Vec<Arc<Event>>,
    receipt: StopReceipt,
    fired: Vec<u64>,
}

impl History {
    pub(crate) fn new(events: Vec<Arc<Event>>, receipt: StopReceipt, fired: Vec<u64>) -> Self {
        Self { events, receipt, fired }
    }

    /// Everything that happened, in order.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// The receipt of the swarm's stop.
    pub const fn receipt(&self) -> &StopReceipt {
        &self.receipt
    }

    /// How often each rule of the plan fired.
    #[must_use]
    pub fn fired(&self) -> &[u64] {
        &self.fired
    }

    /// The tree with all agents that ever existed.
    #[must_use]
    pub fn tree(&self) -> Tree {
        self.fold()
    }

    /// What everything cost.
    #[must_use]
    pub fn costs(&self) -> Costs {
        self.fold()
    }

    /// What became of each task.
    #[must_use]
    pub fn tasks(&self) -> Tasks {
        self.fold()
    }

    /// A fold over all events.
    #[must_use]
    pub fn fold<F: Fold + Default>(&self) -> F {
        F::of(self.events.iter().map(|event| &**event))
    }

    /// The ids of the agents with a name, in the order of their spawns.
    #[must_use]
    pub fn agents(&self, name: &str) -> Vec<AgentId> {
        let mut ids: Vec<AgentId> = Vec::new();
        for event in &self.events {
            if matches!(&event.what, What::AgentSpawned { name: its, .. } if its == name)
                && !ids.contains(&event.agent)
            {
                ids.push(event.agent.clone());
            }
        }
        ids
    }

    /// The events of the agents with a name.
    #[must_use]
    pub fn of(&self, name: &str) -> Vec<Arc<Event>> {
        let ids = self.agents(name);
        self.events.iter().filter(|event| ids.contains(&event.agent)).cloned().collect()
    }

    /// How many incarnations the agents with this name had, counted by their starts.
    #[must_use]
    pub fn incarnations(&self, name: &str) -> usize {
        self.of(name).iter().filter(|event| matches!(event.what, What::AgentStarted)).count()
    }

    /// Where the last agent with a name ended.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<AgentState> {
        let id = self.agents(name).pop()?;
        self.fold::<States>().get(&id).cloned()
    }

    /// How a task ended.
    #[must_use]
    pub fn outcome(&self, task: &TaskId) -> Option<Outcome> {
        self.events.iter().filter(|event| event.task.as_ref() == Some(task)).find_map(|event| {
            match event.what {
                What::TaskEnded { outcome } => Some(outcome),
                _ => None,
            }
        })
    }

    /// The outcomes of all tasks of the agents with a name, in the order in which they came about.
    #[must_use]
    pub fn outcomes(&self, name: &str) -> Vec<Outcome> {
        let outcome = |event: Arc<Event>| match event.what {
            What::TaskEnded { outcome } => Some(outcome),
            _ => None,
        };
        self.of(name).into_iter().filter_map(outcome).collect()
    }

    /// How many events there are of a type, by its name in the journal.
    #[must_use]
    pub fn count(&self, event_type: &str) -> usize {
        self.events.iter().filter(|event| event.what.name() == event_type).count()
    }
}
