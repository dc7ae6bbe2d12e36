//! The states of an agent, and which may follow which.
//!
//! The state is a fold over the agent's events; nobody sets it. The *working* state says what is open in the turn: a
//! stream, else an effect in its call, else a wait, else nothing, which is thinking.
//!
//! | event | state |
//! |---|---|
//! | `AgentSpawned` | starting |
//! | `AgentStarted` | idle |
//! | `TurnBegan` | thinking |
//! | effects, streams and waits that begin or end in the turn, effects that are tried again | the working state |
//! | `TurnEnded`, `TaskRedelivered` | idle, if a turn was open |
//! | `AgentExited` | restarting; a stopping agent stays stopping |
//! | `AgentRestarting` | restarting |
//! | `AgentStopping` | stopping |
//! | `AgentStopped` | stopped |
//! | `AgentPaused` | paused |
//! | `AgentResumed` | where it was, and has come to meanwhile |
//! | any other | as it was |
//!
//! The root and scopes live by the same table; they only never have a turn.
//!
//! # Invariants
//! 1. A turn is open exactly in a working state.
//! 2. Only what has begun in the open turn counts for it. So what ends late, after its turn or after the agent, changes
//!    nothing, and neither does what a hook does between turns.
//! 3. A refused event changes nothing.
//! 4. After `stopped` nothing begins: no life, no turn, no effect, no wait. The one way back is to be spawned again, which
//!    a supervisor does with a child that ended while its spec stood (OTP's S3): that is a new life's first event.
//! 5. Paused lies over the state and hides it. Beneath it an agent's turn may end and its incarnation may be ended, as an
//!    interrupt or a kill does; a stop takes it off.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use crate::words::state::{AgentState, StopReason};

use crate::words::event::What;

/// A change of state that the table does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("an agent that is {from} cannot become {to}")]
pub struct BadTransition {
    /// The state it is in.
    pub from: AgentState,
    /// The state that was to follow.
    pub to: AgentState,
}

/// An agent's state together with what is open in its turn, folded event by event. It begins as starting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    state: AgentState,
    /// In their order, each once. A list, since mostly it is empty or of one, and keeps its room.
    open: Vec<Open>,
    #[serde(default)]
    is_paused: bool,
}

/// What is open in a turn. What says more about the turn comes first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Open {
    Stream(u64),
    Effect(u64),
    Wait(u64),
}

impl Lifecycle {
    /// The state now.
    #[must_use]
    pub const fn state(&self) -> &AgentState {
        if self.is_paused { &AgentState::Paused } else { &self.state }
    }

    /// Whether a turn is open, be it held by a pause.
    pub(crate) const fn has_turn(&self) -> bool {
        self.state.is_working()
    }

    /// Whether its incarnation has ended and the next has not begun, be it held by a pause.
    pub(crate) const fn is_down(&self) -> bool {
        matches!(self.state, AgentState::Restarting)
    }

    /// Takes one event of the agent in.
    ///
    /// # Errors
    /// [`BadTransition`] if the event brings about a state that cannot follow; nothing is changed then.
    pub fn apply(&mut self, what: &What) -> Result<(), BadTransition> {
        match what {
            What::AgentSpawned { .. } if !self.state.is_live() => {
                *self = Self::default();
                Ok(())
            }
            What::AgentSpawned { .. } => self.enter(AgentState::Starting),
            What::AgentStarted => self.enter(AgentState::Idle),
            What::AgentExited { .. } if self.state == AgentState::Stopping => Ok(()),
            What::AgentExited { .. } | What::AgentRestarting { .. } => self.enter(AgentState::Restarting),
            What::AgentStopping { .. } => self.end(AgentState::Stopping),
            What::AgentStopped { reason, .. } => self.end(AgentState::Stopped(reason.clone())),
            What::AgentPaused if self.state.may_become(&AgentState::Paused) => {
                self.is_paused = true;
                Ok(())
            }
            What::AgentPaused => Err(BadTransition { from: self.state.clone(), to: AgentState::Paused }),
            What::AgentResumed => {
                self.is_paused = false;
                Ok(())
            }
            What::TurnBegan { .. } => self.enter(AgentState::Thinking),
            What::TurnEnded | What::TaskRedelivered { .. } if self.state.is_working() => {
                self.enter(AgentState::Idle)
            }
            What::EffectBegan { effect, .. } => self.begin(Open::Effect(*effect)),
            What::StreamBegan { effect } => {
                if self.close(Open::Effect(*effect)) {
                    self.open(Open::Stream(*effect));
                }
                self.work()
            }
            What::EffectRetried { effect, .. } => {
                if self.close(Open::Stream(*effect)) {
                    self.open(Open::Effect(*effect));
                }
                self.work()
            }
            What::EffectEnded { effect, .. } => {
                self.close(Open::Effect(*effect));
                self.close(Open::Stream(*effect));
                self.work()
            }
            What::WaitBegan { wait, .. } => self.begin(Open::Wait(*wait)),
            What::WaitEnded { wait } => {
                self.close(Open::Wait(*wait));
                self.work()
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, begun: Open) {
        if let Err(at) = self.open.binary_search(&begun) {
            self.open.insert(at, begun);
        }
    }

    /// Says whether it was open.
    fn close(&mut self, ended: Open) -> bool {
        let at = self.open.binary_search(&ended);
        at.map(|at| self.open.remove(at)).is_ok()
    }

    /// Goes over into a state in which nothing is open.
    fn enter(&mut self, next: AgentState) -> Result<(), BadTransition> {
        let stays = self.state.is_live() && self.state == next;
        if !stays && !self.state.may_become(&next) {
            return Err(BadTransition { from: self.state.clone(), to: next });
        }
        self.open.clear();
        self.state = next;
        Ok(())
    }

    /// Goes over into an end, paused or not.
    fn end(&mut self, next: AgentState) -> Result<(), BadTransition> {
        self.enter(next)?;
        self.is_paused = false;
        Ok(())
    }

    fn begin(&mut self, begun: Open) -> Result<(), BadTransition> {
        if !self.state.is_live() {
            return Err(BadTransition { from: self.state.clone(), to: begun.shows() });
        }
        if self.state.is_working() {
            self.open(begun);
        }
        self.work()
    }

    fn work(&mut self) -> Result<(), BadTransition> {
        if self.state.is_working() {
            self.state = self.open.first().map_or(AgentState::Thinking, |open| open.shows());
        }
        Ok(())
    }
}

impl Open {
    const fn shows(self) -> AgentState {
        match self {
            Self::Stream(_) => AgentState::Streaming,
            Self::Effect(_) => AgentState::ToolExecution,
            Self::Wait(_) => AgentState::Waiting,
        }
    }
}
