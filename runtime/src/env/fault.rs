//! Fault points: the places at which a plan may break an agent, and what it may do there.
//!
//! The points are compiled in by the feature `lab` alone. What decides is a value outside the runtime that implements
//! [`Faults`]; the runtime performs the fault and records it as an event.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::defaults;
use crate::words::error::{Advice, AgentError};
use crate::words::id::AgentId;
use crate::words::policy::FailureClass;
use crate::words::usage::Usage;

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
    /// Where a task is put into its agent's mailbox: what is done there is done to the message.
    Deliver,
    /// In a call of a model, once a try: what is done there is done by the provider.
    Model,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Turn,
        Self::Step,
        Self::Effect,
        Self::Stop,
        Self::Question,
        Self::Deliver,
        Self::Model,
    ];

    /// Its name, as it stands in a plan.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Turn => "turn",
            Self::Step => "step",
            Self::Effect => "effect",
            Self::Stop => "stop",
            Self::Question => "question",
            Self::Deliver => "deliver",
            Self::Model => "model",
        }
    }

    /// What the detail of its points is; none if they have none.
    #[must_use]
    pub const fn detail(self) -> Option<&'static str> {
        match self {
            Self::Start | Self::Turn | Self::Stop => None,
            Self::Step => Some("the step's name"),
            Self::Effect => Some("the effect's kind"),
            Self::Question => Some("what the question is about"),
            Self::Deliver => Some("`ask` or `tell`"),
            Self::Model => Some("the model's name"),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
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
    /// What [`Phase::detail`] says; empty where it says nothing.
    pub detail: &'a str,
}

/// What is done at a fault point. [`Fault::phases`] says where each makes sense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// A panic.
    Panic,
    /// The operation fails with this error.
    Error(AgentError),
    /// There is nothing to start: OTP's *ignore*.
    Ignore,
    /// Never returns, and unwinds when it is cancelled.
    Hang,
    /// Never returns and does not listen to its cancel: it has to be dropped.
    HangDeaf,
    /// Goes on after a pause.
    Slow(Duration),
    /// Blocks its thread for so long: in simulation it is not polled and deaf to cancel and abort until then.
    Block(Duration),
    /// The agent is paused with its subtree at its next await, and resumed after so long.
    Pause(Duration),
    /// The cell that serves the agent is killed.
    LoseCell,
    /// The cell that serves the agent is lost, and nobody notices.
    MislayCell,
    /// What the turn shows of its progress from here on is not seen: it is found stale though it lives.
    LoseHeartbeat,
    /// The agent is lost, as by a bug of the runtime: its place ends, and nothing below it is told. A sweep finds what it leaves,
    /// or the stop that comes first.
    Vanish,
    /// The agent is killed.
    Kill,
    /// The agent and all below it are killed, each by itself, so that each supervisor hears of it while it is killed too.
    KillSubtree,
    /// The agent's supervisor is killed; a scope or the root, which have no life of their own, cannot be.
    KillSupervisor,
    /// The agent tries to spawn a child, which a fence must refuse.
    Spawn,
    /// The clock moves on by so much at once, and nobody ran meanwhile: a machine that slept. In simulation alone.
    JumpClock(Duration),
    /// The provider bills this on top of what the call says.
    CostSpike(Usage),
    /// The other side does not answer in time.
    Timeout,
    /// The other side turns the call away and says when to come again: HTTP's 429.
    RateLimited(Duration),
    /// The other side fails with this HTTP status, of 500 and more.
    Unavailable(u16),
    /// The answer breaks off.
    Cut,
    /// The answer comes and means nothing.
    Garbage,
    /// The message never arrives: its asker's deadline passes; one that was told ends with its agent.
    Drop,
    /// The message arrives twice; the second time is refused, for a task has one outcome.
    Duplicate,
    /// The message arrives so much later.
    Delay(Duration),
    /// The message overtakes all that waits.
    Reorder,
    /// The mailbox is full for so long.
    FillMailbox(Duration),
    /// The drop of the task that arrives here, or of the output that the turn makes, panics.
    PanicInDrop,
    /// That drop blocks its thread for so long. In simulation it takes so long, and nobody waits for it.
    SlowDrop(Duration),
}

/// Where an agent does something of its own.
const WORK: &[Phase] = &[Phase::Start, Phase::Turn, Phase::Step, Phase::Effect, Phase::Stop, Phase::Question];

/// Where a task is worked on.
const TASK: &[Phase] = &[Phase::Turn, Phase::Step, Phase::Effect];

impl Fault {
    /// The action's name, as it stands in a plan.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Error(_) => "error",
            Self::Ignore => "ignore",
            Self::Hang => "hang",
            Self::HangDeaf => "hang_deaf",
            Self::Slow(_) => "slow",
            Self::Block(_) => "block",
            Self::Pause(_) => "pause",
            Self::LoseCell => "lose_cell",
            Self::MislayCell => "mislay_cell",
            Self::LoseHeartbeat => "lose_heartbeat",
            Self::Vanish => "vanish",
            Self::Kill => "kill",
            Self::KillSubtree => "kill_subtree",
            Self::KillSupervisor => "kill_supervisor",
            Self::Spawn => "spawn",
            Self::JumpClock(_) => "jump_clock",
            Self::CostSpike(_) => "cost_spike",
            Self::Timeout => "timeout",
            Self::RateLimited(_) => "rate_limited",
            Self::Unavailable(_) => "unavailable",
            Self::Cut => "cut",
            Self::Garbage => "garbage",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Delay(_) => "delay",
            Self::Reorder => "reorder",
            Self::FillMailbox(_) => "fill_mailbox",
            Self::PanicInDrop => "panic_in_drop",
            Self::SlowDrop(_) => "slow_drop",
        }
    }

    /// Whether it is done when what comes into being at its point is dropped.
    #[must_use]
    pub const fn is_in_drop(&self) -> bool {
        matches!(self, Self::PanicInDrop | Self::SlowDrop(_))
    }

    /// The phases at which it can be done.
    #[must_use]
    pub const fn phases(&self) -> &'static [Phase] {
        match self {
            Self::Panic
            | Self::Error(_)
            | Self::Hang
            | Self::HangDeaf
            | Self::Block(_)
            | Self::LoseCell
            | Self::MislayCell
            | Self::Kill
            | Self::KillSubtree
            | Self::KillSupervisor
            | Self::Spawn
            | Self::JumpClock(_) => WORK,
            Self::Slow(_) => &[
                Phase::Start,
                Phase::Turn,
                Phase::Step,
                Phase::Effect,
                Phase::Stop,
                Phase::Question,
                Phase::Model,
            ],
            Self::Ignore => &[Phase::Start],
            Self::Pause(_) | Self::LoseHeartbeat | Self::Vanish => TASK,
            Self::CostSpike(_) => &[Phase::Effect],
            Self::Timeout | Self::RateLimited(_) | Self::Unavailable(_) | Self::Cut | Self::Garbage => {
                &[Phase::Effect, Phase::Model]
            }
            Self::Drop | Self::Duplicate | Self::Delay(_) | Self::Reorder | Self::FillMailbox(_) => {
                &[Phase::Deliver]
            }
            Self::PanicInDrop | Self::SlowDrop(_) => &[Phase::Turn, Phase::Deliver],
        }
    }

    /// What an effect's try fails with where the other side does this: an error whose advice the retries heed.
    #[must_use]
    pub fn as_error(&self) -> Option<AgentError> {
        let (class, text, advice) = match self {
            Self::Error(error) => return Some(error.clone()),
            Self::Ignore => return Some(AgentError::ignore()),
            Self::Timeout => (FailureClass::Deadline, "the call timed out".to_owned(), Advice::Now),
            Self::RateLimited(after) => (
                FailureClass::Overloaded,
                "the rate limit is reached (429)".to_owned(),
                Advice::After(*after),
            ),
            Self::Unavailable(status @ (503 | 529)) => {
                let advice = Advice::After(defaults::RETRY);
                (FailureClass::Overloaded, format!("the other side is overloaded ({status})"), advice)
            }
            Self::Unavailable(status) => {
                (FailureClass::Failed, format!("the other side failed ({status})"), Advice::Now)
            }
            Self::Cut => (FailureClass::Failed, "the answer was cut off".to_owned(), Advice::Now),
            Self::Garbage => (FailureClass::Failed, "the answer cannot be read".to_owned(), Advice::Now),
            _ => return None,
        };
        Some(AgentError::new(class, text).advise(advice))
    }
}

/// Decides at each arrival whether something is done, and what.
pub trait Faults: Send + Sync + 'static {
    /// The number of the rule that applies here and its fault, if one does. Called once an arrival, in the swarm's order, and
    /// under locks of the runtime: it must not call into the swarm.
    fn at(&self, site: &Site<'_>) -> Option<(usize, Fault)>;

    /// Moves the swarm's clock on at once, if it can: the runtime follows a clock and has none to move.
    fn jump_clock(&self, by: Duration);

    /// What an agent does there waits for nothing that a simulated world knows (no sleep, no ask, nothing that is awaited as
    /// being outside), or does so no longer. Real things take no virtual time: if that is one, the clock jumps over it.
    fn waits_blindly(&self, site: &Site<'_>, waits: bool) {
        let _ = (site, waits);
    }
}

/// Whether a panic on this thread is caught by a swarm, which hears of it itself: a hook of somebody else's passes it on.
#[cfg(feature = "lab")]
#[must_use]
pub fn is_caught() -> bool {
    crate::env::quiet::is_caught()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_has_the_name_that_it_has_in_a_plan() {
        for phase in Phase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.name());
        }
    }

    #[test]
    fn what_the_other_side_does_says_how_to_go_on() {
        let advice = |fault: Fault| fault.as_error().map(|error| (error.class(), error.advice()));
        let after = Duration::from_secs(7);
        assert_eq!(advice(Fault::RateLimited(after)), Some((FailureClass::Overloaded, Advice::After(after))));
        assert_eq!(advice(Fault::Unavailable(500)), Some((FailureClass::Failed, Advice::Now)));
        assert_eq!(
            advice(Fault::Unavailable(529)),
            Some((FailureClass::Overloaded, Advice::After(defaults::RETRY)))
        );
        assert_eq!(advice(Fault::Timeout), Some((FailureClass::Deadline, Advice::Now)));
        assert_eq!(advice(Fault::Panic), None);
    }
}
