//! What a spec says about an agent's life: when it is restarted, how it is stopped, how often it may fail.
//!
//! The words and their meaning are those of Erlang/OTP's `supervisor`; what OTP does not have (backoff, classes of
//! failure) follows Akka.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::defaults;

/// When a supervisor restarts a child after its end.
///
/// | | ended normally or by an ordered shutdown | failed |
/// |---|---|---|
/// | `Permanent` | restarted | restarted |
/// | `Transient` | not restarted | restarted |
/// | `Temporary` | not restarted | not restarted |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Always.
    Permanent,
    /// Only after a failure.
    Transient,
    /// Never.
    Temporary,
}

/// What the next attempt at a task keeps from the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartMode {
    /// The answers of agents that it asked: an ask is answered only once. Effects are made again, as a restarted OTP process
    /// would.
    #[default]
    Anew,
    /// Effects too: an effect that was done returns its earlier result, and is neither made nor billed again. Two effects are
    /// the same if they have the same kind, the same input and the same position among equal effects in their branch; so a
    /// prompt that contains the last error is a new one. Without a task (in a start or a hook) nothing is kept. Results are
    /// kept in memory, as JSON, until the task has its outcome, and the turn itself gets them as read back from JSON. A value
    /// that does not read back unchanged (a NaN, a map whose keys are not strings) causes the event `result_not_kept`, and its
    /// effect counts as one that may happen only once.
    Resume,
}

/// How much time an agent's turn and stop hook get when it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// None: the turn is dropped at its await and no hook runs.
    Brutal,
    /// This long, but never beyond the stop's deadline.
    Within(Duration),
    /// Until the stop's deadline; a supervisor's default.
    UntilDeadline,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::Within(defaults::SHUTDOWN)
    }
}

impl Shutdown {
    /// At most `limit` for the agent's own turn and hook.
    #[must_use]
    pub const fn within(limit: Duration) -> Self {
        Self::Within(limit)
    }
}

/// Which siblings a restart affects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The child that ended, alone.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// The child that ended and those after it in the list.
    RestForOne,
}

/// How many restarts a supervisor allows in a period before it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intensity {
    /// The number of restarts that are still allowed.
    pub restarts: u32,
    /// The length of the window in which they are counted.
    pub period: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { restarts: defaults::INTENSITY, period: defaults::PERIOD }
    }
}

/// Whether a supervisor ends by itself when its significant children have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoShutdown {
    /// Not by itself.
    #[default]
    Never,
    /// With the first significant child.
    AnySignificant,
    /// With the last significant child.
    AllSignificant,
}

/// A growing pause before each restart, after Akka's `RestartSupervisor.withBackoff`.
///
/// The n-th restart in a row waits `min · 2ⁿ⁻¹`, at most `max`, each lengthened by a random share of it up to `jitter`.
/// After a child has run for `reset_after` without failing, its next pause is `min` again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// The first pause.
    pub min: Duration,
    /// The longest pause, before jitter.
    pub max: Duration,
    /// The largest share by which a pause is lengthened, in thousandths.
    pub jitter_permille: u32,
    /// After this time without a failure, the next pause is the first one again.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            min: defaults::BACKOFF_MIN,
            max: defaults::BACKOFF_MAX,
            jitter_permille: defaults::BACKOFF_JITTER_PERMILLE,
            reset_after: defaults::BACKOFF_RESET,
        }
    }
}

/// What happens to an agent whose supervisor has ended without a stop: it escalated or was lost. There is no choice for an
/// agent that belongs to its parent's task or to a scope, or that its parent's spec declares: it ends with its parent.
///
/// An adopted agent keeps its id and its place in the ledger; only its supervisor changes. A stop of any of its ancestors by
/// id, including the one that is gone, also stops it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orphans {
    /// It is stopped with its subtree.
    #[default]
    Stop,
    /// The nearest living ancestor supervises it from then on.
    Adopt,
    /// As `Adopt`, but only until its current task is over; it accepts no other task. Without a task it is stopped.
    UntilDone,
}

/// Why something failed, as policies tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// An ordinary error returned by `handle`.
    Failed,
    /// A panic, or an agent that said it crashed.
    Bug,
    /// The other side is overloaded or refuses for now.
    Overloaded,
    /// A budget refused what was asked.
    OverBudget,
    /// A task has failed in every attempt.
    Poisoned,
    /// Killed by the interface or by a fault plan.
    Killed,
    /// No progress for longer than the spec allows.
    Stale,
    /// A deadline has passed.
    Deadline,
    /// The turn was interrupted.
    Interrupted,
    /// The agent that was asked has been stopped.
    Stopped,
    /// A start failed.
    Start,
}

impl FailureClass {
    /// The class's name, as it stands in a journal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Bug => "bug",
            Self::Overloaded => "overloaded",
            Self::OverBudget => "over_budget",
            Self::Poisoned => "poisoned",
            Self::Killed => "killed",
            Self::Stale => "stale",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
            Self::Start => "start",
        }
    }
}

/// How an incarnation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// A normal end: its work is done.
    Normal,
    /// An ordered end.
    Shutdown,
    /// It failed.
    Failed {
        /// The kind of failure.
        class: FailureClass,
        /// One line, without payloads.
        message: String,
    },
    /// It is a supervisor whose children failed more often than its intensity allows.
    Escalated {
        /// One line that names the child and the limit.
        message: String,
    },
}

impl Exit {
    /// A failure of a class, with one line about it.
    #[must_use]
    pub fn failed(class: FailureClass, message: impl Into<String>) -> Self {
        Self::Failed { class, message: message.into() }
    }

    /// Whether this is an end that `Transient` restarts: a failure or an escalation.
    #[must_use]
    pub const fn is_abnormal(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Escalated { .. })
    }
}
