//! What a supervisor's interface answers.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::words::text::OneLine;

/// What the interface did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing runs for the child.
    Terminated,
    /// The child runs.
    Started,
    /// Its start said *ignore*; nothing runs for it.
    Ignored,
    /// The child and its spec are gone.
    Deleted,
}

/// Why the interface did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceError {
    /// There is no such child.
    #[error("not found: no such child")]
    NotFound,
    /// The child runs, or is being started; terminate it first.
    #[error("running: terminate the child first")]
    Running,
    /// The child is being restarted; terminate it first.
    #[error("restarting: terminate the child first")]
    Restarting,
    /// Its start failed; nothing runs for it and its spec stays.
    #[error("start failed: {}", OneLine(.0))]
    StartFailed(String),
    /// The supervisor is ending.
    #[error("ending: the supervisor is about to end")]
    Ending,
}
