//! A count of what is alive that knows nothing of seats: each cell, runner, turn, behaviour and holding counts itself in
//! and out.
//!
//! It is what a receipt is held against, and is there only where faults are.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::words::id::AgentId;

/// What counts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Living {
    /// A cell.
    Cell,
    /// A runner.
    Runner,
    /// A turn whose future exists.
    Turn,
    /// A behaviour, until its drop is over.
    Behaviour,
    /// What an incarnation holds, until its drop is over.
    Holding,
}

#[derive(Default)]
pub(crate) struct Census {
    living: Mutex<BTreeMap<(AgentId, Living), usize>>,
}

/// Counts one thing for as long as it stands. Without the lab it counts nothing.
pub(crate) struct Counted(Option<(Arc<Census>, AgentId, Living)>);

impl Counted {
    pub(crate) fn new(census: &Arc<Census>, agent: &AgentId, what: Living) -> Self {
        if !cfg!(feature = "lab") {
            return Self(None);
        }
        *census.living.lock().entry((agent.clone(), what)).or_default() += 1;
        Self(Some((Arc::clone(census), agent.clone(), what)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((census, agent, what)) = self.0.take() else { return };
        let mut living = census.living.lock();
        let key = (agent, what);
        if let Some(count) = living.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                living.remove(&key);
            }
        }
    }
}

#[cfg(feature = "lab")]
impl Census {
    /// How many kinds of things live, agent by agent.
    pub(crate) fn len(&self) -> usize {
        self.living.lock().len()
    }

    /// All that lives at an agent or below it.
    pub(crate) fn within(&self, root: &AgentId) -> Vec<(AgentId, Living, usize)> {
        let living = self.living.lock();
        living
            .iter()
            .filter(|((agent, _), _)| agent.is_within(root))
            .map(|((agent, what), count)| (agent.clone(), *what, *count))
            .collect()
    }
}
