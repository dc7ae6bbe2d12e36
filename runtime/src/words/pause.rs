//! The order of a pause and its receipt: who is quiet, who was not in time, which deadlines pass meanwhile.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::defaults;
use crate::words::event::Need;
use crate::words::id::{AgentId, TaskId};
use crate::words::text::OneLine;
use crate::words::time::Time;

/// How to pause a subtree.
///
/// | | an effect in flight | all else |
/// |---|---|---|
/// | [`Pause::at_next_await`] | runs to its end and settles; its result waits for the resume | held at its next await |
/// | [`Pause::now`] | is dropped at its await, books what it used, and runs again after the resume; one that may happen [`Once`](crate::Repeat::Once) runs to its end | held at its next await |
///
/// Every await on a context is a place to be held at, on its way in and out, and so is any other await of a turn of which
/// no effect is in flight: the turn is not polled. Stop, kill and interrupt work on what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub(crate) within: Duration,
    pub(crate) now: bool,
    pub(crate) holds_deadlines: bool,
}

impl Default for Pause {
    fn default() -> Self {
        Self::at_next_await()
    }
}

impl Pause {
    /// Effects in flight finish first. The receipt is due in 10 s.
    #[must_use]
    pub const fn at_next_await() -> Self {
        Self { within: defaults::PAUSE, now: false, holds_deadlines: false }
    }

    /// Effects in flight are cut short if they may run again. The receipt is due in 10 s.
    #[must_use]
    pub const fn now() -> Self {
        Self { now: true, ..Self::at_next_await() }
    }

    /// Suspends deadlines: those of tasks at agents of the subtree, of what these agents have asked elsewhere, and of
    /// effects that are not in their call move by the length of the pause. By default they keep running and expire.
    ///
    /// If both sides of an ask are paused at nearly the same time, the longer pause counts. The deadline of a pause's or a
    /// stop's own receipt never moves.
    #[must_use]
    pub const fn hold_deadlines(mut self) -> Self {
        self.holds_deadlines = true;
        self
    }

    /// When the receipt is due, whether all agents are quiet or not. The pause stays in force either way.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }
}

/// What a paused agent was still doing when the receipt was due. It is quiet as soon as that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doing {
    /// An effect in its call.
    Call {
        /// The effect's kind.
        kind: String,
        /// Whether it may happen only once, so that no pause cuts it short.
        once: bool,
    },
    /// Work on another thread.
    Blocking,
    /// A turn that computes or blocks its thread, and has not reached an await.
    Computing,
    /// The end of its incarnation, which its supervisor ordered.
    Ending,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { kind, .. } => write!(f, "in {}", OneLine(kind)),
            Self::Blocking => f.write_str("on another thread"),
            Self::Computing => f.write_str("computing"),
            Self::Ending => f.write_str("ending"),
        }
    }
}

/// How far the pause of one agent had come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// Nothing begins at it until it is resumed.
    Quiet,
    /// It was not quiet by the deadline.
    Busy(Doing),
    /// It was resumed before the receipt was out.
    Resumed,
    /// It ended before the receipt was out.
    Ended,
}

/// One agent of a paused subtree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseRow {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// How far it had come.
    pub rest: Rest,
}

/// The deadline of a task of a paused subtree; it passes whether or not anybody works on the task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassingDeadline {
    /// The task, which names its agent.
    pub task: TaskId,
    /// When it expires.
    pub at: Time,
}

/// What a pause returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "a receipt says who is not quiet yet"]
pub struct PauseReceipt {
    pub(crate) root: AgentId,
    pub(crate) rows: Vec<PauseRow>,
    pub(crate) deadlines: Vec<PassingDeadline>,
    pub(crate) took: Duration,
}

impl PauseReceipt {
    /// The agent whose subtree is paused.
    #[must_use]
    pub const fn root(&self) -> &AgentId {
        &self.root
    }

    /// A row for each agent that lived in the subtree, parents before children.
    #[must_use]
    pub fn rows(&self) -> &[PauseRow] {
        &self.rows
    }

    /// Whether nothing begins anywhere in the subtree from now on.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.busy().next().is_none()
    }

    /// The agents that were not quiet by the deadline, and what each was doing.
    pub fn busy(&self) -> impl Iterator<Item = (&AgentId, &Doing)> {
        self.rows.iter().filter_map(|row| match &row.rest {
            Rest::Busy(doing) => Some((&row.id, doing)),
            Rest::Quiet | Rest::Resumed | Rest::Ended => None,
        })
    }

    /// The deadlines of queued and begun tasks that keep running while the subtree is paused, soonest first;
    /// none with [`Pause::hold_deadlines`].
    #[must_use]
    pub fn deadlines(&self) -> &[PassingDeadline] {
        &self.deadlines
    }

    /// From the order to the receipt.
    #[must_use]
    pub const fn took(&self) -> Duration {
        self.took
    }
}

/// One line: `s.1: 3 of 4 agents quiet after 1.0s, busy: s.1.2 in model; 2 deadlines pass, the next at 31.000s`.
impl fmt::Display for PauseReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quiet = self.rows.iter().filter(|row| row.rest == Rest::Quiet).count();
        let agents = self.rows.len();
        let plural = if agents == 1 { "" } else { "s" };
        write!(f, "{}: {quiet} of {agents} agent{plural} quiet after {:.1?}", self.root, self.took)?;
        for (at, (id, doing)) in self.busy().take(3).enumerate() {
            write!(f, "{}{id} {doing}", if at == 0 { ", busy: " } else { ", " })?;
        }
        if let Some(next) = self.deadlines.first() {
            let count = self.deadlines.len();
            let pass = if count == 1 { "deadline passes" } else { "deadlines pass" };
            write!(f, "; {count} {pass}, the next at {}", next.at)?;
        }
        Ok(())
    }
}

/// What a resume returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeReceipt {
    pub(crate) root: AgentId,
    pub(crate) running: Vec<AgentId>,
    pub(crate) held: Vec<AgentId>,
}

impl ResumeReceipt {
    /// The agent whose pause was lifted.
    #[must_use]
    pub const fn root(&self) -> &AgentId {
        &self.root
    }

    /// The agents that go on, parents before children.
    #[must_use]
    pub fn running(&self) -> &[AgentId] {
        &self.running
    }

    /// Where another pause is in force: the agent itself if one above still holds it, else the paused agents below at which
    /// the resume ended.
    #[must_use]
    pub fn held(&self) -> &[AgentId] {
        &self.held
    }
}

/// One line: `s.1: 3 agents resumed, still paused: s.1.2`.
impl fmt::Display for ResumeReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agents = self.running.len();
        write!(f, "{}: {agents} agent{} resumed", self.root, if agents == 1 { "" } else { "s" })?;
        for (at, id) in self.held.iter().take(3).enumerate() {
            write!(f, "{}{id}", if at == 0 { ", still paused: " } else { ", " })?;
        }
        Ok(())
    }
}

/// The pause that holds an agent, in its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedBy {
    /// The agent that was paused: this one, or the nearest above.
    pub agent: AgentId,
    /// If a budget caused the pause, what it waits for: a grant to the agent named there, and a resume.
    pub need: Option<Need>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_one_line_that_name_who_is_busy_and_who_is_held() {
        let root = AgentId::root("s").child(1);
        let row = |number, rest| PauseRow { id: root.child(number), name: "a".into(), rest };
        let call = Doing::Call { kind: "model".into(), once: true };
        let at = Time::from_nanos(31_000_000_000);
        let receipt = PauseReceipt {
            root: root.clone(),
            rows: vec![row(1, Rest::Quiet), row(2, Rest::Busy(call)), row(3, Rest::Ended)],
            deadlines: vec![PassingDeadline { task: TaskId::outside(root.child(1), 1), at }],
            took: Duration::from_secs(1),
        };
        assert!(!receipt.is_quiet());
        assert_eq!(
            receipt.to_string(),
            "s.1: 1 of 3 agents quiet after 1.0s, busy: s.1.2 in model; 1 deadline passes, the next at 31.000s"
        );
        let text = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<PauseReceipt>(&text).unwrap(), receipt);

        let resumed =
            ResumeReceipt { root: root.clone(), running: vec![root.clone()], held: vec![root.child(2)] };
        assert_eq!(resumed.to_string(), "s.1: 1 agent resumed, still paused: s.1.2");
    }
}
