//! An agent of the part's own, from its spawn to its stop.

use skep_runtime::{Agent, AgentId, AgentSpec, Scope, SpawnError, Usage};

use super::lent::ask;
use super::{AnyWork, Bounds, Check, Done, Perform, Performance, Place, Work};
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::parts::stuck_in;

impl<A: Agent> Work for (AgentSpec<A>, A::Task) {
    type Output = A::Output;

    fn boxed(self) -> AnyWork<A::Output> {
        AnyWork::new(self)
    }

    fn takes(bounds: &Bounds<'_>) -> Option<Estimate> {
        Some(Estimate::agent(bounds.name, bounds.retries.saturating_add(1), bounds.costing))
    }
}

impl<A: Agent> Perform<A::Output> for (AgentSpec<A>, A::Task) {
    fn perform(self: Box<Self>, place: Place, check: Option<Check<A::Output>>) -> Performance<A::Output> {
        Box::pin(async move {
            let (spec, task) = *self;
            spawned(spec, task, place, check).await
        })
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        let policies = self.0.policies();
        let attempts = policies.attempts.min(bounds.retries.saturating_add(1));
        Estimate::agent(bounds.name, attempts, policies.budget.as_ref()).within(bounds.costing)
    }

    fn agent(&self) -> Option<&str> {
        Some(self.0.name())
    }
}

/// The agent has the part's name.
impl<A: Agent, F: Fn() -> A + Send + Sync + 'static> Work for (F, A::Task) {
    type Output = A::Output;

    fn boxed(self) -> AnyWork<A::Output> {
        AnyWork::new(Unnamed { factory: self.0, task: self.1 })
    }

    fn takes(bounds: &Bounds<'_>) -> Option<Estimate> {
        <(AgentSpec<A>, A::Task)>::takes(bounds)
    }
}

struct Unnamed<A: Agent, F> {
    factory: F,
    task: A::Task,
}

impl<A: Agent, F: Fn() -> A + Send + Sync + 'static> Perform<A::Output> for Unnamed<A, F> {
    fn perform(self: Box<Self>, place: Place, check: Option<Check<A::Output>>) -> Performance<A::Output> {
        Box::pin(async move {
            let Self { factory, task } = *self;
            let spec = AgentSpec::new(place.name.clone(), factory);
            spawned(spec, task, place, check).await
        })
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        Estimate::agent(bounds.name, bounds.retries.saturating_add(1), bounds.costing)
    }

    fn agent(&self) -> Option<&str> {
        None
    }
}

/// Spawns the agent, asks it, and stops it when its answer is in. A part with a bound of its own has a scope of its own,
/// which has that budget.
async fn spawned<A: Agent>(
    spec: AgentSpec<A>,
    task: A::Task,
    place: Place,
    check: Option<Check<A::Output>>,
) -> Done<A::Output> {
    let own = match &place.costing {
        None => None,
        Some(_) => match Scope::open(&place.owner(), &place.name) {
            Ok(own) => Some(own),
            Err(error) => return Done::not_done(Failure::not_spawned(error)),
        },
    };
    let scope = own.as_ref().unwrap_or(&place.scope);
    let began = place.env.now();
    let name = spec.name().to_owned();
    let start_within = spec.policies().start_within.min(place.left());
    let (mut done, mut bill) = match scope.spawn(spec.start_within(start_within)).await {
        Ok(agent) => {
            let mut done = ask(&agent, task, scope, &place, check, place.halt.raised()).await;
            done.stuck.extend(stuck_in(&agent.stop(place.stop).await));
            (done, Some(agent.cost().spent))
        }
        Err(error) => {
            let id = never_up(&error).cloned();
            let bill = if id.is_some() { None } else { Some(Usage::ZERO) };
            let took = place.env.now().since(began);
            (Done { id, took, ..Done::not_done(Failure::not_spawned(error)) }, bill)
        }
    };
    if let Some(own) = own {
        done.stuck.extend(stuck_in(&own.stop(place.stop).await));
        bill = Some(own.cost().spent);
    }
    // What an earlier attempt of the owner has paid for is in no bill of this one.
    let before = done.cost.filter(|_| done.is_recalled).unwrap_or_default();
    Done { agent: Some(name), cost: bill.map(|bill| bill + before), ..done }
}

/// The agent that began and did not come up.
pub(crate) const fn never_up(error: &SpawnError) -> Option<&AgentId> {
    match error {
        SpawnError::Start { agent, .. } | SpawnError::Ignored { agent } | SpawnError::Stopped { agent } => {
            Some(agent)
        }
        _ => None,
    }
}
