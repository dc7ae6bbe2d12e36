//! Ceilings: what a subtree can never do, whoever in it tries and by whichever way.
//!
//! A right is the making of effects of a kind. An agent's ceiling bounds the agent and all below it, however deep, and goes by
//! ids, as budgets do: an adoption changes nothing about it. What others do *for* the subtree is bounded by it too, or a
//! bounded agent would only have to ask one that is not.
//!
//! | way | what bounds it |
//! |---|---|
//! | an effect of a turn, a start, a stop hook | the ceilings of the agent and of all above it |
//! | a child, with whatever ceiling of its own | those of its parent, and of the turn that spawned it, wherever it was put |
//! | a task that another agent is asked or told | those of the turn that asks, besides the agent's own; and so on from there |
//! | a question that is answered further up | those of the turn that asks, besides the agent's own |
//! | a dead letter that is replayed | those that the task had |
//!
//! # Invariants
//! 1. Rights are made when a seat, a task or a turn is, and never change. Whatever is made from them has all of their limits.
//! 2. So nothing that a bounded turn begins through skep is bounded by less than the turn is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::AgentId;
use crate::text::OneLine;

/// The kinds of effects that an agent and everything below it may make, such as
/// `Ceiling::only(["model", "files.*"]).never(["files.write"])`.
///
/// A pattern is a kind, or ends in `*` for all kinds that begin so; `*` alone is every kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ceiling {
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    never: Vec<String>,
}

/// A ceiling that cannot be used as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("ceiling.{field}: {}", OneLine(.message))]
pub struct BadCeiling {
    /// The method of [`Ceiling`] that was given it.
    pub field: &'static str,
    /// What is wrong, in one line.
    pub message: String,
}

impl Ceiling {
    /// A ceiling that forbids nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Effects of these kinds and no others; of none at all, if none is given.
    #[must_use]
    pub fn only(kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { only: Some(kinds.into_iter().map(Into::into).collect()), never: Vec::new() }
    }

    /// No effects of these kinds, whatever else is allowed.
    #[must_use]
    pub fn never(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.never.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// Whether it allows effects of this kind.
    #[must_use]
    pub fn allows(&self, kind: &str) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, kind));
        self.only.as_deref().is_none_or(named) && !named(&self.never)
    }

    /// Whether all of its patterns can match something.
    ///
    /// # Errors
    /// The first that cannot; a spawn says the same.
    pub fn check(&self) -> Result<(), BadCeiling> {
        let patterns =
            |field, patterns: &[String]| patterns.iter().try_for_each(|pattern| check(field, pattern));
        patterns("only", self.only.as_deref().unwrap_or_default())?;
        patterns("never", &self.never)
    }
}

fn covers(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == kind, |begin| kind.starts_with(begin))
}

fn check(field: &'static str, pattern: &str) -> Result<(), BadCeiling> {
    let message = if pattern.is_empty() {
        "a pattern is empty; give a kind of effect, or `*` for every kind".to_owned()
    } else if pattern.strip_suffix('*').unwrap_or(pattern).contains('*') {
        format!("{pattern:?} has a `*` that is not its end; it can only stand there, for all that begins so")
    } else {
        return Ok(());
    };
    Err(BadCeiling { field, message })
}

/// The limit that one agent's ceiling is to itself and to whatever is below it or works for it.
#[derive(Debug)]
struct Limit {
    of: AgentId,
    ceiling: Ceiling,
}

/// What a seat, a task or a turn may do: what every one of these limits allows. Most have none, and cost a word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights(Option<Arc<Vec<Arc<Limit>>>>);

impl Rights {
    /// Those of whoever nothing bounds.
    pub(crate) const ALL: Self = Self(None);

    /// These, and no more than an agent's ceiling allows.
    #[must_use]
    pub(crate) fn under(&self, of: &AgentId, ceiling: Option<&Ceiling>) -> Self {
        let Some(ceiling) = ceiling else { return self.clone() };
        let limit = Arc::new(Limit { of: of.clone(), ceiling: ceiling.clone() });
        Self(Some(Arc::new(self.limits().iter().cloned().chain([limit]).collect())))
    }

    /// What both allow.
    #[must_use]
    pub(crate) fn and(&self, other: &Self) -> Self {
        let is_ours = |limit: &Arc<Limit>| self.limits().iter().any(|ours| Arc::ptr_eq(ours, limit));
        let more: Vec<_> = other.limits().iter().filter(|limit| !is_ours(limit)).cloned().collect();
        match (more.len(), self.limits().len()) {
            (0, _) => self.clone(),
            (_, 0) => other.clone(),
            _ => Self(Some(Arc::new(self.limits().iter().cloned().chain(more).collect()))),
        }
    }

    /// Whose ceiling forbids effects of this kind; the first in the order in which they came to be.
    #[must_use]
    pub(crate) fn forbids(&self, kind: &str) -> Option<&AgentId> {
        self.limits().iter().find(|limit| !limit.ceiling.allows(kind)).map(|limit| &limit.of)
    }

    /// Whether nothing bounds them.
    #[must_use]
    pub(crate) const fn are_all(&self) -> bool {
        self.0.is_none()
    }

    fn limits(&self) -> &[Arc<Limit>] {
        self.0.as_ref().map_or(&[], |limits| limits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_is_a_kind_or_a_beginning() {
        let ceiling = Ceiling::only(["model", "files.*"]).never(["files.write"]);
        let allowed = ["model", "files.read", "files."].map(|kind| ceiling.allows(kind));
        let forbidden =
            ["models", "file", "files", "files.write", "git.log"].map(|kind| ceiling.allows(kind));
        assert_eq!((allowed, forbidden), ([true; 3], [false; 5]));
        assert!(Ceiling::new().allows("anything") && !Ceiling::only([""; 0]).allows("anything"));
        assert!(!Ceiling::only(["*"]).never(["*"]).allows("anything"));
    }

    #[test]
    fn a_pattern_that_can_match_nothing_is_an_error_that_names_its_field() {
        assert_eq!(Ceiling::only(["model", "*"]).never(["git.*"]).check(), Ok(()));
        let said = |ceiling: Ceiling| ceiling.check().unwrap_err().to_string();
        assert!(said(Ceiling::only(["a", ""])).starts_with("ceiling.only: a pattern is empty"));
        assert!(said(Ceiling::new().never(["*.write"])).starts_with("ceiling.never: \"*.write\" has a `*`"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let ceiling = Ceiling::only(["model"]).never(["git.*"]);
        let text = serde_json::to_string(&ceiling).unwrap();
        assert_eq!(text, r#"{"only":["model"],"never":["git.*"]}"#);
        assert_eq!(serde_json::from_str::<Ceiling>(&text).unwrap(), ceiling);
        assert_eq!(serde_json::from_str::<Ceiling>("{}").unwrap(), Ceiling::new());
        assert!(serde_json::from_str::<Ceiling>(r#"{"nevr":[]}"#).is_err());
    }

    /// One step in the making of rights from others.
    #[derive(Clone, Debug)]
    enum Step {
        Under(Ceiling),
        And(usize),
    }

    fn kinds() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[ab]{1,2}\\*?", 0..3)
    }

    fn ceiling() -> impl Strategy<Value = Ceiling> {
        (proptest::option::of(kinds()), kinds()).prop_map(|(only, never)| Ceiling { only, never })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![ceiling().prop_map(Step::Under), (0_usize..100).prop_map(Step::And)]
    }

    proptest! {
        #[test]
        fn whatever_is_made_of_rights_allows_what_all_of_them_allow_and_nothing_else(
            steps in proptest::collection::vec((0_usize..100, step()), 1..24),
        ) {
            let all: Vec<String> = ["", "a", "b"].iter().flat_map(|x| ["a", "b", "ab"].map(|y| format!("{x}{y}"))).collect();
            // Beside each, the kinds that it allows, by sets alone.
            let mut made = vec![(Rights::default(), all.clone())];
            for (number, (from, step)) in steps.into_iter().enumerate() {
                let (rights, allowed) = &made[from % made.len()];
                let next = match step {
                    Step::Under(ceiling) => {
                        let of = AgentId::root("s").child(number as u32);
                        let left = allowed.iter().filter(|kind| ceiling.allows(kind)).cloned().collect();
                        (rights.under(&of, Some(&ceiling)), left)
                    }
                    Step::And(other) => {
                        let (others, theirs) = &made[other % made.len()];
                        let left = allowed.iter().filter(|kind| theirs.contains(kind)).cloned().collect();
                        (rights.and(others), left)
                    }
                };
                made.push(next);
            }
            for (rights, allowed) in &made {
                for kind in &all {
                    prop_assert_eq!(rights.forbids(kind).is_none(), allowed.contains(kind), "{} {:?}", kind, rights);
                }
                let mut limits: Vec<_> = rights.limits().iter().map(|limit| &limit.of).collect();
                limits.dedup();
                prop_assert_eq!(limits.len(), rights.limits().len());
            }
        }
    }

    #[test]
    fn rights_without_a_ceiling_cost_a_word() {
        let none = Rights::default();
        assert!(none.and(&none).are_all() && none.under(&AgentId::root("s"), None).are_all());
        assert!(!none.under(&AgentId::root("s"), Some(&Ceiling::new())).are_all());
        assert_eq!(size_of::<Rights>(), size_of::<usize>());
    }
}
