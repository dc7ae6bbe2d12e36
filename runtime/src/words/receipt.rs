//! What a stop returns: who was alive at the fence, and how each ended.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::defaults;
use crate::words::ends::End;
pub use crate::words::ends::HookFault;
use crate::words::ends::Left;
use crate::words::id::{AgentId, Incarnation};
use crate::words::usage::Usage;

/// How to stop a subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    pub(crate) within: Duration,
    pub(crate) brutal: bool,
}

impl Default for Stop {
    fn default() -> Self {
        Self::within(defaults::STOP)
    }
}

impl Stop {
    /// In order, children before parents, and done within this time; 10 s by default.
    #[must_use]
    pub const fn within(limit: Duration) -> Self {
        Self { within: limit, brutal: false }
    }

    /// At once: turns are dropped at their await and no hook runs.
    #[must_use]
    pub const fn brutally() -> Self {
        Self { within: Duration::from_secs(1), brutal: true }
    }
}

/// How one agent ended that was alive at the fence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRow {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Its last life.
    pub incarnation: Incarnation,
    /// How it ended.
    pub end: End,
    /// The error of its stop hook.
    pub hook: Option<HookFault>,
    /// Whether its spec or the stop allowed it no time.
    pub brutal: bool,
    /// From the fence to its end.
    pub took: Duration,
    /// What the agent itself had spent.
    pub cost: Usage,
    /// What it held when it ended.
    pub holdings: Vec<String>,
    /// What the receipt could not wait for: it is still running or being dropped, and can do nothing more through skep.
    #[serde(default)]
    pub left: Vec<Left>,
}

/// What a stop returns. A stop cannot fail: whatever went wrong is in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "a receipt says whether anything is left"]
pub struct StopReceipt {
    pub(crate) root: AgentId,
    pub(crate) rows: Vec<StopRow>,
    pub(crate) took: Duration,
    pub(crate) cost: Usage,
}

impl StopReceipt {
    /// Makes another receipt's rows part of this one.
    pub(crate) fn take_in(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.took = self.took.max(other.took);
    }

    /// The agent whose subtree was stopped.
    #[must_use]
    pub const fn root(&self) -> &AgentId {
        &self.root
    }

    /// A row for each agent that was alive at the fence, children before parents.
    #[must_use]
    pub fn rows(&self) -> &[StopRow] {
        &self.rows
    }

    /// From the fence to the receipt.
    #[must_use]
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// What the subtree had spent.
    #[must_use]
    pub const fn cost(&self) -> &Usage {
        &self.cost
    }

    /// How many agents could not be stopped: they block a thread. They can do nothing more through skep.
    #[must_use]
    pub fn stuck(&self) -> usize {
        self.count(End::Stuck)
    }

    fn count(&self, end: End) -> usize {
        self.rows.iter().filter(|row| row.end == end).count()
    }

    /// Whether nothing of the subtree lives any more: nobody is stuck, and every behaviour, holding and piece of blocking work
    /// is gone.
    #[must_use]
    pub fn nothing_left(&self) -> bool {
        self.left().next().is_none()
    }

    /// The rows of agents of which something is left.
    pub fn left(&self) -> impl Iterator<Item = &StopRow> {
        self.rows.iter().filter(|row| row.end == End::Stuck || !row.left.is_empty())
    }

    /// Whether all agents ended cleanly: nothing is left, no hook failed, and none was aborted except where its spec says
    /// brutal.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let nothing_left = self.nothing_left();
        nothing_left
            && self.rows.iter().all(|row| match row.end {
                End::Clean | End::AlreadyStopped => row.hook.is_none(),
                End::Aborted => row.brutal,
                End::Stuck => false,
            })
    }
}

/// One line: `s.1: 12 agents stopped in 8ms (11 clean, 1 aborted), nothing left`.
impl fmt::Display for StopReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agents = self.rows.len();
        write!(
            f,
            "{}: {agents} agent{} stopped in {:.1?}",
            self.root,
            if agents == 1 { "" } else { "s" },
            self.took
        )?;
        let mut counts = Vec::new();
        for (end, word) in [
            (End::Clean, "clean"),
            (End::AlreadyStopped, "already stopped"),
            (End::Aborted, "aborted"),
            (End::Stuck, "stuck"),
        ] {
            let count = self.count(end);
            if count > 0 {
                counts.push(format!("{count} {word}"));
            }
        }
        if !counts.is_empty() {
            write!(f, " ({})", counts.join(", "))?;
        }
        let faults = self.rows.iter().filter(|row| row.hook.is_some()).count();
        if faults > 0 {
            write!(f, ", {faults} stop hook{} failed", if faults == 1 { "" } else { "s" })?;
        }
        let left: Vec<String> = self.left().take(3).map(named).collect();
        if left.is_empty() {
            f.write_str(", nothing left")
        } else {
            write!(f, ", still running: {}", left.join(", "))
        }
    }
}

/// An agent with what is left of it, unless that is its runner.
fn named(row: &StopRow) -> String {
    let words: Vec<_> =
        row.left.iter().filter(|left| **left != Left::Runner).map(ToString::to_string).collect();
    if words.is_empty() { row.id.to_string() } else { format!("{} ({})", row.id, words.join(", ")) }
}
