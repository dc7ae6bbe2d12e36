//! Who may spend what, and what was spent: budgets, meters and bills.
//!
//! ```text
//!  Budget ──check──▶ Limits ──▶ Meter (one a seat) ◀── apply(event)      what is reserved and spent, right now
//!                                 │ admit(worst case)
//!                                 ▼
//!                              Refusal: the ancestor, the amount, what is left
//!
//!  events ──fold::Costs──▶ Breakdown: own and subtree of each agent, ended ones too; drawn by `tree`
//! ```

mod balance;
mod bill;
mod budget;
mod limits;
mod meter;
mod refusal;
mod room;
mod window;

#[cfg(test)]
mod tests;

pub use balance::Balance;
pub use bill::{Bill, Breakdown, CostRow, Freed};
pub use budget::{BadBudget, Budget, OnRefusal};
pub use limits::Limits;
pub use meter::{Meter, Warning};
pub use refusal::{Amount, Refusal};
pub use room::{Bound, Crew, NoRoom};
pub use window::{Spending, Window};

use crate::usage::Usage;

/// What was used beyond the worst case that had been reserved, amount by amount; none if nothing was.
///
/// Only an effect that stated a worst case can overrun it. Tokens that a model had cached are part of those sent, and more
/// of them make a call cheaper, so they never count.
#[must_use]
pub fn overrun(used: &Usage, reserved: &Usage) -> Option<Usage> {
    let over = Usage { cached_tokens: 0, ..used.above(reserved) };
    (!over.is_zero()).then_some(over)
}
