//! A worker, whatever the type of its agent.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{
    Agent, AgentError, AgentId, AgentRef, AgentSpec, AgentState, AskError, Budget, Message, Restart, Scope,
    SpawnError, Stop, StopReceipt, Usage,
};

use super::tries::Ending;
use crate::failure::Failure;

pub(super) type Doing<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A spec of a worker.
pub(super) trait Hire<T, O>: Send {
    fn name(&self) -> &str;

    /// That of the worker's own life.
    fn budget(&self) -> Option<&Budget>;

    /// Starts it, as a temporary agent: whoever ends in the middle of a task is replaced by the queue, which has the task.
    fn hire(self: Box<Self>, scope: Arc<Scope>, within: Duration) -> Doing<Result<Hired<T, O>, SpawnError>>;
}

pub(super) type Hired<T, O> = Arc<dyn Hand<T, O>>;

/// A worker that lives, or has lived.
pub(super) trait Hand<T, O>: Send + Sync {
    fn name(&self) -> &str;

    fn id(&self) -> &AgentId;

    fn is_alive(&self) -> bool;

    fn spent(&self) -> Usage;

    /// Gives it a task.
    fn ask(&self, terms: &Lending<'_>, task: T) -> Doing<Asked<O>>;

    fn stop(&self, stop: Stop) -> Doing<StopReceipt>;
}

/// On which terms a worker has a task.
pub(super) struct Lending<'h> {
    pub(super) scope: &'h Scope,
    pub(super) key: &'h str,
    pub(super) within: Duration,
    pub(super) retries: u32,
}

/// What came of it.
pub(super) struct Asked<O> {
    pub(super) result: Result<O, Failure>,
    pub(super) ending: Ending,
    pub(super) attempts: u32,
    /// What its attempts failed with.
    pub(super) errors: Vec<AgentError>,
    pub(super) spent: Usage,
    pub(super) is_recalled: bool,
}

impl<A: Agent> Hire<A::Task, A::Output> for AgentSpec<A> {
    fn name(&self) -> &str {
        self.name()
    }

    fn budget(&self) -> Option<&Budget> {
        self.policies().budget.as_ref()
    }

    fn hire(
        self: Box<Self>,
        scope: Arc<Scope>,
        within: Duration,
    ) -> Doing<Result<Hired<A::Task, A::Output>, SpawnError>> {
        let start_within = self.policies().start_within.min(within);
        let spec = self.restart(Restart::Temporary).start_within(start_within);
        Box::pin(async move { Ok(Arc::new(scope.spawn(spec).await?) as Hired<A::Task, A::Output>) })
    }
}

impl<A: Agent> Hand<A::Task, A::Output> for AgentRef<A> {
    fn name(&self) -> &str {
        self.name()
    }

    fn id(&self) -> &AgentId {
        self.id()
    }

    fn is_alive(&self) -> bool {
        !matches!(self.state(), AgentState::Stopped(_) | AgentState::Stopping | AgentState::Restarting)
    }

    fn spent(&self) -> Usage {
        self.cost().spent
    }

    fn ask(&self, terms: &Lending<'_>, task: A::Task) -> Doing<Asked<A::Output>> {
        let within = terms.within;
        let mut ask = terms.scope.ask(terms.key, self, task).within(within).retries(terms.retries);
        Box::pin(async move {
            let answer = (&mut ask).await;
            let (result, ending) = read(answer, within);
            let (mut errors, attempts) = (ask.errors(), ask.attempts());
            // What ended the last attempt from outside is no error of it to the runtime, and is one to whoever reads of it.
            if let Err(failure) = &result
                && u32::try_from(errors.len()).is_ok_and(|told| told < attempts.max(1))
            {
                errors.push(failure.error().clone());
            }
            let (spent, is_recalled) = (ask.spent(), ask.is_recalled());
            Asked { result, ending, attempts, errors, spent, is_recalled }
        })
    }

    fn stop(&self, stop: Stop) -> Doing<StopReceipt> {
        let agent = self.clone();
        Box::pin(async move { agent.stop(stop).await })
    }
}

fn read<T: Message, O>(answer: Result<O, AskError<T>>, within: Duration) -> (Result<O, Failure>, Ending) {
    let error = match answer {
        Ok(output) => return (Ok(output), Ending::Answered),
        Err(error) => error,
    };
    let ending = match &error {
        AskError::Failed(_, error) => Ending::of(error),
        AskError::Stopped(..) => Ending::Lost,
        AskError::Expired(_) => Ending::Late,
        AskError::Cancelled(_) => Ending::Cancelled,
        _ => Ending::Failed,
    };
    (Err(Failure::not_answered(error, within)), ending)
}
