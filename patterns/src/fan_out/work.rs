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

/// What became of the task.
struct Answer<T> {
    result: Result<T, Failure>,
    cut: Option<Cut>,
}

/// Spawns the item's agent, asks it, and stops it when its answer is in.
pub(super) async fn work<I, A>(
    fan: &FanOut<I, Specs<'_, I, A>, Tasks<'_, I, A>>,
    scope: &Scope,
    at: usize,
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
            let took = env.now().since(began);
            let Answer { result, cut } = not_spawned(error);
            Worked { at, name, id, result, attempts: 0, cost, took, stuck: Vec::new(), cut }
        }
        Ok(agent) => {
            let mut ask = agent.ask((fan.task)(item.clone())).within(left());
            let answer = (&mut ask).await;
            let took = env.now().since(began);
            let Answer { result, cut } = answered(answer, took);
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
fn not_spawned<T>(error: SpawnError) -> Answer<T> {
    let owner_ended = matches!(error, SpawnError::Fenced { .. } | SpawnError::StaleTurn { .. });
    let cut = owner_ended.then(|| Cut::Owner(error.to_string()));
    let failure = match &error {
        SpawnError::Fenced { .. } | SpawnError::StaleTurn { .. } => Failure::NotBegun,
        SpawnError::Stopped { .. } => Failure::Stopped,
        _ => Failure::Failed,
    };
    let error = match error {
        SpawnError::Start { ref message, .. } => {
            AgentError::new(FailureClass::Start, format!("failed to start: {message}")).advise(error.advice())
        }
        error => error.into(),
    };
    Answer { result: Err(failure(error)), cut }
}

fn answered<T, Q>(answer: Result<T, AskError<Q>>, took: Duration) -> Answer<T> {
    let error = match answer {
        Ok(output) => return Answer { result: Ok(output), cut: None },
        Err(error) => error,
    };
    let (class, advice) = (error.class(), error.advice());
    let again = |text: String| AgentError::new(class, text).advise(advice);
    let cut = matches!(error, AskError::Cancelled(_))
        .then(|| Cut::Owner("the turn that gathered was cancelled".to_owned()));
    let failure = match error {
        AskError::Failed(_, error) => Failure::Failed(error),
        AskError::Poisoned { errors, .. } => {
            let last = errors.last().map(ToString::to_string).unwrap_or_default();
            Failure::Failed(again(format!("crashed in every attempt, at last: {last}")))
        }
        AskError::Expired(_) => Failure::Failed(again(format!("no answer in {took:.1?}"))),
        AskError::Stopped(..) | AskError::Cancelled(_) => Failure::Stopped(error.into()),
        _ => Failure::Failed(error.into()),
    };
    Answer { result: Err(failure), cut }
}
