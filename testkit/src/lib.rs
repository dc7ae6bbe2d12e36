//! The lab of skep: a seeded world for a swarm, plans of what is done to it, and oracles that hold it to its promises.
//!
//! ```text
//!  Lab::seed(7) ──.fault(Point::effect("model").of("editor").nth(1).panics())──▶ start ──▶ Swarm
//!                                                                                            │ what the test does
//!  History ◀── every oracle has agreed, every rule has fired ◀── lab.end(swarm) ◀────────────┘
//! ```
//!
//! Our own tests use nothing else; a user's tests have all of it.

mod body;
pub mod conformance;
pub mod contract;
mod dice;
mod found;
mod history;
mod lab;
pub mod oracle;
mod plan;
mod preset;
mod probe;
mod seeds;
mod shrink;
mod trial;
mod twice;
mod vars;
mod world;

pub use self::dice::Dice;
pub use self::found::{Found, Recipe, RecipeError, event_lines, examine, replay};
pub use self::history::History;
pub use self::lab::{Failure, Lab, Look, NotSeen};
pub use self::plan::chaos::Chaos;
pub use self::plan::check::PlanError;
pub use self::plan::firing::{Firing, Hit};
pub use self::plan::point::Point;
pub use self::plan::{FaultPlan, Rule};
pub use self::preset::{Preset, UnknownPreset};
pub use self::probe::{Probe, Unexpected};
pub use self::seeds::{Test, run_seeds};
pub use self::twice::{Difference, twice};
pub use self::vars::seeds;
pub use self::world::{TestResult, Verdict};
