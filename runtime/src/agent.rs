//! What a user writes: a behaviour that handles tasks.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::{Context, StopContext};
use crate::error::AgentError;
use crate::question::{Answer, Question};

/// What a task has to be: a value that could be written down.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Message for T {}

/// A behaviour. One incarnation handles one task at a time; a restart builds it anew with the spec's factory.
///
/// A panic in any of these, and [`AgentError::crash`], end the incarnation; an ordinary error is the task's outcome and
/// the agent lives on.
pub trait Agent: Send + 'static {
    /// What it is asked to do.
    type Task: Message;
    /// What it answers with.
    type Output: Message;

    /// Before the first task of an incarnation. Ready at once by default.
    ///
    /// # Errors
    /// An error fails the start: a spawn returns it, a restart is tried again as the supervisor's policy says.
    fn start(&mut self, cx: &Context) -> impl Future<Output = Result<(), AgentError>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// One task. When it is cancelled, pending calls on `cx` return an error that says so; what has not returned by the
    /// grace is dropped at its await, and the behaviour is built anew.
    ///
    /// # Errors
    /// An error is the task's outcome and goes to the asker.
    fn handle(
        &mut self,
        task: &Self::Task,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, AgentError>> + Send;

    /// A question that an agent below it asks with [`Context::ask_parent`]. It is answered beside the agent's turn, also
    /// while that waits for whoever asks, and while the agent is dormant: so there is no `self`, and what it shares with the
    /// turn it gets with [`Context::get`]. Nothing, the default, hands the question on to the agent's own parent.
    ///
    /// Effects are billed to this agent. The answer has the deadline of the question and is dropped with it. A panic ends
    /// neither the agent nor its turn: it is the question's failure. What is spawned here is a child of the agent.
    ///
    /// # Errors
    /// An error goes to whoever asked, and the question no further.
    fn on_question(
        question: Question,
        cx: Context,
    ) -> impl Future<Output = Result<Option<Answer>, AgentError>> + Send {
        let _ = (question, cx);
        async { Ok(None) }
    }

    /// After the last attempt at a task, before it becomes a dead letter: an output given here is the task's. It runs in the
    /// last turn, whose behaviour may be torn, so there is no `self`; `errors` are those of all attempts, in order. It may ask
    /// upwards with [`Context::ask_parent`]. Nothing, the default, leaves the task poisoned. Whoever asked with
    /// [`Ask::accept`](crate::Ask::accept) has this output checked too. A crash that brought it here ends the incarnation
    /// all the same.
    ///
    /// # Errors
    /// An error, a panic, or an output that does not pass is the last of the task's errors.
    fn on_help(
        task: &Self::Task,
        errors: &[AgentError],
        cx: &Context,
    ) -> impl Future<Output = Result<Option<Self::Output>, AgentError>> + Send {
        let _ = (task, errors, cx);
        async { Ok(None) }
    }

    /// When the agent is stopped and its last turn returned; not after a crash or a dropped turn. Children have ended by
    /// then. Ready at once by default.
    ///
    /// # Errors
    /// An error is a row in the stop's receipt and changes nothing else.
    fn stop(&mut self, cx: &StopContext) -> impl Future<Output = Result<(), AgentError>> + Send {
        let _ = cx;
        async { Ok(()) }
    }
}

/// A type's own name, without its path and its parameters, which have paths of theirs.
pub(crate) fn type_word<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split_once('<').map_or(name, |(name, _)| name);
    name.rsplit("::").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_type_has_the_name_that_a_person_gave_it() {
        assert_eq!(super::type_word::<String>(), "String");
        assert_eq!(super::type_word::<std::collections::BTreeMap<String, Vec<u8>>>(), "BTreeMap");
    }
}
