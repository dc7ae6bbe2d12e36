//! Spawning many agents at once, in any place.

use std::future::Future;

use crate::agent::Agent;
use crate::agent::agent_ref::AgentRef;
use crate::agent::context::{Context, OwnAgent};
use crate::agent::spec::AgentSpec;
use crate::swarm::Swarm;
use crate::swarm::scope::Scope;
use crate::words::error::SpawnError;

/// So many are spawned before others come first.
const AT_ONCE: usize = 64;

/// A place where agents are spawned: a swarm, a scope, the context of a turn, an agent itself (`cx.agent()`). Each place decides
/// whose child an agent becomes. The trait is sealed.
pub trait Spawns: sealed::Sealed {
    /// Spawns one agent, as the type's own `spawn`.
    ///
    /// # Errors
    /// [`SpawnError`], as that one.
    fn spawn_one<A: Agent>(
        &self,
        spec: AgentSpec<A>,
    ) -> impl Future<Output = Result<AgentRef<A>, SpawnError>> + Send;
}

mod sealed {
    pub trait Sealed: Sync {}
}

macro_rules! spawns {
    ($($place:ty),+) => {$(
        impl sealed::Sealed for $place {}

        impl Spawns for $place {
            async fn spawn_one<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
                self.spawn(spec).await
            }
        }
    )+};
}

spawns!(Swarm, Scope, Context, OwnAgent<'_>);

/// Spawns agents one after another, each with the `spawn` of `place`, and returns a row for each, in order. If one cannot
/// be spawned, its row is the error, and the next is spawned anyway. It yields now and then.
///
/// Each start finishes before the next begins, so slow starts add up; `fan_out` starts several at once.
///
/// ```
/// # use skep_runtime::{Agent, AgentError, AgentSpec, Context, Swarm, spawn_many};
/// # struct Bee;
/// # impl Agent for Bee {
/// #     type Task = ();
/// #     type Output = ();
/// #     async fn handle(&mut self, (): &(), _: &Context) -> Result<(), AgentError> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), skep_runtime::StartError> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let bees = spawn_many(&swarm, (0..100).map(|number| AgentSpec::new(format!("bee-{number}"), || Bee))).await;
/// assert!(bees.iter().all(Result::is_ok));
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// Dropping it keeps those that were spawned.
pub async fn spawn_many<A: Agent>(
    place: &impl Spawns,
    specs: impl IntoIterator<Item = AgentSpec<A>>,
) -> Vec<Result<AgentRef<A>, SpawnError>> {
    let specs = specs.into_iter();
    let mut rows = Vec::with_capacity(specs.size_hint().0);
    for spec in specs {
        rows.push(place.spawn_one(spec).await);
        if rows.len().is_multiple_of(AT_ONCE) {
            tokio::task::yield_now().await;
        }
    }
    rows
}
