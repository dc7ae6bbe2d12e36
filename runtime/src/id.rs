//! Names of things that never change meaning: agents, tasks, incarnations, events.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An agent's id: a path such as `review.1.2`.
///
/// The first segment names the session, each further one is a number that the parent gave at the spawn and never gives
/// again. The descendants of an id are those that begin with it and a dot. People, globs and resume use names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentId(Arc<str>);

impl AgentId {
    /// The id of a session's root.
    #[must_use]
    pub fn root(session: &str) -> Self {
        Self(session.into())
    }

    /// The id of this agent's child with a number.
    #[must_use]
    pub fn child(&self, number: u32) -> Self {
        let mut text = String::with_capacity(self.0.len() + 11);
        text.push_str(&self.0);
        text.push('.');
        let mut digits = [0; 10];
        text.push_str(decimal(number, &mut digits));
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parent's id; none for a session's root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('.').map(|(parent, _)| Self(parent.into()))
    }

    /// The last segment, which the parent gave: siblings in this order are in that of their spawns. 0 for a session's root.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0.rsplit_once('.').and_then(|(_, number)| number.parse().ok()).unwrap_or_default()
    }

    /// Whether this is `ancestor` or below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.0.strip_prefix(&*ancestor.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Levels below the session's root, which is at 0.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.bytes().filter(|byte| *byte == b'.').count()
    }
}

/// Writes a number without the machinery of `format!`, since every spawn does it.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
        if number == 0 {
            return std::str::from_utf8(&digits[at..]).expect("digits are ASCII");
        }
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A task's id: `<agent id>#<n>`, n being the agent's n-th task.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    agent: AgentId,
    number: u64,
}

impl TaskId {
    pub(crate) const fn new(agent: AgentId, number: u64) -> Self {
        Self { agent, number }
    }

    /// The agent whose task it is.
    #[must_use]
    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// Its number among the agent's tasks, from 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.agent, self.number)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which life of an agent: 1 at its first start, one more at every restart.
pub type Incarnation = u32;

/// An event's place in its journal, from 1. The order of events is this, never an id or a time.
pub type Seq = u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descendant_begins_with_the_id_and_a_dot() {
        let root = AgentId::root("s");
        let first = root.child(1);
        assert_eq!(first.as_str(), "s.1");
        assert_eq!(root.child(4_294_967_295).as_str(), "s.4294967295");
        assert!(first.child(0).is_within(&first) && first.is_within(&first) && first.is_within(&root));
        assert!(!root.child(12).is_within(&first), "s.12 is no descendant of s.1");
        assert_eq!((first.child(3).parent(), root.parent()), (Some(first.clone()), None));
        assert_eq!((root.depth(), first.child(2).depth()), (0, 2));
        assert_eq!((root.number(), first.child(4_294_967_295).number()), (0, 4_294_967_295));
    }
}
