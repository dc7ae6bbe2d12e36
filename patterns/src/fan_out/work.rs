//! One item's agent, from its spawn to its stop.

use std::time::Duration;

use skep_runtime::{Agent, AgentError, AgentId, AskError, FailureClass, Scope, SpawnError, Time, Usage};

use super::cut::Cut;
use super::round::stuck_in;
use super::{FanOut, Specs, Tasks};
use crate::gathered::Failure;

/// How an item's agent ended.
pub(super) struct Worked<T> {
    /// The item's place.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) id: Option<AgentId>,
    pub(super) result: Result<T, Failure>,
    pub(super) attempts: u32,
    /// None for an agent that did not come up, whose address nobody has: the scope's bill knows.
    pub(super) cost: Option<Usage>,
    pub(super) took: Duration,
    /// Those of its subtree that could not be stopped.
    pub(super) stuck: Vec<AgentId>,
    /// What has come to light here that ends the whole fan-out.
    pub(super) cut: Option<Cut>,
}

/// Where an item stands: among those of this round, and of the whole fan-out.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) at: usize,
    pub(super) place: usize,
}

/// Spawns the item's agent, asks it as the part of the item's place, and stops it when its answer is in.
pub(super) async fn work<I, A>(
    fan: &FanOut<I, Specs<'_, I, A>, Tasks<'_, I, A>>,
    scope: &Scope,
    Spot { at, place }: Spot,
    item: &I,
    until: Time,
) -> Worked<A::Output>
where
    I: Clone + Send + Sync,
    A: Agent,
{
    let (env, limits) = (fan.owner.env(), &fan.limits);
    let began = env.now();
    let deadline = limits.each_within.map_or(until, |each| until.min(began + each));
    // A start without any time would be a bad spec, not a late agent.
    let left = || deadline.since(env.now()).max(Duration::from_nanos(1));
    let spec = (fan.spec)(item.clone());
    let name = spec.name().to_owned();
    let start_within = spec.policies().start_within.min(left());

    let mut worked = match scope.spawn(spec.start_within(start_within)).await {
        Err(error) => {
            let id = never_up(&error).cloned();
            let cost = if id.is_some() { None } else { Some(Usage::ZERO) };
            let result = Err(not_spawned(error));
            let took = env.now().since(began);
            Worked { at, name, id, result, attempts: 0, cost, took, stuck: Vec::new(), cut: None }
        }
        Ok(agent) => {
            let part = (place + 1).to_string();
            let mut ask = scope.ask(&part, &agent, (fan.task)(item.clone())).within(left());
            let answer = (&mut ask).await;
            let took = env.now().since(began);
            let cut = matches!(answer, Err(AskError::Cancelled(_)))
                .then(|| Cut::Owner("the turn that gathered was cancelled".to_owned()));
            let result = answer.map_err(|error| not_answered(error, took));
            let stuck = stuck_in(&agent.stop(limits.stop).await).collect();
            let (attempts, cost) = (ask.attempts(), Some(agent.cost().spent));
            Worked { at, name, id: Some(agent.id().clone()), result, attempts, cost, took, stuck, cut }
        }
    };
    // A failure at the deadline of the whole is not the agent's.
    if worked.result.is_err() && began + worked.took >= until {
        worked.cut = Some(Cut::Deadline(limits.within));
    }
    worked
}

/// The agent that began and did not come up.
const fn never_up(error: &SpawnError) -> Option<&AgentId> {
    match error {
        SpawnError::Start { agent, .. } | SpawnError::Ignored { agent } | SpawnError::Stopped { agent } => {
            Some(agent)
        }
        _ => None,
    }
}

/// The row has the agent's name and id, so its error is said without them.
fn not_spawned(error: SpawnError) -> Failure {
    match &error {
        SpawnError::Fenced { .. } | SpawnError::StaleTurn { .. } => Failure::NotBegun(error.into()),
        SpawnError::Stopped { .. } => Failure::Stopped(error.into()),
        SpawnError::Start { message, .. } => {
            let text = format!("failed to start: {message}");
            Failure::Failed(AgentError::new(FailureClass::Start, text).advise(error.advice()))
        }
        _ => Failure::Failed(error.into()),
    }
}

fn not_answered<Q>(error: AskError<Q>, took: Duration) -> Failure {
    let said = |text: String| AgentError::new(error.class(), text).advise(error.advice());
    match &error {
        AskError::Failed(_, own) => Failure::Failed(own.clone()),
        AskError::Poisoned { errors, .. } => {
            let last = errors.last().map(ToString::to_string).unwrap_or_default();
            Failure::Failed(said(format!("crashed in every attempt; the last error: {last}")))
        }
        AskError::Expired(_) => Failure::Failed(said(format!("no answer in {took:.1?}"))),
        AskError::Stopped(..) | AskError::Cancelled(_) => Failure::Stopped(error.into()),
        _ => Failure::Failed(error.into()),
    }
}
