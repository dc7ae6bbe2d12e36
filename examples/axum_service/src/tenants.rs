//! A tenant is an agent: it does nothing itself, and everything of its requests happens below it, under its budget and its ceiling.
//!
//! Who is a tenant is the service's to say, so strangers make no agents. And one that asks for nothing leaves: what it costs
//! to be there is then nothing, and what it has spent in its day still counts when it comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use skep::{
    AgentRef, AgentState, Budget, Ceiling, NanoUsd, SpawnError, Stop, Supervisor, Swarm, Time, Window,
};
use tokio::sync::Mutex;

/// What a tenant's budget counts by.
const WINDOW: Window = Window::Day;
/// A tenant that leaves has nothing below it, so its end takes no time.
const LEAVE: Duration = Duration::from_secs(5);
/// The service's clock and the swarm's may differ by a little. Money that was spent yesterday is given back when it is
/// another day by both.
const BY_BOTH_CLOCKS: Duration = Duration::from_secs(1);

/// Everybody who is served.
pub(crate) struct Tenants {
    swarm: Swarm,
    usd: NanoUsd,
    idle: Duration,
    /// When the swarm's time began, since 1970.
    began: Duration,
    all: BTreeMap<String, Arc<Tenant>>,
}

/// One of them.
pub(crate) struct Tenant {
    pub(crate) name: String,
    stay: Mutex<Stay>,
    visits: AtomicUsize,
    /// When the last visit ended, in milliseconds of the swarm's time.
    last: AtomicU64,
}

/// Its agent while it is there, and what an earlier one of the same day has spent.
#[derive(Default)]
struct Stay {
    agent: Option<AgentRef<Supervisor>>,
    earlier: Option<Earlier>,
}

/// What counts until a day is over.
#[derive(Clone, Copy)]
struct Earlier {
    spent: NanoUsd,
    until: Duration,
}

/// A request of a tenant. While there is one, it does not leave.
pub(crate) struct Visit {
    pub(crate) agent: AgentRef<Supervisor>,
    tenant: Arc<Tenant>,
    swarm: Swarm,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.tenant.last.store(millis(&self.swarm), Ordering::Relaxed);
        self.tenant.visits.fetch_sub(1, Ordering::Release);
    }
}

impl Tenants {
    pub(crate) fn new(swarm: &Swarm, names: &BTreeSet<String>, usd: NanoUsd, idle: Duration) -> Self {
        let tenant = |name: &String| {
            let (stay, visits, last) = (Mutex::default(), AtomicUsize::new(0), AtomicU64::new(0));
            (name.clone(), Arc::new(Tenant { name: name.clone(), stay, visits, last }))
        };
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let began = now.saturating_sub(swarm.env().now().since(Time::ZERO));
        Self { swarm: swarm.clone(), usd, idle, began, all: names.iter().map(tenant).collect() }
    }

    /// Who has this name, if the service knows anybody by it.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.all.get(name).map(Arc::clone)
    }

    /// A request of a tenant; the first makes its agent, and so does the first after it had left.
    pub(crate) async fn visit(&self, tenant: &Arc<Tenant>) -> Result<Visit, SpawnError> {
        let mut stay = tenant.stay.lock().await;
        let living = stay.agent.clone().filter(|agent| !matches!(agent.state(), AgentState::Stopped(_)));
        let agent = match living {
            Some(agent) => {
                self.give_back(&mut stay, &agent);
                agent
            }
            None => {
                stay.earlier = self.spent(&stay);
                let left =
                    self.usd.saturating_sub(stay.earlier.map_or(NanoUsd::ZERO, |earlier| earlier.spent));
                let budget = Budget::new().money(left).per(WINDOW).live_agents(200);
                let spec = Supervisor::dynamic().named(&tenant.name).budget(budget);
                let agent = self.swarm.spawn(spec.ceiling(Ceiling::only(["model"]))).await?;
                stay.agent.insert(agent).clone()
            }
        };
        tenant.visits.fetch_add(1, Ordering::Acquire);
        Ok(Visit { agent, tenant: Arc::clone(tenant), swarm: self.swarm.clone() })
    }

    /// Lets those leave that ask for nothing. It ends when it is dropped.
    pub(crate) async fn let_the_idle_leave(&self) {
        let look_every = (self.idle / 4).clamp(Duration::from_millis(100), Duration::from_secs(60));
        loop {
            tokio::time::sleep(look_every).await;
            for tenant in self.all.values() {
                self.let_leave_if_idle(tenant).await;
            }
        }
    }

    /// Whoever asks meanwhile waits for the lock, and finds that it has left.
    async fn let_leave_if_idle(&self, tenant: &Tenant) {
        let mut stay = tenant.stay.lock().await;
        let silent = millis(&self.swarm).saturating_sub(tenant.last.load(Ordering::Relaxed));
        let is_idle = Duration::from_millis(silent) >= self.idle;
        if tenant.visits.load(Ordering::Acquire) > 0 || !is_idle {
            return;
        }
        let Some(agent) = stay.agent.clone() else { return };
        stay.earlier = self.spent(&stay);
        stay.agent = None;
        let receipt = agent.stop(Stop::within(LEAVE)).await;
        tracing::info!("{}, idle, was stopped: {receipt}", tenant.name);
    }

    /// What counts today of what all its agents have spent.
    fn spent(&self, stay: &Stay) -> Option<Earlier> {
        let now = self.wall();
        let earlier = stay.earlier.filter(|earlier| now < earlier.until + BY_BOTH_CLOCKS);
        let by_this = stay.agent.as_ref().and_then(AgentRef::window_cost).unwrap_or_default().spent.money;
        let before = earlier.map_or(NanoUsd::ZERO, |earlier| earlier.spent);
        Some(Earlier { spent: before + by_this, until: WINDOW.around(now).end })
    }

    /// What was taken off the budget for an earlier agent of the day is given back when that day is over.
    fn give_back(&self, stay: &mut Stay, agent: &AgentRef<Supervisor>) {
        let Some(earlier) = stay.earlier.filter(|earlier| self.wall() >= earlier.until + BY_BOTH_CLOCKS)
        else {
            return;
        };
        stay.earlier = None;
        if let Err(error) = agent.grant(Budget::new().money(earlier.spent.min(self.usd))) {
            tracing::warn!("{} did not get back what it may spend: {error}", agent.id());
        }
    }

    fn wall(&self) -> Duration {
        self.began + self.swarm.env().now().since(Time::ZERO)
    }
}

fn millis(swarm: &Swarm) -> u64 {
    u64::try_from(swarm.env().now().since(Time::ZERO).as_millis()).unwrap_or(u64::MAX)
}
