//! Coordination patterns: what agents do together.
//!
//! A pattern uses only the runtime's public API. Everything that it starts lives in a scope of its owner (a task, an agent
//! or the whole swarm), so nothing is left when it is over, when it is dropped, or when its owner ends. It returns data in
//! which a failure is a row.

mod defaults;
mod fan_out;
mod gathered;

pub use self::fan_out::{FanOut, Specs, Tasks, fan_out};
pub use self::gathered::{Failure, Gathered, GatheredRow};
