//! The errors of the runtime: one enum for each operation, each with advice on whether to try again.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::AgentId;
use crate::ledger::Refusal;
use crate::lifecycle::StopReason;
use crate::policy::FailureClass;

/// Whether trying again is safe and makes sense. It is for whoever asked; nothing is redelivered because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// At once.
    Now,
    /// After a while.
    After(Duration),
    /// Not.
    Never,
}

/// What an agent's `handle` failed with: a value that goes to the asker, the journal and the next attempt.
///
/// Display is one line. Nothing of a prompt, key or payload is put into it by the runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentError {
    class: FailureClass,
    advice: Advice,
    message: String,
    chain: Vec<String>,
    #[serde(default)]
    crash: bool,
    #[serde(default)]
    redeliver: bool,
    #[serde(default)]
    ignore: bool,
}

impl AgentError {
    /// A failure with a message.
    #[must_use]
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            class,
            advice: Advice::Never,
            message,
            chain: Vec::new(),
            crash: false,
            redeliver: false,
            ignore: false,
        }
    }

    /// Somebody else's error as an ordinary failure; its sources are kept as text.
    #[must_use]
    pub fn failed(error: impl std::error::Error) -> Self {
        let mut chain = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push(cause.to_string());
            source = cause.source();
        }
        Self { chain, ..Self::new(FailureClass::Failed, error.to_string()) }
    }

    /// An ordinary failure in words.
    #[must_use]
    pub fn message(text: impl Into<String>) -> Self {
        Self::new(FailureClass::Failed, text)
    }

    /// Returned by `handle`, this is a crash: the incarnation ends, the task counts an attempt and comes again.
    #[must_use]
    pub fn crash(text: impl Into<String>) -> Self {
        Self { crash: true, ..Self::new(FailureClass::Bug, text) }
    }

    /// Returned by `handle`, the same task is delivered again to the same incarnation; it counts as an attempt.
    #[must_use]
    pub fn redeliver(error: impl Into<Self>) -> Self {
        Self { redeliver: true, ..error.into() }
    }

    /// Returned by `start`, there is nothing to run now, and that is no failure: OTP's *ignore*.
    #[must_use]
    pub fn ignore() -> Self {
        Self { ignore: true, ..Self::new(FailureClass::Start, "there is nothing to run") }
    }

    /// The same with advice for the asker.
    #[must_use]
    pub const fn advise(mut self, advice: Advice) -> Self {
        self.advice = advice;
        self
    }

    /// The kind of failure.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        self.class
    }

    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        self.advice
    }

    /// The causes, outermost first.
    #[must_use]
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    pub(crate) const fn is_crash(&self) -> bool {
        self.crash
    }

    pub(crate) const fn is_ignore(&self) -> bool {
        self.ignore
    }

    pub(crate) const fn wants_redelivery(&self) -> bool {
        self.redeliver
    }

    /// Whether another attempt at the task would only pay again: what failed in a child's last attempt, or for want of money.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self.class, FailureClass::Poisoned | FailureClass::OverBudget)
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.chain {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for AgentError {}

/// Why an agent could not be spawned.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// Something in the spec cannot be.
    #[error("the spec of {name:?} is wrong in {field}: {message}")]
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
    /// The parent is stopping, has stopped, or is down between two incarnations.
    #[error("{parent} takes no children: it is {state}")]
    Fenced {
        /// The parent.
        parent: AgentId,
        /// Its state.
        state: String,
    },
    /// The turn that spawns is over, or of an earlier incarnation.
    #[error("the turn of {agent} that spawns is over")]
    StaleTurn {
        /// The agent whose turn it was.
        agent: AgentId,
    },
    /// A limit of depth or of live agents.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The start failed.
    #[error("{agent} failed to start: {message}")]
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
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Start { .. } => Advice::Now,
            Self::Refused(_) => Advice::After(Duration::from_secs(1)),
            _ => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::BadSpec { .. } => 400,
            Self::NameTaken { .. } => 409,
            Self::Refused(_) => 429,
            _ => 503,
        }
    }
}

/// Why an ask has no output. A task that was not consumed comes back in it.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum AskError<T> {
    /// `handle` returned an error.
    #[error("{0} failed: {1}")]
    Failed(AgentId, AgentError),
    /// The task crashed its agent in every attempt; the errors in order.
    #[error("{agent} crashed in every attempt: {}", last(.errors))]
    Poisoned {
        /// The agent.
        agent: AgentId,
        /// What each attempt failed with, in order.
        errors: Vec<AgentError>,
    },
    /// The turn was interrupted.
    #[error("{0} was interrupted")]
    Interrupted(AgentId),
    /// The deadline passed.
    #[error("{0} did not answer within its deadline")]
    Expired(AgentId),
    /// The mailbox is full; `ask` would wait, `try_ask` does not.
    #[error("the mailbox of {0} is full")]
    MailboxFull(AgentId, T),
    /// The agent has ended or is stopping. The task comes back where no turn had begun it.
    #[error("{0} takes no task: {1}")]
    Stopped(AgentId, StopReason, Option<T>),
    /// The asker's own turn was cancelled.
    #[error("the turn that asked {0} was cancelled")]
    Cancelled(AgentId),
}

fn last(errors: &[AgentError]) -> String {
    errors.last().map(ToString::to_string).unwrap_or_default()
}

/// Without the task, whose type need not be printable and whose content is nobody's business.
impl<T> fmt::Debug for AskError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Failed(..) => "Failed",
            Self::Poisoned { .. } => "Poisoned",
            Self::Interrupted(..) => "Interrupted",
            Self::Expired(..) => "Expired",
            Self::MailboxFull(..) => "MailboxFull",
            Self::Stopped(..) => "Stopped",
            Self::Cancelled(..) => "Cancelled",
        };
        write!(f, "{name}({self})")
    }
}

impl<T> AskError<T> {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Failed(_, error) => error.advice(),
            Self::MailboxFull(..) | Self::Expired(_) => Advice::Now,
            _ => Advice::Never,
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Failed(_, error) => match error.class() {
                FailureClass::OverBudget | FailureClass::Overloaded => 429,
                _ => 502,
            },
            Self::Poisoned { .. } => 500,
            Self::Expired(_) => 504,
            Self::MailboxFull(..) => 429,
            Self::Interrupted(_) | Self::Stopped(..) | Self::Cancelled(_) => 503,
        }
    }

    /// The kind of failure that this is to the agent that asked.
    #[must_use]
    pub const fn class(&self) -> FailureClass {
        match self {
            Self::Failed(_, error) => error.class(),
            Self::Poisoned { .. } => FailureClass::Poisoned,
            Self::Interrupted(_) | Self::Cancelled(_) => FailureClass::Interrupted,
            Self::Expired(_) => FailureClass::Deadline,
            Self::MailboxFull(..) => FailureClass::Overloaded,
            Self::Stopped(..) => FailureClass::Stopped,
        }
    }
}

impl<T> From<AskError<T>> for AgentError {
    fn from(error: AskError<T>) -> Self {
        let wrapped = Self::new(error.class(), error.to_string()).advise(error.advice());
        match error {
            AskError::Failed(_, inner) => Self { chain: inner.chain, ..wrapped },
            _ => wrapped,
        }
    }
}

impl From<SpawnError> for AgentError {
    fn from(error: SpawnError) -> Self {
        let class = match &error {
            SpawnError::Refused(_) => FailureClass::OverBudget,
            SpawnError::Start { .. } => FailureClass::Start,
            SpawnError::Fenced { .. } | SpawnError::Stopped { .. } => FailureClass::Stopped,
            _ => FailureClass::Failed,
        };
        Self::new(class, error.to_string()).advise(error.advice())
    }
}

/// Why an effect has no result.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum EffectError {
    /// The call failed in its last try.
    #[error("{kind} failed: {error}")]
    Failed {
        /// The effect's kind.
        kind: String,
        /// What the call said.
        error: AgentError,
    },
    /// A budget has no room for the worst case.
    #[error("{kind} was refused: {refusal}")]
    OverBudget {
        /// The effect's kind.
        kind: String,
        /// Which ancestor refused, and what is left.
        refusal: Refusal,
    },
    /// A link of the chain refused it.
    #[error("{kind} was refused by {link}: {message}")]
    Refused {
        /// The effect's kind.
        kind: String,
        /// The link.
        link: String,
        /// Why.
        message: String,
    },
    /// Its deadline passed.
    #[error("{kind} did not end within its deadline")]
    Expired {
        /// The effect's kind.
        kind: String,
    },
    /// The turn is cancelled, over, or of an earlier incarnation.
    #[error("{kind} was cancelled with its turn")]
    Cancelled {
        /// The effect's kind.
        kind: String,
    },
}

impl EffectError {
    /// Whether to try again.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        match self {
            Self::Failed { error, .. } => error.advice(),
            Self::Expired { .. } => Advice::Now,
            _ => Advice::Never,
        }
    }
}

impl From<EffectError> for AgentError {
    fn from(error: EffectError) -> Self {
        let (advice, text) = (error.advice(), error.to_string());
        let (class, chain) = match error {
            EffectError::Failed { error, .. } => (error.class, error.chain),
            EffectError::OverBudget { .. } => (FailureClass::OverBudget, Vec::new()),
            EffectError::Refused { .. } => (FailureClass::Failed, Vec::new()),
            EffectError::Expired { .. } => (FailureClass::Deadline, Vec::new()),
            EffectError::Cancelled { .. } => (FailureClass::Interrupted, Vec::new()),
        };
        Self { chain, ..Self::new(class, text).advise(advice) }
    }
}

/// Why `swarm.run` has no output.
#[derive(Clone, PartialEq, Error)]
pub enum RunError<T> {
    /// The agent could not be spawned; the task comes back.
    #[error("{0}")]
    Spawn(SpawnError, Box<T>),
    /// The task had no output.
    #[error(transparent)]
    Ask(#[from] AskError<T>),
}

impl<T> fmt::Debug for RunError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn(error, _) => write!(f, "Spawn({error})"),
            Self::Ask(error) => write!(f, "Ask({error})"),
        }
    }
}

/// Why no agent could be found under a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// Nobody has it.
    #[error("no live agent is named {0:?}")]
    Unknown(String),
    /// More than one agent has it.
    #[error("{1} live agents are named {0:?}: look it up under its parent")]
    Ambiguous(String, usize),
    /// Its type is another.
    #[error("the agent named {name:?} is a {found}, not a {wanted}")]
    OtherType {
        /// The name.
        name: String,
        /// The type it has.
        found: String,
        /// The type that was asked for.
        wanted: String,
    },
}

/// Why a swarm could not start.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something in the builder cannot be.
    #[error("the swarm cannot start, {field} is wrong: {message}")]
    BadField {
        /// The field.
        field: String,
        /// What is wrong with it, and how to mend it.
        message: String,
    },
}
