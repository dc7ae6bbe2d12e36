#![doc = include_str!("README.md")]

pub use skep_patterns as patterns;
pub use skep_patterns::*;
pub use skep_runtime::*;

/// The guides, with examples that compile.
pub mod guide {
    #[doc = include_str!("docs/agents.md")]
    pub mod agents {}

    #[doc = include_str!("docs/models.md")]
    pub mod models {}

    #[doc = include_str!("docs/supervision.md")]
    pub mod supervision {}
}

/// Ready-made agents and tools.
pub use skep_actors as actors;

/// The lab: seeded simulation, fault plans and oracles for one's own agents.
#[cfg(feature = "testkit")]
pub use skep_testkit as testkit;

#[cfg(feature = "testkit")]
pub use skep_macros::swarm_test;
