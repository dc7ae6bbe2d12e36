//! What an agent is and is doing right now.

use serde::{Deserialize, Serialize};

use crate::words::balance::Balance;
use crate::words::id::{AgentId, Incarnation, TaskId};
use crate::words::pause::PausedBy;
use crate::words::state::AgentState;

/// What an agent is and is doing right now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// The type of its behaviour; `root` and `scope` have none.
    pub agent_type: String,
    /// Its state.
    pub state: AgentState,
    /// The number of its current incarnation.
    pub incarnation: Incarnation,
    /// The task that it is working on.
    pub task: Option<TaskId>,
    /// What it says it is doing.
    pub doing: Option<String>,
    /// How many tasks wait in its mailbox.
    pub queued: usize,
    /// How many children it has.
    pub children: usize,
    /// What it and its subtree have spent and reserved.
    pub cost: Balance,
    /// The pause that holds it, if one does.
    pub paused: Option<PausedBy>,
}

/// What an interrupt found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interrupted {
    /// A turn was on and has been cancelled.
    Turn,
    /// There was no turn to interrupt.
    Nothing,
}
