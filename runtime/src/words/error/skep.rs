//! What `?` turns into an [`AgentError`] by itself: the errors of skep.
//!
//! `?` asks for `From`, and the compiler's word about a `From` that is missing lists those that are there. Through a trait of
//! our own it says what to write instead. It is no blanket impl over every error: each of ours says for itself which class and
//! which advice it keeps. An embedder's own type may implement `From` for [`AgentError`] as before.

use super::AgentError;

/// An error of the runtime's own, which keeps its class and its advice as an [`AgentError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error of skep, so `?` does not convert it into an `AgentError`",
    label = "to fail the task with it: `.map_err(AgentError::failed)?`",
    note = "`AgentError::failed` takes any error, `AgentError::message` takes text, and `AgentError::crash` ends the incarnation"
)]
pub trait SkepError {
    /// The same as a failure of the agent's.
    fn into_agent_error(self) -> AgentError;
}

impl<E: SkepError> From<E> for AgentError {
    fn from(error: E) -> Self {
        error.into_agent_error()
    }
}
