//! Tasks that are open past their deadline, by a look that no alarm has a part in: what the lab holds the alarms against.

use std::time::Duration;

use crate::engine::seat::Seat;
use crate::engine::turn::Cancel;
use crate::env::fault::Phase;
use crate::words::id::{AgentId, TaskId};
use crate::words::time::Time;

/// A task, or a turn of it, that goes on past its deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overdue {
    /// The task.
    pub task: TaskId,
    /// Its agent.
    pub agent: AgentId,
    /// Whether its turn goes on, past the grace that it has; else it is open itself.
    pub is_turn: bool,
    /// By how much.
    pub by: Duration,
    /// When that was seen.
    pub at: Time,
}

impl Seat {
    /// By how much a moment has passed.
    pub(crate) fn late_by(&self, at: Time) -> Option<Duration> {
        let by = self.engine.env.now().since(at);
        (!by.is_zero()).then_some(by)
    }

    /// What of it goes on past its deadline.
    pub(crate) fn overdue(&self) -> Vec<Overdue> {
        let at = self.engine.env.now();
        let agent = &self.id;
        let row = |task: TaskId, is_turn, by| Overdue { task, agent: agent.clone(), is_turn, by, at };
        let mut all: Vec<_> =
            self.body.overdue(self).into_iter().map(|(task, by)| row(task, false, by)).collect();
        let turn = self.gate.lock().turn.clone().filter(|turn| turn.phase == Phase::Turn);
        if let Some(turn) = turn.filter(|turn| !turn.is_blocked())
            && let (Some(task), Some(listener)) = (&turn.task, turn.listener())
        {
            all.extend(listener.late_by(self).map(|by| row(task.clone(), false, by)));
            if turn.cancelled() == Some(Cancel::Expired) {
                let over = turn.deadline() + self.engine.interrupt_grace;
                all.extend(self.late_by(over).map(|by| row(task.clone(), true, by)));
            }
        }
        all
    }
}
