//! The errors of the runtime: one enum for each operation, each with advice on whether to try again and an HTTP status.
//!
//! `docs/errors.md` is the table of all of them, held against this code by a test. What they have in common:
//!
//! - `Display` is one line that names the agent. No prompt, key or payload is in it, nor in `Debug`, which asks nothing of a
//!   payload's type. What was not consumed comes back in the error.
//! - Turned into an [`AgentError`] by `?`, an error of ours keeps its class and its advice. Others take `AgentError::failed`,
//!   which is what the compiler says where it is missing.

mod agent;
mod ask;
mod child;
mod control;
mod effect;
mod grant;
mod lookup;
mod narrow;
mod panic;
mod pause;
mod question;
mod replay;
mod run;
mod skep;
mod spawn;
mod start;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::agent::AgentError;
pub use self::ask::AskError;
pub use self::child::{ChangeError, ChildError};
pub use self::control::ControlError;
pub use self::effect::EffectError;
pub use self::grant::GrantError;
pub use self::lookup::LookupError;
pub use self::narrow::NarrowError;
pub use self::panic::Panic;
pub use self::pause::{PauseError, ResumeError};
pub use self::question::QuestionError;
pub use self::replay::ReplayError;
pub use self::run::RunError;
pub(crate) use self::skep::SkepError;
pub use self::spawn::SpawnError;
pub use self::start::StartError;

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
