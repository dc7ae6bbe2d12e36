//! Waits for something at one agent, woken by that agent's events alone.
//!
//! A subscription is woken by every event, since it has to keep up with the journal's cut. Thousands that each wait for the
//! end of one agent would look thousands of times at each event.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use foldhash::fast::FixedState;
use parking_lot::Mutex;

use crate::env::Aside;
use crate::env::bell::Bell;
use crate::words::id::AgentId;

/// A bell for each agent that somebody waits at.
#[derive(Default)]
pub(super) struct Watchers {
    agents: Mutex<HashMap<AgentId, Watched, FixedState>>,
    /// How many agents are watched: most swarms' events find none.
    count: AtomicUsize,
    is_over: AtomicBool,
}

#[derive(Default)]
struct Watched {
    looks: usize,
    bell: Arc<Bell>,
}

impl Watchers {
    /// Something has happened to an agent.
    pub(super) fn ring(&self, agent: &AgentId, aside: &Aside) {
        if self.count.load(Ordering::SeqCst) > 0 {
            let bell = self.agents.lock().get(agent).map(|watched| Arc::clone(&watched.bell));
            if let Some(bell) = bell {
                bell.ring_soon(aside);
            }
        }
    }

    /// Nothing will happen any more, also to whoever watches from now on.
    pub(super) fn break_up(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        let bells: Vec<_> = self.agents.lock().values().map(|watched| Arc::clone(&watched.bell)).collect();
        for bell in bells {
            bell.break_up();
        }
    }

    /// How many agents somebody looks at.
    #[cfg(feature = "lab")]
    pub(super) fn len(&self) -> usize {
        self.agents.lock().len()
    }

    pub(super) fn watch(self: &Arc<Self>, agent: &AgentId) -> Watch {
        let mut agents = self.agents.lock();
        let watched = agents.entry(agent.clone()).or_default();
        watched.looks += 1;
        let bell = Arc::clone(&watched.bell);
        self.count.store(agents.len(), Ordering::SeqCst);
        drop(agents);
        // Entered before it is looked at, so that who breaks the bells up in between finds this one.
        if self.is_over.load(Ordering::SeqCst) {
            bell.break_up();
        }
        Watch { watchers: Arc::clone(self), agent: agent.clone(), bell }
    }
}

/// A look at one agent. Dropping it ends that.
pub(crate) struct Watch {
    watchers: Arc<Watchers>,
    agent: AgentId,
    bell: Arc<Bell>,
}

impl Watch {
    /// Waits until `look` finds something, looking again after each event of the agent; none once the session is over and
    /// nothing is found.
    pub(crate) async fn until<T>(&self, look: impl FnMut() -> Option<T>) -> Option<T> {
        self.bell.until(look).await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut agents = self.watchers.agents.lock();
        let Some(watched) = agents.get_mut(&self.agent) else { return };
        watched.looks -= 1;
        if watched.looks == 0 {
            agents.remove(&self.agent);
            self.watchers.count.store(agents.len(), Ordering::SeqCst);
        }
    }
}
