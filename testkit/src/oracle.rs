//! Oracles: each reads a whole session and says where a promise was broken.
//!
//! | oracle | promise |
//! |---|---|
//! | [`stops`] | P1: a stop names all that was alive at its fence, once each, and all of it ends before the stop does |
//! | [`order`] | P1: children end before their parents, and every agent has a living parent |
//! | [`fences`] | P1: nothing begins at a fenced agent |
//! | [`control`] | P5: every stop is answered, by its deadline |
//! | [`pauses`] | P5: every pause is answered by its deadline, and nothing begins at a quiet agent |
//! | [`bills`] | P2: own costs sum to the subtree's; what is reserved is settled once |
//! | [`budgets`] | P2: spent and reserved never exceed a budget and what providers billed above their word |
//! | [`rights`] | P6: no effect begins that a ceiling forbids, whoever makes it for whom |
//! | [`lives`] | there is never more than one incarnation that can act |
//! | [`restarts`] | a child is restarted within its supervisor's intensity, in every window |
//! | [`outcomes`] | every accepted task has exactly one outcome |
//! | [`asks`] | what a crashed turn had asked waits for its next attempt, and no longer than for the outcome |
//! | [`sequence`] | P7: only what may follow comes, of agents, turns, tasks, effects and stops, and nothing after an end |
//! | [`views`] | P7: every event may follow the state before it, and the views agree |
//! | [`holdings`] | what an incarnation held is released |
//!
//! That the live view is the folded one at every event, that nothing lives after a receipt, and that no task is open past its
//! deadline, nor its turn past its grace, is looked at while the swarm runs.

mod asks;
mod bills;
mod budgets;
mod control;
mod fences;
#[cfg(test)]
mod forged;
mod holdings;
mod lives;
mod order;
mod outcomes;
mod pauses;
mod restarts;
mod rights;
mod roster;
mod sequence;
mod stops;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use self::asks::asks;
pub use self::bills::bills;
pub use self::budgets::budgets;
pub use self::control::control;
pub use self::fences::fences;
pub use self::holdings::holdings;
pub use self::lives::lives;
pub use self::order::order;
pub use self::outcomes::outcomes;
pub use self::pauses::pauses;
pub use self::restarts::restarts;
pub use self::rights::rights;
pub use self::sequence::sequence;
pub use self::stops::stops;
pub use self::views::views;
use skep_runtime::event::{Event, What};
use skep_runtime::{AgentId, Bears, StopReceipt};

/// Reads a session and gives a line for each thing that is wrong.
pub type Oracle = fn(&Evidence<'_>) -> Vec<String>;

/// All of them, by name.
pub const ALL: [(&str, Oracle); 15] = [
    ("P1 stops", stops),
    ("P1 order", order),
    ("P1 fences", fences),
    ("P5 control", control),
    ("P5 pauses", pauses),
    ("P2 bills", bills),
    ("P2 budgets", budgets),
    ("P6 rights", rights),
    ("one incarnation", lives),
    ("restarts", restarts),
    ("one outcome", outcomes),
    ("asks", asks),
    ("P7 sequence", sequence),
    ("P7 views", views),
    ("holdings", holdings),
];

/// What an oracle judges by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// All that happened, in order.
    pub events: &'a [Arc<Event>],
    /// Receipts that somebody got.
    pub receipts: &'a [StopReceipt],
    /// How many restarts of each child are borne, where it is known and they are counted.
    pub bears: Option<&'a BTreeMap<AgentId, Bears>>,
    /// How much later than promised something may be: next to nothing by a virtual clock.
    pub slack: Duration,
    /// Whether threads ran beside each other: then what was seen together may stand apart in the journal.
    pub threads: bool,
}

impl<'a> Evidence<'a> {
    /// Evidence from a virtual clock.
    #[must_use]
    pub const fn new(events: &'a [Arc<Event>], receipts: &'a [StopReceipt]) -> Self {
        Self { events, receipts, bears: None, slack: Duration::from_millis(60), threads: false }
    }

    /// The same with how many restarts are borne.
    #[must_use]
    pub const fn with_bears(mut self, bears: &'a BTreeMap<AgentId, Bears>) -> Self {
        self.bears = Some(bears);
        self
    }

    /// The same where something may be so much later still: the clock has jumped.
    #[must_use]
    pub const fn with_slack(mut self, more: Duration) -> Self {
        self.slack = self.slack.saturating_add(more);
        self
    }

    /// The same from a real clock, which others use too, and from threads.
    #[must_use]
    pub const fn with_threads(mut self, slack: Duration) -> Self {
        self.slack = slack;
        self.threads = true;
        self
    }

    /// Whether the session came to its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.events.iter().any(|event| event.what == What::SessionEnded)
    }
}
