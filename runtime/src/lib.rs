//! The actor runtime of skep: swarms of supervised agents that stop, bill and recover exactly.
//!
//! The facade crate `skep` is what to depend on; its documentation is the guide.

mod agent;
mod agent_ref;
mod ask;
mod asked;
mod bell;
mod branch;
mod bulk;
pub mod ceiling;
pub mod children;
pub mod context;
pub mod control;
mod dead_letter;
pub mod defaults;
mod delivery;
pub mod effect;
mod engine;
mod env;
pub mod error;
pub mod event;
pub mod fault;
pub mod fold;
mod holding;
mod id;
pub mod journal;
mod kept;
mod key;
mod laid;
pub mod ledger;
pub mod lifecycle;
mod log;
mod mailbox;
mod money;
mod naming;
pub mod orphans;
pub mod pause;
mod pausing;
mod place;
pub mod policy;
pub mod question;
mod reach;
pub mod receipt;
mod resources;
mod scope;
mod signal;
pub mod spec;
mod standstill;
mod stopping;
pub mod supervision;
pub mod swarm;
mod task;
pub mod text;
mod theirs;
mod time;
mod usage;
mod waits;

pub use self::agent::{Agent, Message};
pub use self::agent_ref::{AgentRef, Status};
pub use self::ask::{Ask, AskStream};
pub use self::bulk::{Spawns, spawn_many};
pub use self::ceiling::Ceiling;
pub use self::children::{Children, Restarted};
pub use self::context::{Context, StopContext};
pub use self::control::Control;
pub use self::dead_letter::DeadLetter;
pub use self::effect::{Call, Effect, Repeat, Retry, Tried};
pub use self::engine::census::Living;
#[cfg(feature = "lab")]
pub use self::engine::overdue::Overdue;
pub use self::env::Env;
pub use self::error::{
    Advice, AgentError, AskError, ChildError, ControlError, EffectError, LookupError, Panic, QuestionError,
    RunError, SpawnError, StartError,
};
pub use self::event::{Event, Kind, Outcome, Role, What};
pub use self::fold::Metrics;
pub use self::holding::Holding;
pub use self::id::{AgentId, Incarnation, Seq, TaskId};
pub use self::journal::{Events, Filter, Keep};
pub use self::ledger::{Balance, Breakdown, Budget, OnRefusal, Window};
pub use self::lifecycle::{AgentState, StopReason};
pub use self::money::{NanoUsd, NoAmount, PicoUsd, cost_of};
pub use self::orphans::{Dealt, Found};
pub use self::pause::Pause;
pub use self::place::Left;
pub use self::policy::{
    AutoShutdown, Backoff, Exit, FailureClass, Intensity, Orphans, Restart, RestartMode, Shutdown, Strategy,
};
pub use self::question::{Answer, Question};
pub use self::reach::{Reach, Target, Targets};
pub use self::receipt::{Stop, StopReceipt};
pub use self::scope::{Scope, ScopeOwner};
pub use self::spec::{AgentSpec, OnStale, Supervisor};
pub use self::stopping::End;
pub use self::supervision::{ChildReport, ChildSpec, ChildState, Decision, SupervisorFlags};
#[cfg(feature = "lab")]
pub use self::swarm::{Bears, Witness};
pub use self::swarm::{OnDrop, Swarm, SwarmBuilder};
pub use self::time::Time;
pub use self::usage::Usage;
