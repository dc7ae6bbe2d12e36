//! Why a spawn brought no agent.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::defaults;
use crate::id::AgentId;
use crate::ledger::{Bound, NoRoom, Refusal};
use crate::lifecycle::AgentState;
use crate::policy::FailureClass;
use crate::text::OneLine;

/// Why an agent could not be spawned.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// Something in the spec cannot be.
    #[error("the spec of {name:?} is wrong in {}: {}", OneLine(.field), OneLine(.message))]
    BadSpec {
        /// The agent's name in the spec.
        name: String,
        /// The field.
        field: String,
        /// What is wrong with it, and how to mend it.
        message: String,
    },
    /// A sibling has this name, with another type or other policies.
    #[error("{parent} has a child named {name:?} already, with another type or other policies")]
    NameTaken {
        /// The parent.
        parent: AgentId,
        /// The name.
        name: String,
    },
    /// `start_child`: a child of this name runs, or is being started.
    #[error("{agent} named {name:?} runs already")]
    AlreadyStarted {
        /// The child that runs.
        agent: AgentId,
        /// Its name.
        name: String,
    },
    /// `start_child`: a child of this name is there and does not run; it can be restarted or deleted.
    #[error("{agent} named {name:?} is present already and does not run")]
    AlreadyPresent {
        /// The child that is there.
        agent: AgentId,
        /// Its name.
        name: String,
    },
    /// The parent is stopping, has stopped, or is down between two incarnations.
    #[error("{parent} takes no children: it is {state}")]
    Fenced {
        /// The parent.
        parent: AgentId,
        /// Its state.
        state: AgentState,
    },
    /// The turn, or the branch of it, has a scope of this name open: what is begun in two scopes of one name could not be told
    /// apart after a crash.
    #[error(
        "the turn of {agent} has a scope named {name:?} open already: give scopes that are open side by side different \
         names, with `.named(..)`, or open each in a branch of its own"
    )]
    ScopeOpen {
        /// The agent whose turn it is.
        agent: AgentId,
        /// The name.
        name: String,
    },
    /// The turn that spawns is over, or of an earlier incarnation.
    #[error("the turn of {agent} that spawns is over")]
    StaleTurn {
        /// The agent whose turn it was.
        agent: AgentId,
    },
    /// The turn that spawns was cancelled while a pause held it.
    #[error("the turn of {agent} that spawns was cancelled")]
    Cancelled {
        /// The agent whose turn it was.
        agent: AgentId,
    },
    /// A budget has no room for what is to be kept back for the agent's stop hook.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its parent has as many living children as it may have.
    #[error(
        "{parent} may have {limit} living children: wait until one has ended, or raise `max_children` in its spec"
    )]
    MaxChildren {
        /// The parent.
        parent: AgentId,
        /// How many it may have.
        limit: u32,
    },
    /// It would be too deep in the tree.
    #[error(
        "{ancestor} may have {limit} levels of agents below it: raise `max_depth` of the swarm or `depth` of its budget, \
         or have the work done further up"
    )]
    MaxDepth {
        /// The agent that bounds it: the swarm's root, or one with a budget.
        ancestor: AgentId,
        /// How many levels there may be below that.
        limit: u32,
    },
    /// As many agents live below an ancestor as its budget allows.
    #[error(
        "{ancestor} may have {limit} living agents below it: wait until some have ended, or raise `live_agents` of its budget"
    )]
    MaxLiveAgents {
        /// The agent with the budget.
        ancestor: AgentId,
        /// How many may live below it.
        limit: u32,
    },
    /// The parent has given a number to four billion children, and a number is never given again.
    #[error("{parent} has no number left for a child: spawn in a scope, or under another agent")]
    NumbersUsedUp {
        /// The parent.
        parent: AgentId,
    },
    /// The start failed.
    #[error("{agent} failed to start: {}", OneLine(.message))]
    Start {
        /// The agent.
        agent: AgentId,
        /// One line.
        message: String,
    },
    /// The start said that there is nothing to run.
    #[error("{agent} chose not to start")]
    Ignored {
        /// The agent.
        agent: AgentId,
    },
    /// It was stopped before it had started.
    #[error("{agent} was stopped before it had started")]
    Stopped {
        /// The agent.
        agent: AgentId,
    },
}

impl SpawnError {
    /// Whether to try again.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Start { .. } => Advice::Now,
            Self::Refused(refusal) => refusal.advice(),
            // Between two incarnations it will take children again.
            Self::Fenced { state: AgentState::Starting | AgentState::Restarting, .. } => {
                Advice::After(defaults::RETRY)
            }
            // Where none may live there is never room.
            Self::MaxChildren { limit: 1.., .. } | Self::MaxLiveAgents { limit: 1.., .. } => {
                Advice::After(defaults::RETRY)
            }
            Self::MaxChildren { .. }
            | Self::MaxLiveAgents { .. }
            | Self::BadSpec { .. }
            | Self::NameTaken { .. }
            | Self::AlreadyStarted { .. }
            | Self::AlreadyPresent { .. }
            | Self::MaxDepth { .. }
            | Self::ScopeOpen { .. }
            | Self::NumbersUsedUp { .. }
            | Self::Fenced { .. }
            | Self::StaleTurn { .. }
            | Self::Cancelled { .. }
            | Self::Ignored { .. }
            | Self::Stopped { .. } => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with. What varies in a spec at run time is what a request says, so a spec that
    /// cannot be is the client's.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::BadSpec { .. } => 400,
            Self::NameTaken { .. }
            | Self::AlreadyStarted { .. }
            | Self::AlreadyPresent { .. }
            | Self::ScopeOpen { .. } => 409,
            Self::Refused(_)
            | Self::MaxChildren { .. }
            | Self::MaxDepth { .. }
            | Self::MaxLiveAgents { .. } => 429,
            Self::Start { .. } => 500,
            Self::Fenced { .. }
            | Self::StaleTurn { .. }
            | Self::Cancelled { .. }
            | Self::Ignored { .. }
            | Self::Stopped { .. }
            | Self::NumbersUsedUp { .. } => 503,
        }
    }

    /// The kind of failure that this is to the agent that spawned.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Refused(_) | Self::MaxDepth { .. } => FailureClass::OverBudget,
            Self::MaxChildren { .. } | Self::MaxLiveAgents { .. } => FailureClass::Overloaded,
            Self::Start { .. } => FailureClass::Start,
            Self::Fenced { .. } | Self::Stopped { .. } => FailureClass::Stopped,
            Self::StaleTurn { .. } | Self::Cancelled { .. } => FailureClass::Interrupted,
            Self::BadSpec { .. }
            | Self::NameTaken { .. }
            | Self::AlreadyStarted { .. }
            | Self::AlreadyPresent { .. }
            | Self::ScopeOpen { .. }
            | Self::NumbersUsedUp { .. }
            | Self::Ignored { .. } => FailureClass::Failed,
        }
    }
}

impl From<NoRoom> for SpawnError {
    fn from(NoRoom { ancestor, bound, limit }: NoRoom) -> Self {
        match bound {
            Bound::Children => Self::MaxChildren { parent: ancestor, limit },
            Bound::Depth => Self::MaxDepth { ancestor, limit },
            Bound::LiveAgents => Self::MaxLiveAgents { ancestor, limit },
        }
    }
}

impl SkepError for SpawnError {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(self.class(), self.to_string()).advise(self.advice())
    }
}
