//! A reviewer's mind: what a model is asked about some sources, and what becomes of its answer.
//!
//! ```text
//! sources of a batch ──▶ parts ──▶ prompt ──▶ model agent, with tools ──▶ Said ──▶ findings, like those of rules
//! ```
//!
//! Nothing in here asks a model: the swarm does. Security and tests have the smart model, performance and style the fast one.

mod choice;
mod desk;
mod estimate;
mod parts;
mod prompt;
mod said;
pub mod structure;

pub use choice::{Choice, Minds};
pub use desk::Desk;
pub use estimate::{Estimate, estimate};
pub use parts::{Part, parts};
pub use prompt::{prompt, system};
pub use said::Said;
pub use structure::Structure;

use crate::review::Category;

/// A name among the swarm's models.
pub const SMART: &str = "smart";
/// The other.
pub const FAST: &str = "fast";

/// How often a mind may call its model for one part: it reads what it was given, looks at some other files, and answers.
pub const TURNS: u32 = 8;

/// Tokens of one answer.
pub const OUTPUT: u64 = 4_096;

/// Which of the models a specialist has: what it overlooks is dear, or it is not.
#[must_use]
pub const fn tier(category: Category) -> &'static str {
    match category {
        Category::Security | Category::Tests => SMART,
        Category::Performance | Category::Style => FAST,
    }
}
