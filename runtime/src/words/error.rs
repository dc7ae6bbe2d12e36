//! The errors of the runtime: one enum for each operation, each with advice on whether to try again and an HTTP status.
//!
//! `docs/errors.md` is the table of all of them, held against this code by a test. What they have in common:
//!
//! - `Display` is one line that names the agent. No prompt, key or payload is in it, nor in `Debug`, which asks nothing of a
//!   payload's type. What was not consumed comes back in the error.
//! - Turned into an [`AgentError`] by `?`, an error of ours keeps its class and its advice. Others take `AgentError::failed`,
//!   which is what the compiler says where it is missing.

mod agent_error;
mod ask_error;
mod child_error;
mod control_error;
mod effect_error;
mod grant_error;
mod lookup_error;
mod narrow_error;
mod panic;
mod pause_error;
mod question_error;
mod replay_error;
mod run_error;
mod skep;
mod spawn_error;
mod start_error;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::agent_error::AgentError;
pub use self::ask_error::AskError;
pub use self::child_error::{ChangeError, ChildError};
pub use self::control_error::ControlError;
pub use self::effect_error::EffectError;
pub use self::grant_error::GrantError;
pub use self::lookup_error::LookupError;
pub use self::narrow_error::NarrowError;
pub use self::panic::Panic;
pub use self::pause_error::{PauseError, ResumeError};
pub use self::question_error::QuestionError;
pub use self::replay_error::ReplayError;
pub use self::run_error::RunError;
pub(crate) use self::skep::SkepError;
pub use self::spawn_error::SpawnError;
pub use self::start_error::StartError;

/// Whether trying again is safe and makes sense. It is for whoever asked; nothing is redelivered
/// because of it. Where a task is redelivered all the same, its next attempt begins when this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// At once.
    Now,
    /// After a while.
    After(Duration),
    /// Not.
    Never,
}

impl Advice {
    /// What a service puts into `Retry-After`: how long to wait before it makes sense to try again.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::After(pause) => Some(pause),
            Self::Now | Self::Never => None,
        }
    }
}
