//! The actor runtime of skep: swarms of supervised agents that stop, bill and recover exactly.
//!
//! The facade crate `skep` is what to depend on; its documentation is the guide.

mod agent;
mod agent_ref;
mod ask;
mod asked;
mod bell;
mod ceiling;
mod children;
mod context;
mod dead_letter;
pub mod defaults;
mod delivery;
mod effect;
mod engine;
mod env;
mod error;
pub mod event;
pub mod fault;
pub mod fold;
mod holding;
mod id;
mod journal;
mod key;
pub mod ledger;
pub mod lifecycle;
mod log;
mod mailbox;
mod money;
mod naming;
mod orphans;
mod pause;
mod pausing;
mod place;
pub mod policy;
mod question;
mod receipt;
mod resources;
mod scope;
mod signal;
mod spec;
mod standstill;
mod stopping;
pub mod supervision;
mod swarm;
mod task;
pub mod text;
mod theirs;
mod time;
mod usage;
mod waits;

pub use self::agent::{Agent, Message};
pub use self::agent_ref::{AgentRef, Interrupted, Status};
pub use self::ask::Ask;
pub use self::ceiling::{BadCeiling, Ceiling};
pub use self::children::{Child, Children, Restarted};
pub use self::context::{Cancelled, Context, OwnAgent, StopContext};
pub use self::dead_letter::DeadLetter;
pub use self::effect::{Admitted, Call, Denied, Effect, Link, Repeat, Request, Retry, Stage, Tried};
pub use self::engine::census::Living;
#[cfg(feature = "lab")]
pub use self::engine::overdue::Overdue;
pub use self::env::Env;
pub use self::error::{
    Advice, AgentError, AskError, ChangeError, ChildError, EffectError, GrantError, LookupError, Panic,
    PauseError, QuestionError, ReplayError, ResumeError, RunError, SpawnError, StartError,
};
pub use self::event::{Event, Kind, Need, Outcome, Role, What};
pub use self::fold::Metrics;
pub use self::holding::Holding;
pub use self::id::{AgentId, Incarnation, Seq, TaskId};
pub use self::journal::{Events, Filter, Keep, Lagged};
pub use self::ledger::Refusal as BudgetError;
pub use self::ledger::{Balance, Breakdown, Budget, CostRow, OnRefusal, Refusal, Window};
pub use self::lifecycle::{AgentState, StopReason};
pub use self::money::{NanoUsd, NoAmount, PicoUsd, cost_of};
pub use self::orphans::{Dealt, Found, Swept};
pub use self::pause::{Doing, PassingDeadline, Pause, PauseReceipt, PauseRow, PausedBy, Rest, ResumeReceipt};
pub use self::place::Left;
pub use self::policy::{
    AutoShutdown, Backoff, Exit, FailureClass, Intensity, Orphans, Restart, RestartMode, Shutdown, Strategy,
};
pub use self::question::{Answer, AskParent, Question};
pub use self::receipt::{Stop, StopReceipt, StopRow};
pub use self::scope::{Scope, ScopeOwner};
pub use self::spec::{AgentSpec, NoTask, OnStale, Policies, Supervisor};
pub use self::stopping::{End, HookFault};
pub use self::supervision::{
    ChildPolicy, ChildReport, ChildSpec, ChildState, Counts, Decision, SupervisorFlags,
};
#[cfg(feature = "lab")]
pub use self::swarm::{Bears, Witness};
pub use self::swarm::{OnDrop, Run, Swarm, SwarmBuilder};
pub use self::time::Time;
pub use self::usage::Usage;
