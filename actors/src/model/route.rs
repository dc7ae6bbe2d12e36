//! Which model is called for a name, and which one after it if that fails.
//!
//! ```text
//! tier "fast" ──▶ models "qwen", "mini" ──▶ replicas of each ──▶ one effect a call, under the memo of the route
//!                  in their order            the least loaded      `react` says what follows from its error,
//!                                            that is free first    `choose` who is called next, and when
//! ```
//!
//! # Invariants
//! 1. One call is one effect at one model: ceilings, permissions, prices, limits and events are that model's own.
//! 2. An attempt after a crash has the answer that an earlier one was given, by whichever model, and pays for none.
//! 3. After the first chunk of a stream was given on, nobody else is called.

mod choose;
mod react;
mod run;

use self::choose::Choices;
pub(super) use self::choose::{Choice, Standing};
use self::react::Reaction;
pub(super) use self::run::run;
