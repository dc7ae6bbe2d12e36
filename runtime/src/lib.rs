//! The actor runtime of skep: swarms of supervised agents that stop, bill and recover exactly.
//!
//! The facade crate `skep` is what to depend on; its documentation is the guide.
//!
//! Each folder is a floor, and imports go down only: `tests/tidy.rs` holds that, and draws it.

mod agent;
mod decide;
mod engine;
mod env;
pub mod journal;
pub mod swarm;
mod views;
mod words;

pub use self::agent::agent_ref::AgentRef;
pub use self::agent::ask::{Ask, AskStream};
pub use self::agent::context::{Context, StopContext};
pub use self::agent::effect::{Call, Effect, Repeat, Retry, Tried};
pub use self::agent::question::{Answer, Question};
pub use self::agent::spec::{AgentSpec, OnStale, Supervisor};
pub use self::agent::{Agent, Message};
pub use self::agent::{context, effect, question, spec};
pub use self::decide::supervision::{ChildReport, ChildSpec, ChildState, Decision, SupervisorFlags};
pub use self::decide::{lifecycle, orphans, supervision};
pub use self::engine::dead_letter::DeadLetter;
pub use self::env::Env;
pub use self::env::census::Living;
pub use self::fold::Metrics;
pub use self::journal::{Events, Filter, Keep};
pub use self::ledger::{Balance, Breakdown, Budget, OnRefusal, Window};
pub use self::lifecycle::{AgentState, StopReason};
pub use self::orphans::{Dealt, Found};
pub use self::swarm::bulk::{Spawns, spawn_many};
pub use self::swarm::children::{Children, Restarted};
pub use self::swarm::control::Control;
pub use self::swarm::scope::{Scope, ScopeOwner};
#[cfg(feature = "lab")]
pub use self::swarm::{Bears, Witness};
pub use self::swarm::{OnDrop, Swarm, SwarmBuilder};
#[doc(inline)]
pub use self::swarm::{children, control};
pub use self::words::ceiling::Ceiling;
pub use self::words::ends::End;
pub use self::words::ends::Left;
pub use self::words::error::{
    Advice, AgentError, AskError, ChildError, ControlError, EffectError, LookupError, Panic, QuestionError,
    RunError, SpawnError, StartError,
};
pub use self::words::event::{Event, Kind, Outcome, Role, What};
pub use self::words::id::{AgentId, Incarnation, Seq, TaskId};
pub use self::words::money::{NanoUsd, NoAmount, PicoUsd, cost_of};
pub use self::words::pause::Pause;
pub use self::words::policy::{
    AutoShutdown, Backoff, Exit, FailureClass, Intensity, Orphans, Restart, RestartMode, Shutdown, Strategy,
};
pub use self::words::reach::{Reach, Target, Targets};
pub use self::words::receipt::{Stop, StopReceipt};
pub use self::words::status::Status;
pub use self::words::time::Time;
pub use self::words::usage::Usage;
pub use self::words::{ceiling, defaults, error, event, pause, policy, receipt, text};
#[cfg(feature = "lab")]
pub use crate::engine::lab::overdue::Overdue;
pub use crate::engine::seat::holding::Holding;

/// What can be seen of a swarm, each view computed from events alone.
pub mod fold {
    pub use crate::views::{
        Costs, EffectMetrics, Fold, Histogram, Mark, Metered, Metrics, Misstep, Snapshot, Span, States,
        TaskFault, TaskRow, TaskState, Tasks, Timeline, Tree, TreeRow, Windows,
    };
}

/// Fault points: the places at which a plan may break an agent, and what it may do there.
pub mod fault {
    #[cfg(feature = "lab")]
    pub use crate::engine::lab::points::arrive;
    pub use crate::env::fault::*;
}

/// Who may spend what, and what was spent: budgets, meters and bills.
pub mod ledger {
    pub use crate::decide::ledger::overrun;
    pub use crate::engine::seat::meter::Meter;
    pub use crate::views::bill::{Bill, Breakdown, CostRow, Freed};
    pub use crate::words::balance::Balance;
    pub use crate::words::budget::{BadBudget, Budget, OnRefusal};
    pub use crate::words::limits::{Limits, Warning};
    pub use crate::words::refusal::{Amount, Refusal};
    pub use crate::words::room::{Bound, Crew, NoRoom};
    pub use crate::words::window::{Spending, Window};
}
