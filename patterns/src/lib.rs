//! Coordination patterns: what agents do together.
//!
//! A pattern uses only the runtime's public API. Everything that it starts lives in a scope of its owner (a task, an agent,
//! the whole swarm, another scope), so nothing is left when it is over, when it is dropped, or when its owner ends. It returns
//! data in which a failure is a row.
//!
//! One family: `pattern(owner, input)`, then its parts, then its terms, then `.await`. A part is [`Work`]: an agent and its
//! task, or another pattern by [`nest`]. All patterns have the same terms, an [`Estimate`] before anything is spent, and
//! [`Parts`] in their reports. What a pattern's own words are (rules, verdicts, rankings) is in the module of its name, which is
//! imported with its function: `use skep_patterns::vote;`.

pub mod council;
mod cut;
mod defaults;
pub mod delegate;
mod estimate;
mod failure;
mod failures;
pub mod fan_out;
mod gathered;
pub mod handoff;
pub mod map_reduce;
pub mod panel;
mod parts;
mod pattern;
pub mod pipeline;
mod progress;
pub mod queue;
mod quorum;
pub mod race;
pub mod review_loop;
mod roster;
mod rows;
mod run;
pub mod split;
pub mod supervise;
mod terms;
pub mod vote;
pub mod waves;
pub mod work;
#[cfg(feature = "workflow")]
pub mod workflow;

pub use self::council::council;
pub use self::delegate::delegate;
pub use self::estimate::Estimate;
pub use self::failure::Failure;
pub use self::fan_out::{fan_out, fan_out_stream};
pub use self::gathered::{Gathered, GatheredRow};
pub use self::handoff::handoff;
pub use self::map_reduce::map_reduce;
pub use self::panel::panel;
pub use self::parts::{Part, Parts};
pub use self::pattern::{Pattern, Report};
pub use self::pipeline::pipeline;
pub use self::progress::Progress;
pub use self::queue::queue;
pub use self::race::race;
pub use self::review_loop::review_loop;
pub use self::supervise::supervise;
pub use self::vote::vote;
pub use self::waves::waves;
pub use self::work::{AnyWork, Work, agent_fn, nest};
#[cfg(feature = "workflow")]
pub use self::workflow::workflow;
