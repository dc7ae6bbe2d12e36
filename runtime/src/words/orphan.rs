//! What a sweep for orphans found, and what was done about it.

use serde::{Deserialize, Serialize};

use crate::words::id::AgentId;

/// What a sweep found at an agent's seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Found {
    /// It lives, and the one that supervised it does not.
    Orphan {
        /// Who supervised it.
        of: AgentId,
    },
    /// A runner works for it, and it has ended.
    Remnant,
    /// Something waits to be served, and no cell is there or coming.
    LostCell,
    /// It has ended, and still holds something.
    Holdings,
}

/// What was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dealt {
    /// It is stopped with its subtree.
    Stopped,
    /// The nearest living ancestor supervises it from now on.
    Adopted,
    /// The same until the task that it works on is over; it takes no other.
    AdoptedUntilDone,
    /// What runs was told to end.
    Ended,
    /// A cell was opened.
    Served,
    /// What was held is released.
    Released,
}

/// A row of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Where.
    pub agent: AgentId,
    /// What was found.
    pub found: Found,
    /// What was done about it.
    pub dealt: Dealt,
}
