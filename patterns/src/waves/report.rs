//! What waves give.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use skep_runtime::AgentError;

use crate::failure::Failure;
use crate::parts::Parts;
use crate::pattern::Report;

/// What waves give: a row for each node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "failures are rows in it"]
pub struct Waved<K, O> {
    /// The nodes, each behind what it needs, with its output or why there is none. One that something stands in the way of says
    /// what.
    pub rows: Vec<(K, Result<O, Failure>)>,
    /// The same nodes in the same order, with their times and costs.
    pub parts: Parts,
}

impl<K, O> Waved<K, O> {
    /// The nodes that have an output, with it.
    pub fn ok(&self) -> impl Iterator<Item = (&K, &O)> {
        self.rows.iter().filter_map(|(key, result)| Some((key, result.as_ref().ok()?)))
    }

    /// The nodes without one, and why.
    pub fn failed(&self) -> impl Iterator<Item = (&K, &Failure)> {
        self.rows.iter().filter_map(|(key, result)| Some((key, result.as_ref().err()?)))
    }
}

impl<K, O> fmt::Display for Waved<K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

impl<K: Send, O: Send> Report for Waved<K, O> {
    type Value = Vec<(K, O)>;

    fn parts(&self) -> Cow<'_, Parts> {
        Cow::Borrowed(&self.parts)
    }

    /// All outputs with their keys, if all nodes have one.
    fn into_result(self) -> Result<Vec<(K, O)>, AgentError> {
        let Self { rows, parts } = self;
        let all: Option<Vec<_>> = rows.into_iter().map(|(key, result)| Some((key, result.ok()?))).collect();
        all.ok_or_else(|| parts.error())
    }
}
