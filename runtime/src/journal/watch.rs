//! Waits for something at one agent, woken by that agent's events alone.
//!
//! A subscription is woken by every event, since it has to keep up with the journal's cut. Thousands that each wait for the
//! end of one agent would look thousands of times at each event.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use foldhash::fast::FixedState;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::id::AgentId;

/// Who waits for what at which agent.
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
    notify: Arc<Notify>,
}

impl Watchers {
    /// Something has happened to an agent.
    pub(super) fn ring(&self, agent: &AgentId) {
        if self.count.load(Ordering::SeqCst) > 0 {
            let notify = self.agents.lock().get(agent).map(|watched| Arc::clone(&watched.notify));
            if let Some(notify) = notify {
                notify.notify_waiters();
            }
        }
    }

    /// Nothing will happen any more.
    pub(super) fn break_up(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        let all: Vec<_> = self.agents.lock().values().map(|watched| Arc::clone(&watched.notify)).collect();
        for notify in all {
            notify.notify_waiters();
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
        let notify = Arc::clone(&watched.notify);
        self.count.store(agents.len(), Ordering::SeqCst);
        drop(agents);
        Watch { watchers: Arc::clone(self), agent: agent.clone(), notify }
    }
}

/// A look at one agent. Dropping it ends that.
pub(crate) struct Watch {
    watchers: Arc<Watchers>,
    agent: AgentId,
    notify: Arc<Notify>,
}

impl Watch {
    /// Waits until `look` finds something, looking again after each event of the agent; none once the journal is gone and
    /// nothing is found.
    pub(crate) async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            // Listens before it looks, so that no event is missed in between.
            let rung = self.notify.notified();
            let mut rung = std::pin::pin!(rung);
            rung.as_mut().enable();
            let is_over = self.watchers.is_over.load(Ordering::SeqCst);
            if let Some(found) = look() {
                return Some(found);
            }
            if is_over {
                return None;
            }
            rung.await;
        }
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
