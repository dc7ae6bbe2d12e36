//! Following a journal: by subtree and kind, from the beginning or from now.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use super::bell::Bell;
use super::{Journal, is_within};
use crate::event::{Event, Kind};
use crate::id::{AgentId, Seq};

/// Read this many at a time, so that a slow follower does not hold the journal up.
const BATCH: usize = 256;

/// Which events a subscription gives: all, unless told otherwise.
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

/// Events as they come, in the order of the journal. Dropping it ends the subscription; it never holds a swarm up.
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

    /// The next event, none once the swarm is gone. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        let bell = Arc::clone(&self.bell);
        bell.until(|| self.read_next()).await
    }

    /// The next event if it has happened already.
    pub fn try_next(&mut self) -> Option<Arc<Event>> {
        self.read_next()
    }

    fn read_next(&mut self) -> Option<Arc<Event>> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Some(event);
            }
            let events = self.journal.upgrade()?.read(self.next, BATCH);
            self.next = events.last()?.seq + 1;
            self.read.extend(events.into_iter().filter(|event| self.filter.passes(event)));
        }
    }
}
