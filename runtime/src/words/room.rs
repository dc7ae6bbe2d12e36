//! Whether there is room for another agent: depth, living agents, children.

use crate::words::id::AgentId;

/// What bounds the number of agents or their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Levels of agents below the bounding one.
    Depth,
    /// Living agents below it.
    LiveAgents,
    /// Living agents directly below it; those in its scopes are.
    Children,
}

/// There is no room: whose bound it is, and which. Nothing has been spawned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// The agent whose bound it is: the nearest one that has no room, the parent included.
    pub ancestor: AgentId,
    /// What is bounded.
    pub bound: Bound,
    /// How much of it there may be.
    pub limit: u32,
}

/// What is to be spawned at once: an agent with the children that its spec declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crew {
    /// Agents in all, itself included.
    pub agents: u32,
    /// Levels of them, itself included.
    pub levels: u32,
}

impl Crew {
    /// An agent alone.
    pub const ONE: Self = Self { agents: 1, levels: 1 };
}
