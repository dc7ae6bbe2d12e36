//! Why a spawn failed.

use thiserror::Error;

use super::{Advice, AgentError, SkepError};
use crate::words::defaults;
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::refusal::Refusal;
use crate::words::room::{Bound, NoRoom};
use crate::words::state::AgentState;
use crate::words::text::OneLine;

/// Why an agent could not be spawned.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// A field of the spec is invalid.
    #[error("the spec of {name:?} is wrong in {}: {}", OneLine(.field), OneLine(.message))]
    BadSpec {
        /// The agent's name in the spec.
        name: String,
        /// The field.
        field: String,
        /// What is wrong with it, and how to fix it.
        message: String,
    },
    /// A sibling has this name, with another type or other policies.
    #[error("{parent} already has a child named {name:?}, with another type or other policies")]
    NameTaken {
        /// The parent.
        parent: AgentId,
        /// The name.
        name: String,
    },
    /// `start_child`: a child of this name runs, or is being started.
    #[error("{agent} named {name:?} is already running")]
    AlreadyStarted {
        /// The child that runs.
        agent: AgentId,
        /// Its name.
        name: String,
    },
    /// `start_child`: a child of this name is present but not running; it can be restarted or deleted.
    #[error("{agent} named {name:?} is already present, and not running")]
    AlreadyPresent {
        /// The child that is there.
        agent: AgentId,
        /// Its name.
        name: String,
    },
    /// The parent is stopping, has stopped, or is down between two incarnations.
    #[error("{parent} accepts no children: it is {state}")]
    Fenced {
        /// The parent.
        parent: AgentId,
        /// Its state.
        state: AgentState,
    },
    /// The turn, or its branch, already has an open scope of this name: after a crash, two scopes of one name could not be
    /// told apart.
    #[error(
        "the turn of {agent} already has an open scope named {name:?}: give scopes that are open together different \
         names with `.named(..)`, or open each in its own branch"
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
    /// A budget has no room for the reserve of the agent's stop hook.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its parent has as many living children as it may have.
    #[error(
        "the limit of living children of {parent} is {limit}: wait until one has ended, or raise `max_children` in its spec"
    )]
    MaxChildren {
        /// The parent.
        parent: AgentId,
        /// How many it may have.
        limit: u32,
    },
    /// The agent would be too deep in the tree.
    #[error(
        "the limit of levels below {ancestor} is {limit}: raise `max_depth` of the swarm or `depth` of its budget, \
         or do the work further up"
    )]
    MaxDepth {
        /// The agent that bounds it: the swarm's root, or one with a budget.
        ancestor: AgentId,
        /// How many levels there may be below that.
        limit: u32,
    },
    /// As many agents live below an ancestor as its budget allows.
    #[error(
        "the limit of living agents below {ancestor} is {limit}: wait until some have ended, or raise `live_agents` of its budget"
    )]
    MaxLiveAgents {
        /// The agent with the budget.
        ancestor: AgentId,
        /// How many may live below it.
        limit: u32,
    },
    /// The parent has numbered four billion children, and numbers are never reused.
    #[error("{parent} has used up its numbers for children: spawn in a scope, or under another agent")]
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
    /// The start returned *ignore*: there is nothing to run.
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

    /// The HTTP status that a service answers with. What varies in a spec at run time usually comes from a request, so an
    /// invalid spec counts as the client's mistake.
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
