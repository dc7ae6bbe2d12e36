//! What became of each task.

mod of_agent;

use serde::{Deserialize, Serialize, Serializer};

use self::of_agent::AgentTasks;
use super::rows::Rows;
use super::{Fold, Mark};
use crate::words::event::{Event, Outcome, What};
use crate::words::id::{AgentId, Seq, TaskId};

/// Every task, until it or its agent is let go. One whose acceptance is not known has a row from its first event on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tasks {
    /// By agent, so that they can be let go with it. An agent that has no task any more may have a row.
    #[serde(serialize_with = "written")]
    rows: Rows<AgentTasks>,
    faults: Vec<TaskFault>,
}

impl PartialEq for Tasks {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.faults == other.faults
    }
}

impl Eq for Tasks {}

/// Without the agents that have no task.
fn written<S: Serializer>(rows: &Rows<AgentTasks>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(rows.in_order().into_iter().filter(|(_, tasks)| !tasks.is_empty()))
}

/// A task's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It waits in the mailbox.
    #[default]
    Queued,
    /// A turn works on it.
    Running,
    /// It has its outcome.
    Ended(Outcome),
}

/// A task in [`Tasks`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// The task.
    pub id: TaskId,
    /// The task whose turn asked; none from outside.
    pub asker: Option<TaskId>,
    /// The dead letter that it is a replay of.
    pub replay_of: Option<TaskId>,
    /// When it was put into the mailbox.
    pub accepted: Option<Mark>,
    /// How often a turn has taken it up.
    pub attempts: u32,
    /// What ended the last attempt that was not the last.
    pub error: Option<String>,
    /// Its state; its first outcome stays, whatever comes after.
    pub state: TaskState,
    /// When it got its outcome.
    pub ended: Option<Mark>,
}

/// A task that had its outcome and was to become something else: another outcome, or alive again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFault {
    /// The event.
    pub seq: Seq,
    /// The task.
    pub task: TaskId,
    /// The outcome that it has.
    pub had: Outcome,
    /// What it was to become.
    pub then: TaskState,
}

impl Tasks {
    /// A task's row, if it is known.
    #[must_use]
    pub fn get(&self, task: &TaskId) -> Option<&TaskRow> {
        self.rows.iter().find_map(|(_, tasks)| tasks.get(task))
    }

    /// All tasks, by agent and id.
    pub fn iter(&self) -> impl Iterator<Item = &TaskRow> {
        self.rows.in_order().into_values().flat_map(AgentTasks::in_order)
    }

    /// An agent's tasks, by id.
    pub fn of_agent(&self, agent: &AgentId) -> impl Iterator<Item = &TaskRow> {
        self.rows.get(agent).into_iter().flat_map(AgentTasks::in_order)
    }

    /// Events that were to change a task after its outcome: none, or the runtime has a bug.
    #[must_use]
    pub fn faults(&self) -> &[TaskFault] {
        &self.faults
    }
}

impl TaskRow {
    fn new(task: &TaskId) -> Self {
        Self {
            id: task.clone(),
            asker: None,
            replay_of: None,
            accepted: None,
            attempts: 0,
            error: None,
            state: TaskState::Queued,
            ended: None,
        }
    }
}

impl Tasks {
    /// Lets go of all tasks of agents that are gone.
    pub(super) fn forget_all(&mut self, gone: &[AgentId]) {
        for agent in gone {
            self.rows.remove(agent);
        }
    }

    /// Lets a task go that has its outcome.
    pub(super) fn forget_task(&mut self, agent: &AgentId, task: &TaskId) {
        if let Some(tasks) = self.rows.get_mut(agent) {
            tasks.remove(task);
        }
    }
}

impl Fold for Tasks {
    fn forget(&mut self, agent: &AgentId) {
        // The session's root stays.
        if agent.parent().is_some() {
            let its: Vec<_> = self.rows.ids().filter(|id| id.is_within(agent)).cloned().collect();
            self.forget_all(&its);
        }
    }

    fn apply(&mut self, event: &Event) {
        let Some(task) = &event.task else { return };
        let next = match &event.what {
            What::TaskAccepted { .. } | What::TaskRedelivered { .. } => TaskState::Queued,
            What::TurnBegan { .. } => TaskState::Running,
            What::TaskEnded { outcome } => TaskState::Ended(*outcome),
            _ => return,
        };
        let row = self.rows.get_or_default(&event.agent).row(task);
        if let TaskState::Ended(had) = row.state {
            self.faults.push(TaskFault { seq: event.seq, task: task.clone(), had, then: next });
            return;
        }
        row.state = next;
        match &event.what {
            What::TaskAccepted { asker, replay_of } => {
                row.asker.clone_from(asker);
                row.replay_of.clone_from(replay_of);
                row.accepted = Some(Mark::of(event));
            }
            What::TurnBegan { .. } => row.attempts += 1,
            What::TaskRedelivered { error } => row.error = Some(error.clone()),
            What::TaskEnded { .. } => row.ended = Some(Mark::of(event)),
            _ => {}
        }
    }
}
