//! What a user writes: a behaviour that handles tasks.

pub(crate) mod agent_ref;
pub(crate) mod ask;
pub mod context;
pub mod effect;
pub(crate) mod mailbox;
pub(crate) mod plant;
pub mod question;
pub(crate) mod runner;
pub(crate) mod spawn;
pub mod spec;
pub(crate) mod task;
pub(crate) mod typed;

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::agent::context::{Context, StopContext};
use crate::words::error::AgentError;
use crate::words::question::{Answer, Question};

/// What a task or an output must be: a value that can be serialised.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Message for T {}

/// A behaviour. One incarnation handles one task at a time; a restart builds a new one with the spec's factory.
///
/// A panic in any of these methods, and [`AgentError::crash`], end the incarnation. An ordinary error is the task's
/// outcome, and the agent lives on.
pub trait Agent: Send + 'static {
    /// What the agent is asked to do.
    type Task: Message;
    /// What the agent answers.
    type Output: Message;

    /// Called before the first task of an incarnation. By default it does nothing.
    ///
    /// # Errors
    /// An error fails the start: a spawn returns the error; a restart is tried again according to the supervisor's policy.
    fn start(&mut self, cx: &Context) -> impl Future<Output = Result<(), AgentError>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Handles one task. When the task is cancelled, pending calls on `cx` return an error that says so. If the method
    /// has not returned at the end of the grace, it is dropped at its await, and a new behaviour is built.
    ///
    /// # Errors
    /// An error is the task's outcome and goes to the asker.
    fn handle(
        &mut self,
        task: &Self::Task,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, AgentError>> + Send;

    /// Answers a question that an agent below asks with [`Context::ask_parent`]. It runs beside the agent's turn, even while
    /// the turn waits for the asker or while the agent is dormant. So there is no `self`; use [`Context::get`] for what it
    /// shares with the turn. Returning `None`, the default, passes the question on to the agent's own parent.
    ///
    /// Effects are billed to this agent. The method has the deadline of the question and is dropped with it. A panic
    /// fails the question, but ends neither the agent nor its turn. Agents spawned here are children of this agent.
    ///
    /// # Errors
    /// An error goes back to the asker, and the question goes no further up.
    fn on_question(
        question: Question,
        cx: Context,
    ) -> impl Future<Output = Result<Option<Answer>, AgentError>> + Send {
        let _ = (question, cx);
        async { Ok(None) }
    }

    /// Called after the last failed attempt at a task, before the task becomes a dead letter: an output returned here becomes
    /// the task's output. It runs in the last turn, whose behaviour may be in a broken state, so there is no `self`; `errors`
    /// are those of all attempts, in order. It may ask upwards with [`Context::ask_parent`]. Returning `None`, the default,
    /// leaves the task poisoned. If the asker used [`Ask::accept`](crate::Ask::accept), this output is checked too. If the
    /// last attempt crashed, the incarnation still ends.
    ///
    /// # Errors
    /// An error, a panic, or an output that fails the check is added as the last of the task's errors.
    fn on_help(
        task: &Self::Task,
        errors: &[AgentError],
        cx: &Context,
    ) -> impl Future<Output = Result<Option<Self::Output>, AgentError>> + Send {
        let _ = (task, errors, cx);
        async { Ok(None) }
    }

    /// Called when the agent is stopped and its last turn has returned; not after a crash or a dropped turn. The
    /// children have ended by then. By default it does nothing.
    ///
    /// # Errors
    /// An error is recorded in the agent's row of the stop's receipt, and changes nothing else.
    fn stop(&mut self, cx: &StopContext) -> impl Future<Output = Result<(), AgentError>> + Send {
        let _ = cx;
        async { Ok(()) }
    }
}

/// A type's own name, without its path and its parameters, which have paths of theirs.
pub(crate) fn type_word<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    // By single characters, which are found quickly: every spawn says its type.
    let name = name.find('<').map_or(name, |parameters| &name[..parameters]);
    name.rfind(':').map_or(name, |path| &name[path + 1..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_type_has_the_name_that_a_person_gave_it() {
        assert_eq!(super::type_word::<String>(), "String");
        assert_eq!(super::type_word::<std::collections::BTreeMap<String, Vec<u8>>>(), "BTreeMap");
    }
}
