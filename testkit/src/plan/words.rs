//! A rule in words: `a panic in the 2nd effect grep of security`.

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
        Fault::Error(error) => format!("the error {error:?}", error = error.to_string()),
        Fault::Ignore => "nothing to start".to_owned(),
        Fault::HangDeaf => "a hang that ignores cancels".to_owned(),
        Fault::Slow(pause) => format!("a slowdown of {pause:?}"),
        Fault::Block(span) => format!("a thread blocked for {span:?}"),
        Fault::Pause(span) => format!("a pause of {span:?}"),
        Fault::LoseCell => "a lost cell".to_owned(),
        Fault::MislayCell => "a lost cell that nobody notices".to_owned(),
        Fault::LoseHeartbeat => "a lost heartbeat".to_owned(),
        Fault::Kill => "a kill".to_owned(),
        Fault::KillSubtree => "a kill of the whole subtree".to_owned(),
        Fault::KillSupervisor => "a kill of the supervisor".to_owned(),
        Fault::Spawn => "an attempt to spawn".to_owned(),
        Fault::JumpClock(by) => format!("a clock jump of {by:?}"),
        Fault::CostSpike(usage) => format!("an extra bill of {usage}"),
        Fault::Timeout => "no answer in time".to_owned(),
        Fault::RateLimited(after) => format!("a rate limit of {after:?} (429)"),
        Fault::Unavailable(status) => format!("status {status}"),
        Fault::Cut => "an answer that breaks off".to_owned(),
        Fault::Garbage => "a garbage answer".to_owned(),
        Fault::Drop => "a lost message".to_owned(),
        Fault::Duplicate => "a duplicated message".to_owned(),
        Fault::Delay(pause) => format!("a message {pause:?} late"),
        Fault::Reorder => "a message that overtakes the queue".to_owned(),
        Fault::FillMailbox(span) => format!("a full mailbox for {span:?}"),
        Fault::PanicInDrop => format!("a panic in the drop of the {made}"),
        Fault::SlowDrop(span) => format!("{span:?} spent in the drop of the {made}"),
        Fault::Panic => "a panic".to_owned(),
        Fault::Hang => "a hang".to_owned(),
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
