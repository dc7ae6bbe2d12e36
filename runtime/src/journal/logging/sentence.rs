//! An event as a sentence: `worker (s.1) crashed: panicked at src/worker.rs:12:9: index out of bounds`.

use std::fmt;

use crate::words::event::{Event, Outcome, What};
use crate::words::policy::{Exit, FailureClass};
use crate::words::text::OneLine;

/// Shows an event with its agent's name and id, on one line. What only a person who looks closely wants to know is told by its
/// type alone.
pub(super) struct Words<'a> {
    pub(super) event: &'a Event,
    pub(super) name: &'a str,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) ", OneLine(self.name), self.event.agent)?;
        match &self.event.what {
            What::SessionBegan { .. } => f.write_str("has begun its session"),
            What::SessionEnded => f.write_str("has ended its session: nothing is left running"),
            What::AgentStartFailed { message } => write!(f, "failed to start: {}", OneLine(message)),
            What::AgentExited { exit } => exited(exit, f),
            What::AgentRestarting { pause } => write!(f, "is started again in {pause:?}"),
            What::AgentStopped { reason, end: None, .. } => write!(f, "has ended for good: {reason}"),
            What::AgentStopped { reason, end: Some(end), .. } => {
                write!(f, "has ended for good: {reason}, {}", format!("{end:?}").to_lowercase())
            }
            What::Panicked { part, panic } => write!(f, "{} {panic}", OneLine(part)),
            What::TurnStale { silent } => write!(f, "showed no progress in a turn for {silent:.1?}"),
            What::CellLost => f.write_str("lost its cell and got a new one"),
            What::OrphanFound { found, dealt } => {
                write!(f, "was found to be {found:?}, action taken: {dealt:?}")
            }
            What::Overrun { over, .. } => write!(f, "was billed {over} above the worst case of an effect"),
            What::BudgetWarned { permille } => {
                write!(f, "has spent {}.{} % of its budget", permille / 10, permille % 10)
            }
            What::BudgetGranted { more } => write!(f, "was granted more: {more:?}"),
            What::TaskEnded { outcome } => {
                let task = self.event.task.as_ref().map(ToString::to_string).unwrap_or_default();
                match outcome {
                    Outcome::Poisoned => write!(f, "failed at {task} in every attempt"),
                    outcome => write!(f, "is done with {task}: {outcome}"),
                }
            }
            What::TaskRedelivered { error } => {
                write!(f, "gets its task again after this error: {}", OneLine(error))
            }
            What::EffectRetried { tries, error, .. } => {
                write!(f, "tries an effect again after {tries}: {}", OneLine(error))
            }
            What::EffectRefused { kind, message, .. } => {
                write!(f, "was refused {}: {}", OneLine(kind), OneLine(message))
            }
            What::StopBegan { agents, within, .. } => {
                write!(f, "is being stopped with {} within {within:?}", counted(*agents))
            }
            What::StopEnded { agents, stuck: 0, .. } => write!(f, "is stopped: {} ended", counted(*agents)),
            What::StopEnded { agents, stuck, .. } => {
                write!(
                    f,
                    "is stopped: {} ended, of which {stuck} could not be cut and may still run",
                    counted(*agents)
                )
            }
            What::PauseBegan { agents, .. } => write!(f, "is being paused with {}", counted(*agents)),
            What::PauseStands { quiet, busy, .. } => {
                write!(f, "is paused: {} quiet, {busy} busy", counted(*quiet))
            }
            What::PauseEnded => f.write_str("is resumed"),
            What::PolicyChanged(_) => f.write_str("has a new supervision policy"),
            What::ChildPolicyChanged(_) => f.write_str("has a new child policy"),
            What::AgentAdopted { by } => write!(f, "was adopted by {by}"),
            What::Reported { report, .. } => write!(f, "reports: {}", OneLine(report)),
            What::SupervisorReport(report) => write!(f, "reports: {report}"),
            What::FaultInjected { point, action, .. } => {
                write!(f, "got an injected fault at {}: {}", OneLine(point), OneLine(action))
            }
            what => f.write_str(what.name()),
        }
    }
}

fn counted(agents: usize) -> String {
    format!("{agents} agent{}", if agents == 1 { "" } else { "s" })
}

fn exited(exit: &Exit, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match exit {
        Exit::Normal => f.write_str("ended normally"),
        Exit::Shutdown => f.write_str("ended by an ordered shutdown"),
        Exit::Failed { class: FailureClass::Killed, .. } => f.write_str("was killed"),
        Exit::Failed { class: FailureClass::Bug, message } => write!(f, "crashed: {}", OneLine(message)),
        Exit::Failed { message, .. } => write!(f, "failed: {}", OneLine(message)),
        Exit::Escalated { message } => write!(f, "gave up: {}", OneLine(message)),
    }
}
