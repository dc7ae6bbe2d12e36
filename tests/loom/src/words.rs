//! The words of the runtime, which are public.

pub(crate) mod error {
    pub(crate) use skep_runtime::{AgentError, AskError};

    pub(crate) fn unmade(why: &(impl ToString + ?Sized)) -> AgentError {
        AgentError::message(why.to_string())
    }
}
pub(crate) mod event {
    pub(crate) use skep_runtime::Outcome;
}
pub(crate) mod id {
    pub(crate) use skep_runtime::{AgentId, Seq, TaskId};
}
pub(crate) mod state {
    pub(crate) use skep_runtime::StopReason;
}
pub(crate) mod time {
    pub(crate) use skep_runtime::Time;
}
pub(crate) mod usage {
    pub(crate) use skep_runtime::Usage;
}
