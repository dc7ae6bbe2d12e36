//! Names of things that never change meaning: agents, tasks, incarnations, events.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::words::text::{OneLine, breaks_a_line, one_line};

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
        let mut digits = [0; 20];
        text.push_str(decimal(number.into(), &mut digits));
        Self(text.into())
    }

    /// An id that somebody says; whether there is such an agent is another question.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the same text in memory: as good as equal, and seen at once. Most that are equal are.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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

impl AsRef<str> for AgentId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Writes a number without the machinery of `format!`, since every spawn does it.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
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

/// On one line, also where it was read from what somebody else wrote; a swarm has no such id.
impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(breaks_a_line) { f.pad(&one_line(&self.0)) } else { f.pad(&self.0) }
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A task's id: `<agent id>#<n>` for one that no task asked, n counting those of the agent; for one that a turn asked
/// `<asker's task>/<key>`, which is the same in each attempt at the asker's task. Agents may hand work on to each other for
/// ever, so an asker's id of more than 512 bytes stands there as its beginning, up to the first `/`, and `~` with 128 bits of
/// its BLAKE3. Who asked is what the event of the task's acceptance says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(Name);

/// An asker's id of more bytes is not written out in those of the tasks that it asks.
const LONGEST: usize = 512;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Name {
    /// Nothing of it has to be written before somebody reads it.
    Outside(AgentId, u64),
    Inside(Arc<str>),
}

impl TaskId {
    pub(crate) const fn outside(agent: AgentId, number: u64) -> Self {
        Self(Name::Outside(agent, number))
    }

    pub(crate) fn inside(asker: &Self, key: &impl fmt::Display) -> Self {
        let text = match &asker.0 {
            Name::Inside(long) if long.len() > LONGEST => {
                let (first, _) = long.split_once('/').unwrap_or((long, ""));
                let hash = blake3::hash(long.as_bytes()).to_hex();
                format!("{first}/~{}/{key}", &hash[..32])
            }
            Name::Inside(text) => format!("{}/{key}", OneLine(text)),
            Name::Outside(agent, number) => {
                let mut digits = [0; 20];
                let number = decimal(*number, &mut digits);
                let agent = agent.as_str();
                let mut text = String::with_capacity(agent.len() + number.len() + 48);
                text.extend([agent, "#", number, "/"]);
                // Writing to a string cannot fail.
                let _ = write!(text, "{key}");
                text
            }
        };
        Self(Name::Inside(text.into()))
    }

    /// Its number among those of its agent; none of one that a turn asked.
    pub(crate) const fn number(&self) -> Option<u64> {
        match &self.0 {
            Name::Outside(_, number) => Some(*number),
            Name::Inside(_) => None,
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text.contains('/') {
            return Some(Self(Name::Inside(text.into())));
        }
        let (agent, number) = text.rsplit_once('#')?;
        Some(Self::outside(AgentId(agent.into()), number.parse().ok()?))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Outside(agent, number) => write!(f, "{agent}#{number}"),
            Name::Inside(text) => write!(f, "{}", OneLine(text)),
        }
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TaskId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TaskId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::read(&text).ok_or_else(|| D::Error::custom(format_args!("{text:?} is not a task id")))
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

    #[test]
    fn a_tasks_id_says_who_asked_and_survives_being_written() {
        let outside = TaskId::outside(AgentId::root("s").child(3), 12);
        let inside = TaskId::inside(&outside, &"ask-00-1");
        let deeper = TaskId::inside(&inside, &"b%2Fc:ask-01-2");
        assert_eq!(deeper.to_string(), "s.3#12/ask-00-1/b%2Fc:ask-01-2");
        for id in [outside, inside, deeper] {
            let text = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<TaskId>(&text).unwrap(), id);
        }
        assert!(serde_json::from_str::<TaskId>("\"s.3\"").is_err());
    }

    #[test]
    fn work_that_is_handed_on_for_ever_has_ids_that_stay_short_and_differ() {
        let first = TaskId::outside(AgentId::root("s").child(3), 12);
        let mut seen = std::collections::BTreeSet::new();
        let handed_on = |id: &TaskId| TaskId::inside(id, &"b%2Fc:ask-00112233445566778899aabbccddeeff-1");
        let mut last = first.clone();
        for _ in 0..1_000 {
            last = handed_on(&last);
            let text = last.to_string();
            assert!(text.len() < 600 && text.starts_with("s.3#12/"), "{text}");
            assert!(seen.insert(last.clone()), "{text} is another's");
        }
        let again = (0..1_000).fold(first, |id, _| handed_on(&id));
        assert_eq!(again, last, "each attempt gives the same");
    }
}
