//! What an agent is: its name, how to build it, and its policies.

mod below;
mod check;
mod fingerprint;
mod same;
mod supervisor;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub(crate) use self::below::Below;
pub use self::supervisor::{NoTask, Supervisor};
use crate::agent::Agent;
use crate::agent::agent_ref::AgentRef;
use crate::agent::typed::Factory;
use crate::engine::seat::Seat;
use crate::engine::seat::resources::Resources;
use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::child::{ChildPolicy, Decision};
use crate::words::policies::Fingerprint;
pub use crate::words::policies::{OnStale, Policies};
use crate::words::policy::{
    AutoShutdown, Backoff, FailureClass, Intensity, Orphans, Restart, RestartMode, Shutdown, Strategy,
};
use crate::words::usage::Usage;
use crate::words::written::{ChildSpec, ChildType};

/// How an agent is built, named and treated. Cheap to clone.
pub struct AgentSpec<A: Agent> {
    pub(crate) name: String,
    pub(crate) factory: Factory<A>,
    /// Shared with its clones and with the seats that it makes, and large: a spec is moved from hand to hand.
    pub(crate) policies: Arc<Policies>,
    pub(crate) on_failure: Vec<(FailureClass, Decision)>,
    pub(crate) below: Below,
    pub(crate) resources: Option<Arc<Resources>>,
    pub(crate) parent: Option<Arc<Seat>>,
    pub(crate) is_job: bool,
}

impl<A: Agent> Clone for AgentSpec<A> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            factory: self.factory.clone(),
            policies: Arc::clone(&self.policies),
            on_failure: self.on_failure.clone(),
            below: self.below.clone(),
            resources: self.resources.clone(),
            parent: self.parent.clone(),
            is_job: self.is_job,
        }
    }
}

impl<A: Agent> AgentSpec<A> {
    /// An agent built by `factory` at its start and at each restart. Its name must be unique among its siblings.
    #[must_use]
    pub fn new(name: impl Into<String>, factory: impl Fn() -> A + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            factory: Factory::new(factory),
            policies: Arc::default(),
            on_failure: Vec::new(),
            below: Below::default(),
            resources: None,
            parent: None,
            is_job: false,
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// When it is restarted. By default it is permanent; children of tasks, scopes and `run` are transient.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.policies_mut().restart = Some(restart);
        self
    }

    /// Whether an attempt after a crash reuses the results of effects that were paid for; by default it makes them again.
    #[must_use]
    pub fn restart_mode(mut self, mode: RestartMode) -> Self {
        self.policies_mut().restart_mode = mode;
        self
    }

    /// How much time its turn and stop hook get when it is stopped; 5 s by default, as in OTP.
    #[must_use]
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.policies_mut().shutdown = shutdown;
        self
    }

    /// A growing pause before each restart; none by default, as in OTP.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.policies_mut().backoff = Some(backoff);
        self
    }

    /// Its own limit of restarts, counted separately. Beyond it the child ends escalated, and its supervisor goes on. By
    /// default its restarts count in the supervisor's window.
    #[must_use]
    pub fn limit(mut self, restarts: u32, period: Duration) -> Self {
        self.policies_mut().limit = Some(Intensity { restarts, period });
        self
    }

    /// Takes name, restart, shutdown and kind from a written spec.
    #[must_use]
    pub fn described_by(mut self, spec: &ChildSpec) -> Self {
        self.name.clone_from(&spec.id);
        self.policies_mut().restart = Some(spec.restart);
        self.policies_mut().shutdown = spec.shutdown();
        self.policies_mut().significant = spec.significant;
        self.policies_mut().is_supervisor = spec.kind == ChildType::Supervisor;
        self
    }

    /// What its supervisor does about a failure of this class, overriding `restart`.
    #[must_use]
    pub fn on_failure(mut self, class: FailureClass, decision: Decision) -> Self {
        self.on_failure.push((class, decision));
        self
    }

    /// Its end may end its supervisor, depending on the supervisor's auto-shutdown.
    #[must_use]
    pub fn significant(mut self) -> Self {
        self.policies_mut().significant = true;
        self
    }

    /// Counts it as a supervisor, with a supervisor's shutdown (until the stop's deadline): for an agent whose purpose is
    /// its children.
    #[must_use]
    pub fn as_supervisor(mut self) -> Self {
        self.policies_mut().is_supervisor = true;
        self.policies_mut().shutdown = Shutdown::UntilDeadline;
        self
    }

    /// How long a start may take; 30 s by default.
    #[must_use]
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.policies_mut().start_within = limit;
        self
    }

    /// Attempts that a task has in all before it is poisoned; 3 by default.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.policies_mut().attempts = attempts;
        self
    }

    /// Tasks that its mailbox holds; 64 by default.
    #[must_use]
    pub fn mailbox(mut self, capacity: usize) -> Self {
        self.policies_mut().mailbox = capacity;
        self
    }

    /// How often a turn is checked for progress, and after how long without progress it is stale; 30 s and 600 s by default.
    #[must_use]
    pub fn heartbeat(mut self, look_every: Duration, stale_after: Duration) -> Self {
        self.policies_mut().heartbeat = look_every;
        self.policies_mut().stale_after = stale_after;
        self
    }

    /// What is done about a stale turn; by default it is ended.
    #[must_use]
    pub fn on_stale(mut self, then: OnStale) -> Self {
        self.policies_mut().on_stale = then;
        self
    }

    /// What happens to it when its supervisor has escalated or was lost, without a stop; by default it is stopped.
    #[must_use]
    pub fn when_orphaned(mut self, then: Orphans) -> Self {
        self.policies_mut().orphans = then;
        self
    }

    /// What it may spend together with its subtree; no limit of its own by default.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.policies_mut().budget = Some(budget);
        self
    }

    /// What it may do at most, together with its subtree and with what others do on its behalf; no ceiling of its own by
    /// default. It can only narrow what the agents above it may do.
    #[must_use]
    pub fn ceiling(mut self, ceiling: Ceiling) -> Self {
        self.policies_mut().ceiling = Some(ceiling);
        self
    }

    /// What it may do itself, within its ceiling; for example only to spawn agents, while its workers may do more. Agents that it
    /// spawns get the same grants unless their specs say otherwise; agents that it asks are not limited by them. By default it
    /// has the grants of its parent and of the agent that spawns it.
    #[must_use]
    pub fn grants(mut self, grants: Ceiling) -> Self {
        self.policies_mut().grants = Some(grants);
        self
    }

    /// A value that the agent and all agents below it look up by its type with `cx.get`, before the swarm's value of that
    /// type.
    #[must_use]
    pub fn resource<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        Arc::make_mut(self.resources.get_or_insert_default()).insert(Arc::new(value));
        self
    }

    /// What its behaviour is made of, such as its prompt and tools. A spawn of a living agent's name returns that agent only if
    /// its fingerprint is equal too. Factories cannot be compared: without a fingerprint, a spec of the same type and policies
    /// counts as the same.
    #[must_use]
    pub fn fingerprint(mut self, of: &impl Serialize) -> Self {
        self.policies_mut().fingerprint = Some(Fingerprint::of(of));
        self
    }

    /// What is reserved at the spawn for effects of its stop hook, so that they can be paid when everything else is spent;
    /// nothing by default.
    #[must_use]
    pub fn stop_allowance(mut self, usage: Usage) -> Self {
        self.policies_mut().stop_allowance = usage;
        self
    }

    /// Which siblings a restart among its children affects; `OneForOne` by default.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.policies_mut().strategy = strategy;
        self
    }

    /// How many restarts of its children it allows in a period before it escalates; 1 in 5 s by default, as in OTP.
    #[must_use]
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.policies_mut().intensity = Intensity { restarts, period };
        self
    }

    /// Whether it ends when its significant children have ended; by default it does not.
    #[must_use]
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.policies_mut().auto_shutdown = auto_shutdown;
        self
    }

    /// How many living children it may have, including those in its scopes; unlimited by default. A further one is
    /// refused with [`SpawnError::MaxChildren`](crate::SpawnError::MaxChildren) until one has ended. Elixir's `DynamicSupervisor` has the same limit.
    #[must_use]
    pub fn max_children(mut self, most: u32) -> Self {
        self.policies_mut().max_children = Some(most);
        self
    }

    /// The agent under which `swarm.spawn` and `swarm.run` put it; the root by default. All other places (a context, a
    /// scope, `start_child`, `.child`, a pattern) have a parent of their own. They refuse a spec that names another parent,
    /// with [`SpawnError::BadSpec`](crate::SpawnError::BadSpec) in the field `under`. So does a swarm to which the named agent does not belong.
    #[must_use]
    pub fn under<P: Agent>(mut self, parent: &AgentRef<P>) -> Self {
        self.parent = Some(parent.seat());
        self
    }

    /// A child that is started after the agent, in the order of the calls, and again at each restart.
    #[must_use]
    pub fn child<C: Agent>(mut self, spec: AgentSpec<C>) -> Self {
        self.below.add(spec);
        self
    }

    /// The agent's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn policies_mut(&mut self) -> &mut Policies {
        Arc::make_mut(&mut self.policies)
    }

    /// The current policies.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// It ends after its first task, whatever the outcome. It is transient by default: only a crash restarts it, for the next
    /// attempt. The attempts limit its crashes, which do not count in its supervisor's window.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.is_job = true;
        self
    }

    /// What the parent's supervision is told, for a place with this default.
    pub(crate) fn child_policy(&self, place: Restart, dynamic: bool, counted: bool) -> ChildPolicy {
        let is_bounded = self.is_job && self.policies.restart != Some(Restart::Permanent);
        let (place, counted) = if is_bounded { (Restart::Transient, false) } else { (place, counted) };
        ChildPolicy {
            restart: self.policies.restart.unwrap_or(place),
            shutdown: self.policies.shutdown,
            supervisor: self.policies.is_supervisor,
            significant: self.policies.significant,
            backoff: self.policies.backoff,
            limit: self.policies.limit,
            dynamic,
            counted,
            on_failure: self.on_failure.clone(),
        }
    }
}
