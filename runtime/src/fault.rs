//! Fault points: the places at which a plan may break an agent, and what it may do there.
//!
//! The points are compiled in by the feature `lab` alone. What decides is a value outside the runtime that implements
//! [`Faults`]; the runtime performs the fault and records it as an event.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::AgentError;
use crate::id::AgentId;
use crate::usage::Usage;

/// Whether the points are there: features unify over a whole build, so another crate may have turned them on.
pub const HAS_LAB: bool = cfg!(feature = "lab");

/// Which kind of place a fault point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Before an agent's `start`.
    Start,
    /// Before a turn calls `handle`.
    Turn,
    /// At a `cx.step`.
    Step,
    /// In an effect, after all checks and before the call.
    Effect,
    /// Before an agent's `stop` hook.
    Stop,
    /// Before an agent's `on_question`.
    Question,
}

/// One arrival at a fault point.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Whose.
    pub agent: &'a AgentId,
    /// Its name.
    pub name: &'a str,
    /// The kind of place.
    pub phase: Phase,
    /// The effect's kind or the step's name; empty elsewhere.
    pub detail: &'a str,
}

/// What is done at a fault point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// A panic.
    Panic,
    /// The operation fails with this error.
    Error(AgentError),
    /// Never returns, and unwinds when it is cancelled.
    Hang,
    /// Never returns and does not listen to its cancel: it has to be dropped.
    HangDeaf,
    /// Goes on after a pause.
    Slow(Duration),
    /// Blocks its thread for so long: in simulation it is not polled and deaf to cancel and abort until then.
    Block(Duration),
    /// The cell that serves the agent is killed.
    LoseCell,
    /// The cell that serves the agent is lost, and nobody notices.
    MislayCell,
    /// The agent is lost: its place ends, and nothing below it is told.
    Vanish,
    /// The agent is killed.
    Kill,
    /// The agent tries to spawn a child, which a fence must refuse.
    Spawn,
    /// The provider bills this on top of what the call says.
    CostSpike(Usage),
}

impl Fault {
    /// The action's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Error(_) => "error",
            Self::Hang => "hang",
            Self::HangDeaf => "hang_deaf",
            Self::Slow(_) => "slow",
            Self::Block(_) => "block",
            Self::LoseCell => "lose_cell",
            Self::MislayCell => "mislay_cell",
            Self::Vanish => "vanish",
            Self::Kill => "kill",
            Self::Spawn => "spawn",
            Self::CostSpike(_) => "cost_spike",
        }
    }
}

/// Decides at each arrival whether something is done, and what.
pub trait Faults: Send + Sync + 'static {
    /// The number of the rule that applies here and its fault, if one does. Called once an arrival, in the swarm's order.
    fn at(&self, site: &Site<'_>) -> Option<(usize, Fault)>;
}
