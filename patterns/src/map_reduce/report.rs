//! What a map-reduce gives.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::text::OneLine;
use skep_runtime::{Advice, AgentError};

use crate::failure::Failure;
use crate::parts::Parts;
use crate::pattern::Report;

/// What a map-reduce gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "there may be no value"]
pub struct Reduced<I, M> {
    /// What all that was mapped came to. None if there was nothing, if too few were mapped, or if a reduce step failed.
    pub value: Option<M>,
    /// The items that were not mapped, in their order.
    pub failed: Vec<Unmapped<I>>,
    /// If there is no value: what was mapped and reduced so far, in the order of the first items, so that nothing is lost that
    /// was paid for.
    pub kept: Vec<Kept<M>>,
    /// The maps and the reduce steps, in the order in which they came up: `map-3` is that of the third item.
    pub parts: Parts,
}

/// An item that was not mapped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmapped<I> {
    /// Its place among the items, from 0.
    pub at: usize,
    /// The item.
    pub item: I,
    /// Why it was not.
    pub failure: Failure,
}

/// What some items came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept<M> {
    /// The places of the items, from 0, at least one.
    pub items: Vec<usize>,
    /// The part that gave it, by its position.
    pub part: usize,
    /// What they came to.
    pub output: M,
}

impl<I, M> Reduced<I, M> {
    /// Before anything was mapped.
    pub(super) fn open() -> Self {
        Self { value: None, failed: Vec::new(), kept: Vec::new(), parts: Parts::default() }
    }

    /// Whether it is of so many items, each of which is in one place at most.
    pub(super) fn is_of(&self, items: usize) -> bool {
        let mut is_seen = vec![false; items];
        let mut is_new = |at: usize| is_seen.get_mut(at).is_some_and(|seen| !std::mem::replace(seen, true));
        let maps = self.parts.parts.iter().filter(|part| part.name.starts_with("map-")).count();
        maps == items
            && match self.value {
                Some(_) => self.kept.is_empty() && self.failed.iter().all(|failed| is_new(failed.at)),
                None => self
                    .kept
                    .iter()
                    .all(|kept| !kept.items.is_empty() && kept.items.iter().all(|at| is_new(*at))),
            }
    }
}

impl<I, M> fmt::Display for Reduced<I, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

impl<I: Send, M: Send> Report for Reduced<I, M> {
    type Value = M;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<M, AgentError> {
        let Self { value, parts, .. } = self;
        value.ok_or_else(|| match parts.parts.is_empty() {
            true => AgentError::message(format!("{}: there was nothing to map", OneLine(&parts.name)))
                .advise(Advice::Never),
            false => parts.error(),
        })
    }
}
