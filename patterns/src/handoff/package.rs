//! What goes from hand to hand.

use serde::{Deserialize, Serialize};

/// The work, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package<S> {
    /// What is to be done, as the last one left it.
    pub work: S,
    /// What the last one had to say; empty at the beginning.
    pub summary: String,
    /// Through which hands it came, the first of them first.
    pub history: Vec<Hop>,
    /// How often it may still be passed on.
    pub hops_left: u32,
}

/// Once from hand to hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Who passed it on.
    pub from: String,
    /// Who got it.
    pub to: String,
    /// What was said with it.
    pub summary: String,
}

/// What somebody who holds the work does with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass<S, O> {
    /// It is done.
    Done(O),
    /// It goes to the one of this name.
    To {
        /// Who gets it.
        name: String,
        /// What is known and what was tried, for whoever gets it.
        summary: String,
        /// The work, if it is not the same any more.
        #[serde(default = "unchanged")]
        work: Option<S>,
    },
    /// It goes to one of those who are interested.
    ToWhoever {
        /// In what.
        topic: String,
        /// What is known and what was tried, for whoever gets it.
        summary: String,
        /// The work, if it is not the same any more.
        #[serde(default = "unchanged")]
        work: Option<S>,
    },
}

const fn unchanged<S>() -> Option<S> {
    None
}

impl<S> Package<S> {
    pub(super) const fn new(work: S) -> Self {
        Self { work, summary: String::new(), history: Vec::new(), hops_left: 0 }
    }

    /// Who passed it on last; none at the beginning.
    #[must_use]
    pub fn from(&self) -> Option<&str> {
        self.history.last().map(|hop| hop.from.as_str())
    }
}

impl<S, O> Pass<S, O> {
    /// To the one of this name, with the work as it is.
    pub fn to(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::To { name: name.into(), summary: summary.into(), work: None }
    }

    /// To one of those who are interested in this, with the work as it is.
    pub fn to_whoever(topic: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::ToWhoever { topic: topic.into(), summary: summary.into(), work: None }
    }

    /// The same with other work.
    #[must_use]
    pub fn with(mut self, new: S) -> Self {
        if let Self::To { work, .. } | Self::ToWhoever { work, .. } = &mut self {
            *work = Some(new);
        }
        self
    }
}
