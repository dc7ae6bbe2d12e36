//! Where a part stands in its pattern, and how it is bounded.

use std::time::Duration;

use skep_runtime::Budget;

use crate::parts::Part;

/// What a part is in its pattern.
pub(crate) struct Spot {
    /// The same in each attempt of the owner's task, and no other's in this run.
    pub(crate) key: String,
    pub(crate) name: String,
    /// Parts that it has waited for.
    pub(crate) after: Vec<usize>,
    pub(crate) costing: Option<Budget>,
    /// Its deadline, from its beginning; that of each part, unless told.
    pub(crate) within: Option<Duration>,
    /// How often it is tried again; as each part, unless told.
    pub(crate) retries: Option<u32>,
    /// The same part in an earlier run.
    pub(crate) earlier: Option<Part>,
}

impl Spot {
    /// A part whose name is its own in its pattern.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        let (key, after) = (name.clone(), Vec::new());
        Self { key, name, after, costing: None, within: None, retries: None, earlier: None }
    }

    /// What it was before: its cost, time and attempts go on from there.
    pub(crate) fn again(self, earlier: Option<&Part>) -> Self {
        Self { earlier: earlier.cloned(), ..self }
    }

    pub(crate) fn keyed(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }

    pub(crate) fn after(self, after: impl IntoIterator<Item = usize>) -> Self {
        Self { after: after.into_iter().collect(), ..self }
    }

    pub(crate) fn costing(self, budget: Option<&Budget>) -> Self {
        Self { costing: budget.cloned(), ..self }
    }

    pub(crate) fn retries(self, again: u32) -> Self {
        Self { retries: Some(again), ..self }
    }

    /// Bounds of its own.
    #[cfg(feature = "workflow")]
    pub(crate) fn bounded(self, within: Option<Duration>, retries: Option<u32>) -> Self {
        Self { within, retries, ..self }
    }
}
