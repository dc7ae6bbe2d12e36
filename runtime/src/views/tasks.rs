//! What became of each task.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fold, Mark, forget_within};
use crate::words::event::{Event, Outcome, What};
use crate::words::id::{AgentId, Seq, TaskId};

/// Every task, until it or its agent is let go. One whose acceptance is not known has a row from its first event on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// By agent, so that they can be let go with it.
    rows: BTreeMap<AgentId, BTreeMap<TaskId, TaskRow>>,
    faults: Vec<TaskFault>,
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
        self.rows.values().find_map(|tasks| tasks.get(task))
    }

    /// All tasks, by agent and id.
    pub fn iter(&self) -> impl Iterator<Item = &TaskRow> {
        self.rows.values().flat_map(BTreeMap::values)
    }

    /// An agent's tasks, by id.
    pub fn of_agent(&self, agent: &AgentId) -> impl Iterator<Item = &TaskRow> {
        self.rows.get(agent).into_iter().flat_map(BTreeMap::values)
    }

    /// Events that were to change a task after its outcome: none, or the runtime has a bug.
    #[must_use]
    pub fn faults(&self) -> &[TaskFault] {
        &self.faults
    }
}

impl Tasks {
    /// Lets a task go that has its outcome.
    pub(super) fn forget_task(&mut self, agent: &AgentId, task: &TaskId) {
        let Some(tasks) = self.rows.get_mut(agent) else { return };
        tasks.remove(task);
        if tasks.is_empty() {
            self.rows.remove(agent);
        }
    }
}

impl Fold for Tasks {
    fn forget(&mut self, agent: &AgentId) {
        forget_within(&mut self.rows, agent);
    }

    fn apply(&mut self, event: &Event) {
        let Some(task) = &event.task else { return };
        let next = match &event.what {
            What::TaskAccepted { .. } | What::TaskRedelivered { .. } => TaskState::Queued,
            What::TurnBegan { .. } => TaskState::Running,
            What::TaskEnded { outcome } => TaskState::Ended(*outcome),
            _ => return,
        };
        let row =
            self.rows.entry(event.agent.clone()).or_default().entry(task.clone()).or_insert_with(|| {
                TaskRow {
                    id: task.clone(),
                    asker: None,
                    replay_of: None,
                    accepted: None,
                    attempts: 0,
                    error: None,
                    state: TaskState::Queued,
                    ended: None,
                }
            });
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
