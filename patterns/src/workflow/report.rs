//! What a workflow gives, and how far it is.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skep_runtime::text::OneLine;
use skep_runtime::{Advice, AgentError, FailureClass};

use super::course::hook_part;
use super::error::{Quoted, list};
use crate::failure::Failure;
use crate::parts::{Parts, say};
use crate::pattern::Report;

/// What a workflow gives: the values of the steps that are done, and what it waits for, if it is not at its end.
///
/// It can be written down as JSON and gone on from in another process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "it may wait for somebody"]
pub struct Worked {
    /// The inputs, and what the finished steps gave. In a phase that loops, what the last round gave.
    pub values: Map<String, Value>,
    /// Steps that people have to do before it can go on.
    pub waits_for: Vec<String>,
    /// What keeps it from going on although no step has failed.
    pub blocked: Option<Blocked>,
    /// What hooks have noted, in their order.
    pub notes: Vec<HookNote>,
    /// Where it stands, to go on from. None at its end.
    pub standing: Option<Standing>,
    /// The steps and hooks, in the order in which they began, and then those that were not reached.
    pub parts: Parts,
}

/// Why a workflow does not go on after a phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The phase.
    pub phase: String,
    /// What blocks.
    pub by: Blocker,
    /// Why.
    pub reason: String,
}

/// What blocks a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocker {
    /// A gate of this name.
    Gate(String),
    /// A person, who does not approve in the step of this name.
    Approval(String),
    /// The loop of the phase, whose rounds are used up.
    Loop,
    /// The report, which is of another workflow.
    Report,
}

/// What a hook has noted that blocks nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HookNote {
    /// The phase after which it ran.
    pub phase: String,
    /// The hook.
    pub hook: String,
    /// What it gave.
    pub note: Value,
}

/// Where a workflow stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The phase that is not done.
    pub phase: String,
    /// Its round, from 1.
    pub round: u32,
    /// How many rounds it may have. More are added when it is gone on with after they were used up.
    pub rounds: u32,
    /// Steps that are done in this round.
    pub done: Vec<String>,
    /// What the round before gave.
    pub last: Map<String, Value>,
    /// Whether the steps are done for good, so that only hooks are left.
    pub is_closed: bool,
    /// How many hooks are over.
    pub hooks: usize,
    /// Parts that the phase's round began after, by position.
    pub after: Vec<usize>,
}

impl Worked {
    /// What a finished step gave under this name. None if nothing did, or if it is no `T`.
    #[must_use]
    pub fn of<T: serde::de::DeserializeOwned>(&self, value: &str) -> Option<T> {
        T::deserialize(self.values.get(value)?).ok()
    }
}

impl Blocked {
    /// The part of the gate that blocks, if one does.
    fn gate_part(&self) -> Option<String> {
        match &self.by {
            Blocker::Gate(gate) => Some(hook_part(gate, &self.phase)),
            Blocker::Approval(_) | Blocker::Loop | Blocker::Report => None,
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, reason) = (Quoted(&self.phase), OneLine(&self.reason));
        match &self.by {
            Blocker::Gate(gate) => write!(f, "blocked after {phase} by {}: {reason}", Quoted(gate)),
            Blocker::Approval(step) => write!(f, "{} was not approved: {reason}", Quoted(step)),
            Blocker::Loop => write!(f, "blocked in {phase}: {reason}"),
            Blocker::Report => write!(f, "blocked: {reason}"),
        }
    }
}

impl fmt::Display for Worked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &self.parts;
        // What waits or was not reached is no failure where something else is the reason.
        let has_reason = self.blocked.is_some() || !self.waits_for.is_empty();
        let named = |failure: &&Failure| !has_reason || !matches!(failure, Failure::NotBegun(_));
        // The gate that blocks is told of as such.
        let gate = self.blocked.as_ref().and_then(Blocked::gate_part);
        let others = parts.failed().filter(|part| gate.as_ref() != Some(&part.name));
        let failed =
            others.filter_map(|part| Some((part.name.as_str(), part.failure.as_ref().filter(named)?)));
        say(f, parts.completed(), parts.parts.len(), failed, &parts.stuck)?;
        if !self.waits_for.is_empty() {
            write!(f, ", waits for {}", list(self.waits_for.iter().map(String::as_str)))?;
        }
        match &self.blocked {
            Some(blocked) => write!(f, ", {blocked}"),
            None => Ok(()),
        }
    }
}

impl Report for Worked {
    type Value = Map<String, Value>;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<Self::Value, AgentError> {
        if self.standing.is_none() {
            return Ok(self.values);
        }
        let mut failures = self.parts.failed().filter_map(|part| part.failure.as_ref());
        let real = failures.find(|failure| !matches!(failure, Failure::NotBegun(_)));
        let text = format!("{}: {self}", OneLine(&self.parts.name));
        Err(match real {
            _ if self.blocked.is_some() || !self.waits_for.is_empty() => {
                AgentError::new(FailureClass::Failed, text).advise(Advice::Never)
            }
            Some(failure) => AgentError::new(failure.class(), text).advise(failure.advice()),
            None => return Err(self.parts.error()),
        })
    }
}
