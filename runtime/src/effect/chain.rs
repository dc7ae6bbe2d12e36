//! The chain's links: what an effect has to pass before it is paid for.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;

use super::Repeat;
use crate::id::{AgentId, TaskId};
use crate::usage::Usage;

/// Where in the chain a link stands.
///
/// A permission and an approval are for the whole effect: its link is asked once and what it gives along is held to the
/// effect's end. All other links are passed for each try, and let go of with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// What the subtree may do at all.
    Ceiling,
    /// What this agent may do.
    Permission,
    /// Somebody has to say yes.
    Approval,
    /// A broken provider is not called.
    Breaker,
    /// So many a second.
    RateLimit,
    /// So many at once; the permits of the builder stand here, after a user's links of this stage.
    Concurrency,
}

impl Stage {
    /// Whether a link of this stage is asked once for all tries.
    pub(super) const fn is_for_the_whole(self) -> bool {
        matches!(self, Self::Permission | Self::Approval)
    }
}

/// An effect that asks to pass.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Whose.
    pub agent: &'a AgentId,
    /// In which task; none in a start or a stop hook.
    pub task: Option<&'a TaskId>,
    /// Its kind.
    pub kind: &'a str,
    /// The most that one try can cost; none if there is no telling.
    pub worst_case: Option<&'a Usage>,
    /// Whether it may happen again.
    pub repeat: Repeat,
}

/// What a link gives along: held until the try is over, or the effect, as its [`Stage`] says; then dropped.
pub type Admitted = Box<dyn Any + Send>;

/// Why a link lets an effect not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied(pub String);

/// A link of the chain. It may wait; the turn's cancel and the effect's deadline end its waiting.
pub trait Link: Send + Sync + 'static {
    /// Its name, for refusals.
    fn name(&self) -> &str;

    /// Where it stands; links of one stage are passed in the order in which they were added.
    fn stage(&self) -> Stage;

    /// Lets an effect pass, with something to hold meanwhile, or not. Dropping the future gives the place up.
    fn admit<'a>(
        &'a self,
        request: &'a Request<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Admitted, Denied>> + Send + 'a>>;
}
