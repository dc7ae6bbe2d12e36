//! What a user writes: a behaviour that handles tasks.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::{Context, StopContext};
use crate::error::AgentError;

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
