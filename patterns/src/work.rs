//! The atom of the family: who does a part, and what it is asked.

mod agent_fn;
mod halt;
mod lent;
mod mapped;
mod nest;
mod own;

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::{AgentError, AgentId, Budget, Env, Scope, ScopeOwner, Stop, Time, Usage};

pub use self::agent_fn::{AgentFn, agent_fn};
pub(crate) use self::halt::Halt;
pub use self::mapped::{Mapped, TryMapped};
pub use self::nest::{Nested, nest};
pub(crate) use self::own::never_up;
use crate::cut::Cut;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::parts::Parts;

/// An agent and its task, which together are one part of a pattern:
///
/// - `(spec, task)`: an agent of its own, which ends with its answer;
/// - `(|| Agent, task)`: the same, named after its part;
/// - `(agent_ref, task)`: one that lives already, lives on, and remembers;
/// - [`nest`]: another pattern.
///
/// What the agent answers becomes what the pattern needs by [`map`](Work::map) and [`try_map`](Work::try_map).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no work: give an agent and its task",
    label = "expected `(AgentSpec<A>, A::Task)`, `(AgentRef<A>, A::Task)`, `(|| A, A::Task)` or `nest(..)`",
    note = "the task has to be of the agent's own `Agent::Task`; a plain function between agents is `.then(..)`"
)]
pub trait Work: Send + Sized + 'static {
    /// What it gives.
    type Output: Send + Sync + 'static;

    /// The same with its type erased: for closures whose branches give different agents.
    fn boxed(self) -> AnyWork<Self::Output>;

    /// What this work takes, whatever the task is. None if that depends on the task.
    #[doc(hidden)]
    fn takes(_: &Bounds<'_>) -> Option<Estimate> {
        None
    }

    /// What the part gives is made of what the agent answered.
    fn map<T, F>(self, into: F) -> Mapped<Self, F>
    where
        F: FnOnce(Self::Output) -> T + Send + 'static,
        T: Send + Sync + 'static,
    {
        Mapped { work: self, into }
    }

    /// The same where that may fail. What it does not take is a failed attempt, and the next finds the reason in
    /// [`Context::last_error`](skep_runtime::Context::last_error). It is called where the agent works, and once more with the
    /// answer that it took.
    fn try_map<T, E, F>(self, into: F) -> TryMapped<Self, F>
    where
        F: Fn(&Self::Output) -> Result<T, E> + Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Display,
    {
        TryMapped { work: self, into: Arc::new(into) }
    }
}

/// Work of any type that gives an `O`.
#[must_use = "work is done by a pattern"]
pub struct AnyWork<O>(Box<dyn Perform<O>>);

impl<O: Send + Sync + 'static> Work for AnyWork<O> {
    type Output = O;

    fn boxed(self) -> Self {
        self
    }
}

impl<O: Send + Sync + 'static> AnyWork<O> {
    pub(crate) fn new(work: impl Perform<O> + 'static) -> Self {
        Self(Box::new(work))
    }

    /// Does it, to its end: what it began is over when this is.
    pub(crate) fn perform(self, place: Place, check: Option<Check<O>>) -> Performance<O> {
        self.0.perform(place, check)
    }

    /// What it takes at most.
    pub(crate) fn estimate(&self, bounds: &Bounds<'_>) -> Estimate {
        self.0.estimate(bounds)
    }

    /// The name of its agent, unless that is the part's.
    pub(crate) fn agent(&self) -> Option<&str> {
        self.0.agent()
    }
}

pub(crate) type Performance<O> = Pin<Box<dyn Future<Output = Done<O>> + Send>>;

/// Says of an output why it is none.
pub(crate) type Check<O> = Arc<dyn Fn(&O) -> Result<(), String> + Send + Sync>;

/// How work of one type is done.
pub(crate) trait Perform<O>: Send {
    fn perform(self: Box<Self>, place: Place, check: Option<Check<O>>) -> Performance<O>;

    fn estimate(&self, bounds: &Bounds<'_>) -> Estimate;

    fn agent(&self) -> Option<&str>;
}

/// Where a part is done, and within what.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) scope: Arc<Scope>,
    pub(crate) env: Env,
    /// What the part is in its pattern, the same in each attempt of the owner's task.
    pub(crate) key: String,
    /// Its name, for its agent.
    pub(crate) name: String,
    pub(crate) until: Time,
    pub(crate) retries: u32,
    pub(crate) costing: Option<Budget>,
    pub(crate) stop: Stop,
    pub(crate) halt: Halt,
}

impl Place {
    /// What is left until it has to be over. An ask or a start without any time would be a mistake, not a late answer.
    pub(crate) fn left(&self) -> Duration {
        self.until.since(self.env.now()).max(Duration::from_nanos(1))
    }

    /// The part's own owner, in which scopes can have any name.
    pub(crate) fn owner(&self) -> ScopeOwner {
        let owner = ScopeOwner::from(&*self.scope).branch(&self.key);
        match &self.costing {
            Some(budget) => owner.budget(budget.clone()),
            None => owner,
        }
    }
}

/// What bounds a part, before it is done.
#[doc(hidden)]
pub struct Bounds<'b> {
    pub(crate) name: &'b str,
    pub(crate) retries: u32,
    pub(crate) costing: Option<&'b Budget>,
    pub(crate) owner: &'b ScopeOwner,
}

/// How work ended.
pub(crate) struct Done<O> {
    pub(crate) result: Result<O, Failure>,
    /// The agent's name and id, if there was one.
    pub(crate) agent: Option<String>,
    pub(crate) id: Option<AgentId>,
    pub(crate) attempts: u32,
    /// What attempts have failed with.
    pub(crate) errors: Vec<AgentError>,
    /// None for an agent that did not come up, whose address nobody has: the scope's bill knows.
    pub(crate) cost: Option<Usage>,
    pub(crate) took: Duration,
    pub(crate) is_recalled: bool,
    /// Those of its subtree that could not be stopped.
    pub(crate) stuck: Vec<AgentId>,
    /// What has come to light here that ends the whole pattern.
    pub(crate) cut: Option<Cut>,
    /// The parts of the pattern that it was.
    pub(crate) inner: Option<Box<Parts>>,
}

impl<O> Done<O> {
    /// Of work that did not come to begin.
    pub(crate) const fn not_done(failure: Failure) -> Self {
        Self {
            result: Err(failure),
            agent: None,
            id: None,
            attempts: 0,
            errors: Vec::new(),
            cost: Some(Usage::ZERO),
            took: Duration::ZERO,
            is_recalled: false,
            stuck: Vec::new(),
            cut: None,
            inner: None,
        }
    }

    /// The same with what is made of its result.
    pub(crate) fn with<T>(self, into: impl FnOnce(O) -> Result<T, Failure>) -> Done<T> {
        let Self { result, agent, id, attempts, errors, cost, took, is_recalled, stuck, cut, inner } = self;
        let result = result.and_then(into);
        Done { result, agent, id, attempts, errors, cost, took, is_recalled, stuck, cut, inner }
    }
}
