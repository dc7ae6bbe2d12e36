//! An agent that lives already: it is asked, and lives on.

use std::future::Future;
use std::pin::pin;

use futures_util::future::{Either, select};
use skep_runtime::{Agent, AgentError, AgentRef, AskError, FailureClass, Scope};

use super::{AnyWork, Bounds, Check, Done, Perform, Performance, Place, Work};
use crate::cut::Cut;
use crate::estimate::Estimate;
use crate::failure::Failure;

impl<A: Agent> Work for (AgentRef<A>, A::Task) {
    type Output = A::Output;

    fn boxed(self) -> AnyWork<A::Output> {
        AnyWork::new(self)
    }

    fn takes(bounds: &Bounds<'_>) -> Option<Estimate> {
        Some(of_one(bounds))
    }
}

impl<A: Agent> Perform<A::Output> for (AgentRef<A>, A::Task) {
    fn perform(self: Box<Self>, place: Place, check: Option<Check<A::Output>>) -> Performance<A::Output> {
        Box::pin(async move {
            let (agent, task) = *self;
            // It lives elsewhere, so it does not end with the run's scope.
            ask(&agent, task, &place.scope, &place, check, place.halt.raised_at_all()).await
        })
    }

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        of_one(bounds)
    }

    fn agent(&self) -> Option<&str> {
        Some(self.0.name())
    }
}

/// It is nobody's agent here, and no budget of the pattern's bounds it.
fn of_one(bounds: &Bounds<'_>) -> Estimate {
    let asked = Estimate::agent(bounds.name, bounds.retries.saturating_add(1), None);
    Estimate { agents: 0, at_once: 0, depth: 0, ..asked }
}

/// Asks as the part that it is, until it is answered or halted. The cost is the task's own.
pub(super) async fn ask<A: Agent>(
    agent: &AgentRef<A>,
    task: A::Task,
    scope: &Scope,
    place: &Place,
    check: Option<Check<A::Output>>,
    halted: impl Future<Output = ()>,
) -> Done<A::Output> {
    let began = place.env.now();
    let mut ask = scope.ask(&place.key, agent, task).within(place.left()).retries(place.retries);
    if let Some(check) = check {
        ask = ask.accept(move |output| check(output));
    }
    let answer = match select(&mut ask, pin!(halted)).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    };
    let took = place.env.now().since(began);
    let cut = matches!(answer, Some(Err(AskError::Cancelled(_)))).then_some(Cut::Owner);
    let result = match answer {
        Some(answer) => answer.map_err(|error| Failure::not_answered(error, took)),
        None => Err(Failure::Stopped(AgentError::new(FailureClass::Stopped, "it was told to end"))),
    };
    Done {
        result,
        agent: Some(agent.name().to_owned()),
        id: Some(agent.id().clone()),
        attempts: ask.attempts(),
        errors: ask.errors(),
        cost: Some(ask.spent()),
        took,
        is_recalled: ask.is_recalled(),
        stuck: Vec::new(),
        cut,
        inner: None,
    }
}
