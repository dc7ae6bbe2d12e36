//! What a handoff gives.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;
use skep_runtime::text::OneLine;

use super::package::Package;
use crate::parts::Parts;
use crate::pattern::Report;

/// What a handoff gives: the value, and who held the work last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "it may not be done"]
pub struct HandedOff<S, O> {
    /// What the last one made of it, if it is done.
    pub value: Option<O>,
    /// Who held it last.
    pub holder: String,
    /// What that one was given.
    pub package: Package<S>,
    /// The path: a part for each time that somebody held it, with its cost and time.
    pub parts: Parts,
}

impl<S, O> HandedOff<S, O> {
    pub(super) fn new(package: Package<S>, holder: String) -> Self {
        Self { value: None, holder, package, parts: Parts::default() }
    }
}

impl<S, O> fmt::Display for HandedOff<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<_> = self.parts.parts.iter().map(|part| OneLine(&part.name).to_string()).collect();
        let (path, took, cost) = (path.join(" > "), self.parts.took, self.parts.cost());
        match self.value {
            Some(_) => write!(f, "{path}: done in {took:.1?}, {cost} in all"),
            None => write!(f, "{path}: not done, held last by {}; {}", OneLine(&self.holder), self.parts),
        }
    }
}

impl<S: Send, O: Send> Report for HandedOff<S, O> {
    type Value = O;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    fn into_result(self) -> Result<O, AgentError> {
        self.value.ok_or_else(|| self.parts.error())
    }
}
