//! What of a swarm goes to the log: each event once, in words where somebody may have to act on it.
//!
//! | level | what |
//! |---|---|
//! | warn | crashes, panics, failed starts, agents that are given up or stuck, stale turns, poisoned tasks, overruns, orphans |
//! | info | begins and ends of the session, of stops and of pauses; grants, changes of policy, faults of a plan |
//! | debug | the lives of agents, their supervisors' reports, what is refused or tried again |
//! | trace | tasks, turns, effects, waits, a user's own events |
//!
//! `docs/observability.md` is for people, with the fields.

mod sentence;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Level};

use crate::env::hush::aloud;
use crate::journal::logging::sentence::Words;
use crate::words::ends::End;
use crate::words::error::Panic;
use crate::words::event::{Event, Outcome, What};
use crate::words::id::AgentId;
use crate::words::state::StopReason;

/// Where a swarm's log goes.
pub(crate) struct LogOutput(Option<Dispatch>);

macro_rules! say {
    ($apart:expr, $level:expr, $($said:tt)+) => {
        if $apart {
            tracing::event!(target: "skep", parent: None, $level, $($said)+)
        } else {
            tracing::event!(target: "skep", $level, $($said)+)
        }
    };
}

impl LogOutput {
    /// To the subscriber of whoever starts the swarm if it is a thread's own, for the control thread does not know it; else to
    /// that of the process, whenever it comes.
    pub(crate) fn from_here() -> Self {
        let is_one = |to: &Dispatch| !to.is::<tracing::subscriber::NoSubscriber>();
        Self(tracing::dispatcher::get_default(|to| is_one(to).then(|| to.clone())))
    }

    /// Whether anybody may want to be told of an event.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let most = LevelFilter::current();
        most != LevelFilter::OFF && level(&event.what) <= most
    }

    /// Tells an event of an agent.
    pub(crate) fn event(&self, event: &Event, name: &str) {
        let level = level(&event.what);
        let (seq, agent, incarnation) = (event.seq, event.agent.as_str(), event.incarnation);
        let (task, kind) = (event.task.as_ref().map(tracing::field::display), event.what.name());
        let words = Words { event, name };
        aloud(self.0.as_ref(), |apart| match (level, &event.what) {
            (_, What::Panicked { panic, .. }) => {
                let (place, backtrace) = (panic.place(), panic.backtrace());
                say!(
                    apart,
                    Level::WARN,
                    seq,
                    agent,
                    name,
                    incarnation,
                    task,
                    event = kind,
                    place,
                    backtrace,
                    "{words}"
                );
            }
            (Level::WARN, _) => {
                say!(apart, Level::WARN, seq, agent, name, incarnation, task, event = kind, "{words}");
            }
            (Level::INFO, _) => {
                say!(apart, Level::INFO, seq, agent, name, incarnation, task, event = kind, "{words}");
            }
            (Level::DEBUG, what) => {
                say!(
                    apart,
                    Level::DEBUG,
                    seq,
                    agent,
                    name,
                    incarnation,
                    task,
                    event = kind,
                    ?what,
                    "{words}"
                );
            }
            (_, what) => {
                say!(
                    apart,
                    Level::TRACE,
                    seq,
                    agent,
                    name,
                    incarnation,
                    task,
                    event = kind,
                    ?what,
                    "{words}"
                );
            }
        });
    }

    /// Tells of a panic that came when there was nobody left whose event it could be.
    pub(crate) fn late_panic(&self, agent: &AgentId, name: &str, part: &str, panic: &Panic) {
        let (place, backtrace) = (panic.place(), panic.backtrace());
        let words = format!("{name} ({agent}): {part} {panic}, after its end");
        let agent = agent.as_str();
        aloud(self.0.as_ref(), |apart| {
            say!(apart, Level::WARN, agent, name, event = "panicked", place, backtrace, "{words}");
        });
    }
}

/// How loud an event is told.
fn level(what: &What) -> Level {
    match what {
        What::AgentStartFailed { .. }
        | What::Panicked { .. }
        | What::TurnStale { .. }
        | What::CellLost
        | What::OrphanFound { .. }
        | What::Overrun { .. }
        | What::BudgetWarned { .. }
        | What::TaskEnded { outcome: Outcome::Poisoned }
        | What::AgentStopped { end: Some(End::Stuck), .. }
        | What::AgentStopped { reason: StopReason::Failed { .. } | StopReason::Escalated { .. }, .. } => {
            Level::WARN
        }
        What::AgentExited { exit } if exit.is_abnormal() => Level::WARN,
        What::StopEnded { stuck, .. } if *stuck > 0 => Level::WARN,
        What::SessionBegan { .. }
        | What::SessionEnded
        | What::StopBegan { .. }
        | What::StopEnded { .. }
        | What::PauseBegan { .. }
        | What::PauseStands { .. }
        | What::PauseEnded
        | What::BudgetGranted { .. }
        | What::PolicyChanged(_)
        | What::ChildPolicyChanged(_)
        | What::AgentAdopted { .. }
        | What::Reported { .. }
        | What::FaultInjected { .. } => Level::INFO,
        What::AgentSpawned { .. }
        | What::AgentStarted
        | What::AgentExited { .. }
        | What::AgentRestarting { .. }
        | What::AgentStopping { .. }
        | What::AgentStopped { .. }
        | What::SpecDropped
        | What::AgentPaused
        | What::AgentResumed
        | What::SupervisorReport(_)
        | What::EffectRefused { .. }
        | What::EffectRetried { .. }
        | What::TaskRedelivered { .. }
        | What::TurnInterrupted
        | What::HoldingTaken { .. }
        | What::HoldingReleased { .. } => Level::DEBUG,
        _ => Level::TRACE,
    }
}
