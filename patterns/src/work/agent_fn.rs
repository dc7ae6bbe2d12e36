//! A function as an agent.

use std::future::Future;
use std::marker::PhantomData;

use skep_runtime::{Agent, AgentError, AgentSpec, Context, Message};

/// An agent made of an async function, with a row, a bill, a context and attempts of its own, as every agent has.
///
/// The function gets the task and the context by value: a future that borrows them could not be sent between threads. It is
/// cloned for each incarnation.
pub fn agent_fn<T, O, F, Fut>(name: impl Into<String>, function: F) -> AgentSpec<AgentFn<T, O, F>>
where
    T: Message + Clone,
    O: Message,
    F: Fn(T, Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<O, AgentError>> + Send + 'static,
{
    AgentSpec::new(name, move || AgentFn { function: function.clone(), types: PhantomData })
}

/// A function as an agent: see [`agent_fn`].
pub struct AgentFn<T, O, F> {
    function: F,
    types: PhantomData<fn(T) -> O>,
}

impl<T, O, F, Fut> Agent for AgentFn<T, O, F>
where
    T: Message + Clone,
    O: Message,
    F: Fn(T, Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<O, AgentError>> + Send + 'static,
{
    type Task = T;
    type Output = O;

    async fn handle(&mut self, task: &T, cx: &Context) -> Result<O, AgentError> {
        (self.function)(task.clone(), cx.clone()).await
    }
}
