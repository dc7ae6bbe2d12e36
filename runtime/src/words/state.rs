//! The states themselves and the table of what may follow.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::policy::{Exit, FailureClass};
use crate::words::text::OneLine;

/// What an agent is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Its behaviour is being built and started.
    #[default]
    Starting,
    /// It waits for a task.
    Idle,
    /// A turn is working and waits for nothing.
    Thinking,
    /// A turn waits for an answer, a child, a permit or a time.
    Waiting,
    /// An effect's answer is arriving.
    Streaming,
    /// An effect's call is running.
    ToolExecution,
    /// Held at an await until it is resumed.
    Paused,
    /// Its incarnation has ended; the next is to come, or its end.
    Restarting,
    /// A stop has fenced it.
    Stopping,
    /// It has ended for good.
    Stopped(StopReason),
}

/// Why an agent has ended for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A normal end.
    Done,
    /// An ordered end: shutdown, a stop, an orphan's stop.
    Stopped,
    /// It failed and was not restarted.
    Failed {
        /// The kind of failure.
        class: FailureClass,
        /// One line about it.
        message: String,
    },
    /// Its children failed more often than it allows.
    Escalated {
        /// One line about it.
        message: String,
    },
}

impl AgentState {
    /// Whether `next` may follow this state.
    ///
    /// | from | to |
    /// |---|---|
    /// | starting | idle, paused, restarting, stopping, stopped |
    /// | idle | a working state, paused, restarting, stopping, stopped |
    /// | a working state | idle, a working state, paused, restarting, stopping, stopped |
    /// | paused | starting, idle, a working state, restarting, stopping, stopped |
    /// | restarting | starting, idle, paused, stopping, stopped |
    /// | stopping | stopped |
    /// | stopped | nothing |
    ///
    /// The working states are thinking, waiting, streaming and tool_execution. A paused agent goes back to where it was.
    #[must_use]
    #[expect(clippy::doc_markdown, reason = "states are written as people see them")]
    pub const fn may_become(&self, next: &Self) -> bool {
        use AgentState::{
            Idle, Paused, Restarting, Starting, Stopped, Stopping, Streaming, Thinking, ToolExecution,
            Waiting,
        };
        let works = next.is_working();
        match self {
            Starting => matches!(next, Idle | Paused | Restarting | Stopping | Stopped(_)),
            Idle => works || matches!(next, Paused | Restarting | Stopping | Stopped(_)),
            Thinking | Waiting | Streaming | ToolExecution => {
                works || matches!(next, Idle | Paused | Restarting | Stopping | Stopped(_))
            }
            Paused => works || matches!(next, Starting | Idle | Restarting | Stopping | Stopped(_)),
            Restarting => matches!(next, Starting | Idle | Paused | Stopping | Stopped(_)),
            Stopping => matches!(next, Stopped(_)),
            Stopped(_) => false,
        }
    }

    /// The state's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Thinking => "thinking",
            Self::Waiting => "waiting",
            Self::Streaming => "streaming",
            Self::ToolExecution => "tool_execution",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Stopped(_) => "stopped",
        }
    }

    /// Whether a turn is being worked on.
    #[must_use]
    pub const fn is_working(&self) -> bool {
        matches!(self, Self::Thinking | Self::Waiting | Self::Streaming | Self::ToolExecution)
    }

    /// Whether it has not ended for good.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !matches!(self, Self::Stopped(_))
    }
}

impl fmt::Display for AgentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<Exit> for StopReason {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Normal => Self::Done,
            Exit::Shutdown => Self::Stopped,
            Exit::Failed { class, message } => Self::Failed { class, message },
            Exit::Escalated { message } => Self::Escalated { message },
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Stopped => f.write_str("stopped"),
            Self::Failed { message, .. } => write!(f, "failed: {}", OneLine(message)),
            Self::Escalated { message } => write!(f, "escalated: {}", OneLine(message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [AgentState; 10] = [
        AgentState::Starting,
        AgentState::Idle,
        AgentState::Thinking,
        AgentState::Waiting,
        AgentState::Streaming,
        AgentState::ToolExecution,
        AgentState::Paused,
        AgentState::Restarting,
        AgentState::Stopping,
        AgentState::Stopped(StopReason::Done),
    ];

    /// The table as the documentation writes it, from the code: the four working states are one row and one word.
    fn table() -> String {
        let mut rows = vec!["| from | to |".to_owned(), "|---|---|".to_owned()];
        for from in &ALL {
            let mut to: Vec<_> = ALL.iter().filter(|to| from.may_become(to)).map(word).collect();
            to.dedup();
            let to = if to.is_empty() { "nothing".to_owned() } else { to.join(", ") };
            rows.push(format!("| {} | {to} |", word(from)));
        }
        rows.dedup();
        rows.iter().map(|row| format!("    /// {row}\n")).collect()
    }

    fn word(state: &AgentState) -> &'static str {
        if state.is_working() { "a working state" } else { state.name() }
    }

    #[test]
    fn the_documented_table_is_the_code() {
        let source = include_str!("state.rs").replace("\r\n", "\n");
        assert!(source.contains(&table()), "the documentation of `may_become` should have\n{}", table());
    }

    #[test]
    fn working_states_are_alike_in_the_table() {
        for other in &ALL {
            let follows =
                |working: &&AgentState| working.may_become(other) == AgentState::Thinking.may_become(other);
            let leads =
                |working: &&AgentState| other.may_become(working) == other.may_become(&AgentState::Thinking);
            assert!(ALL[2..6].iter().all(|state| follows(&state) && leads(&state)), "{other}");
        }
    }

    #[test]
    fn any_live_state_may_end_and_a_stopped_one_is_final() {
        let stopped = &ALL[9];
        for state in &ALL {
            assert_eq!(state.may_become(stopped), state.is_live(), "{state}");
            assert!(!stopped.may_become(state), "{state}");
        }
    }
}
