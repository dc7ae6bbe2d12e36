//! A rule as a sentence: `panic in the 2nd effect grep of security`.

use std::fmt;

use skep_runtime::fault::{Fault, Phase};

use super::Rule;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", action(&self.action, self.phase))?;
        let each = match self.nth {
            Some(nth) => format!("the {}", ordinal(nth)),
            None => "each".to_owned(),
        };
        let (before, place) = match self.phase {
            Phase::Start => ("before", "start"),
            Phase::Turn if self.action.is_in_drop() => ("of", "turn"),
            Phase::Turn => ("before", "turn"),
            Phase::Step => ("at", "step"),
            Phase::Effect => ("in", "effect"),
            Phase::Stop => ("before", "stop hook"),
            Phase::Question => ("before", "answer"),
            Phase::Deliver => ("at", "delivery"),
            Phase::Model => ("in", "call of model"),
            _ => ("at", "point"),
        };
        write!(f, " {before} {each} {place}")?;
        if self.detail != "*" {
            write!(f, " {}", self.detail)?;
        }
        let to_or_of = if self.phase == Phase::Deliver { "to" } else { "of" };
        let each = if self.per_agent { "each " } else { "" };
        write!(f, " {to_or_of} {each}{}", if self.agent == "*" { "any agent" } else { &self.agent })?;
        if let Some(permille) = self.permille {
            write!(f, ", {} % of the time", permille / 10)?;
        }
        if let Some((from, until)) = self.window {
            write!(f, ", from {from:?} to {until:?}")?;
        }
        match self.times {
            Some(1) => f.write_str(", once"),
            Some(times) => write!(f, ", at most {times} times"),
            None => Ok(()),
        }
    }
}

fn action(fault: &Fault, phase: Phase) -> String {
    let made = if phase == Phase::Turn { "output" } else { "message" };
    match fault {
        Fault::Error(error) => format!("fail with {error:?}", error = error.to_string()),
        Fault::Ignore => "have nothing to start".to_owned(),
        Fault::HangDeaf => "hang, deaf to cancels,".to_owned(),
        Fault::Slow(pause) => format!("slow down by {pause:?}"),
        Fault::Block(span) => format!("block the thread for {span:?}"),
        Fault::Pause(span) => format!("be paused for {span:?}"),
        Fault::LoseCell => "lose the cell".to_owned(),
        Fault::MislayCell => "lose the cell unnoticed".to_owned(),
        Fault::LoseHeartbeat => "lose the heartbeat".to_owned(),
        Fault::Kill => "be killed".to_owned(),
        Fault::KillSubtree => "be killed with all below".to_owned(),
        Fault::KillSupervisor => "have the supervisor killed".to_owned(),
        Fault::Spawn => "try to spawn".to_owned(),
        Fault::JumpClock(by) => format!("have the clock jump by {by:?}"),
        Fault::CostSpike(usage) => format!("be billed {usage} more"),
        Fault::Timeout => "get no answer in time".to_owned(),
        Fault::RateLimited(after) => format!("be turned away for {after:?} (429)"),
        Fault::Unavailable(status) => format!("get status {status}"),
        Fault::Cut => "get an answer that breaks off".to_owned(),
        Fault::Garbage => "get garbage".to_owned(),
        Fault::Drop => "lose the message".to_owned(),
        Fault::Duplicate => "bring the message twice".to_owned(),
        Fault::Delay(pause) => format!("bring the message {pause:?} late"),
        Fault::Reorder => "bring the message before those that wait".to_owned(),
        Fault::FillMailbox(span) => format!("find the mailbox full for {span:?}"),
        Fault::PanicInDrop => format!("panic in the drop of the {made}"),
        Fault::SlowDrop(span) => format!("take {span:?} for the drop of the {made}"),
        other => other.name().to_owned(),
    }
}

fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
