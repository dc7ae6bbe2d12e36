//! Following a journal: by subtree and kind, from the beginning or from now.
//!
//! Who is slower than the journal's cut does not hold it up: they get the snapshot at the cut, and go on from there.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use super::{Journal, is_within};
use crate::env::bell::Bell;
use crate::views::Snapshot;
use crate::words::event::{Event, Kind};
use crate::words::id::{AgentId, Seq};

/// Read this many at a time, so that a slow follower does not hold the journal up.
const BATCH: usize = 256;

/// Which events a subscription yields; all by default.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    subtree: Option<AgentId>,
    kinds: Vec<Kind>,
}

impl Filter {
    /// All events.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Those of an agent and its descendants.
    #[must_use]
    pub fn under(mut self, agent: &AgentId) -> Self {
        self.subtree = Some(agent.clone());
        self
    }

    /// Those of these kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.kinds.extend(kinds);
        self
    }

    fn passes(&self, event: &Event) -> bool {
        is_within(event, self.subtree.as_ref())
            && (self.kinds.is_empty() || self.kinds.contains(&event.what.kind()))
    }
}

/// Events that a subscription has missed, because they were cut from the journal before they were read.
///
/// To keep folding, continue from the snapshot instead of your own state; only the missed events themselves are lost.
#[derive(Clone, Debug, thiserror::Error)]
#[error("events {from} to {to} were cut from the journal before they were read")]
pub struct Lagged {
    /// The first missed event. The filter may have kept out any of them.
    pub from: Seq,
    /// The last missed event; the next one that comes is after it.
    pub to: Seq,
    /// What is known after the last missed event.
    pub snapshot: Arc<Snapshot>,
}

/// Events as they happen, in the order of the journal. Dropping it ends the subscription; it never holds up a swarm.
pub struct Events {
    journal: Weak<Journal>,
    bell: Arc<Bell>,
    filter: Filter,
    next: Seq,
    read: VecDeque<Arc<Event>>,
}

impl Events {
    pub(crate) fn new(journal: &Arc<Journal>, filter: Filter, next: Seq) -> Self {
        Self { journal: Arc::downgrade(journal), bell: journal.bell(), filter, next, read: VecDeque::new() }
    }

    /// The next event; `None` when the session is over and all its events were yielded, even if handles still exist. Later
    /// events, such as the end of a stuck agent's effect, are found by [`Events::try_next`]. Cancelling loses nothing.
    ///
    /// # Errors
    /// [`Lagged`], once, in place of events that were cut; the events after them follow.
    pub async fn next(&mut self) -> Option<Result<Arc<Event>, Lagged>> {
        let bell = Arc::clone(&self.bell);
        bell.until(|| self.read_next()).await
    }

    /// The next event if it has happened already.
    ///
    /// # Errors
    /// [`Lagged`], as [`Events::next`].
    pub fn try_next(&mut self) -> Option<Result<Arc<Event>, Lagged>> {
        self.read_next()
    }

    fn read_next(&mut self) -> Option<Result<Arc<Event>, Lagged>> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(Ok(event));
            }
            let journal = self.journal.upgrade()?;
            let Ok(events) = journal.read(self.next, BATCH) else {
                let snapshot = journal.snapshot();
                let (from, to) = (self.next, snapshot.seq);
                self.next = to + 1;
                return Some(Err(Lagged { from, to, snapshot }));
            };
            self.next = events.last()?.seq + 1;
            self.read.extend(events.into_iter().filter(|event| self.filter.passes(event)));
        }
    }
}
