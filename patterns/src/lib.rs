//! Coordination patterns: what agents do together.
//!
//! A pattern uses the runtime's public API alone. All that it starts lives in a scope of its owner, a task, an agent or the
//! whole swarm, so that nothing of it is left when it is over, dropped, or its owner ends. What it returns is data in which
//! a failure is a row.

mod defaults;
mod fan_out;
mod gathered;

pub use self::fan_out::{FanOut, Specs, Tasks, fan_out};
pub use self::gathered::{Failure, Gathered, GatheredRow};
