#![doc = include_str!("README.md")]

pub use skep_patterns as patterns;
pub use skep_patterns::*;
pub use skep_runtime::*;

/// The names that most programs need: `use skep::prelude::*;`. Less common names are at the root, and rare ones in the module of
/// their subject.
pub mod prelude {
    #[cfg(feature = "http")]
    pub use skep_actors::Endpoint;
    pub use skep_actors::permit::{Equip as _, Permissions};
    pub use skep_actors::{CallModel as _, Models, Scripted, Secret};
    #[cfg(feature = "agent")]
    pub use skep_actors::{ModelAgent, agent::Prompt, agent::StreamPieces as _, tool::tool};
    #[cfg(feature = "workflow")]
    pub use skep_patterns::workflow;
    pub use skep_patterns::{
        Pattern as _, Report as _, Work as _, agent_fn, council, delegate, fan_out, fan_out_stream, handoff,
        map_reduce, nest, panel, pipeline, queue, race, review_loop, supervise, vote, waves,
    };
    pub use skep_runtime::{
        Agent, AgentError, AgentRef, AgentSpec, AskError, Budget, Ceiling, Context, Repeat, Restart, Retry,
        Scope, Shutdown, SpawnError, Stop, StopContext, StopReceipt, Supervisor, Swarm, Usage,
    };
}

/// The guides, with examples that compile.
pub mod guide {
    #[doc = include_str!("docs/agents.md")]
    pub mod agents {}

    #[cfg(feature = "http")]
    #[doc = include_str!("docs/limits.md")]
    pub mod limits {}

    #[doc = include_str!("docs/models.md")]
    pub mod models {}

    #[cfg(feature = "persona")]
    #[doc = include_str!("docs/model-agents.md")]
    pub mod model_agents {}

    #[cfg(all(feature = "agent", feature = "workflow"))]
    #[doc = include_str!("docs/patterns.md")]
    pub mod patterns {}

    #[doc = include_str!("docs/supervision.md")]
    pub mod supervision {}

    #[cfg(all(feature = "agent", feature = "tools"))]
    #[doc = include_str!("docs/tools-and-permissions.md")]
    pub mod tools_and_permissions {}
}

/// Ready-made agents and tools.
pub use skep_actors as actors;

/// The lab: seeded simulation, fault plans and oracles for one's own agents.
#[cfg(feature = "testkit")]
pub use skep_testkit as testkit;

#[cfg(feature = "testkit")]
pub use skep_macros::swarm_test;
