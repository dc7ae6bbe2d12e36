//! The folds at a journal's cut, from which one can go on without what was cut.

use serde::{Deserialize, Serialize};

use super::{Costs, Fold, Metered, States, Tasks, Tree, Windows};
use crate::words::event::{Event, What};
use crate::words::id::{AgentId, Seq};
use crate::words::time::Time;

/// What is known after the event at `seq`. Agents that had ended for good by then are no longer in it, but for what they cost
/// and their number, nor are tasks that had their outcome: so it grows with what lives, not with what has happened.
///
/// It is a fold itself: taking in the events from `seq + 1` on gives the views of now, in which what ends from here on is
/// shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last event that it has taken in; 0 before the first.
    pub seq: Seq,
    /// The moment of that event.
    pub at: Time,
    /// Who is where, in which state, doing what.
    pub tree: Tree,
    /// What each agent cost, and its subtree.
    pub costs: Costs,
    /// Tasks without an outcome.
    pub tasks: Tasks,
    /// What counts in the windows of budgets.
    pub windows: Windows,
    /// All of it in numbers.
    pub metered: Metered,
}

impl Snapshot {
    /// The lifecycle of each agent, to go on from.
    #[must_use]
    pub fn states(&self) -> States {
        self.tree.states()
    }

    /// Takes an event in and lets go of what is over with it. Says whether the event's agent is.
    pub fn cut(&mut self, event: &Event) -> bool {
        self.apply(event);
        if let (What::TaskEnded { .. }, Some(task)) = (&event.what, &event.task) {
            self.tasks.forget_task(&event.agent, task);
        }
        // What somebody has adopted lives on below an agent that has ended.
        let is_over = event.what.frees() && !self.tree.has_life_below(&event.agent);
        if is_over {
            self.forget(&event.agent);
        }
        is_over
    }
}

impl Fold for Snapshot {
    fn apply(&mut self, event: &Event) {
        self.tree.apply(event);
        self.costs.apply(event);
        self.tasks.apply(event);
        self.windows.apply(event);
        self.metered.apply(event);
        (self.seq, self.at) = (event.seq, event.at);
    }

    fn forget(&mut self, agent: &AgentId) {
        let gone = self.tree.let_go(agent);
        self.costs.forget(agent);
        self.tasks.forget_all(&gone);
        if gone.is_empty() && agent.parent().is_some() {
            // It was never spawned, and something was said of it all the same.
            self.tasks.forget_all(std::slice::from_ref(agent));
        }
        self.windows.forget(agent);
    }
}
