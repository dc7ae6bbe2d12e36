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

pub(crate) mod admission;

use crate::words::usage::Usage;

/// What was used beyond the worst case that had been reserved, amount by amount; none if nothing was.
///
/// Only an effect that stated a worst case can overrun it. Tokens that a model had cached are part of those sent, and more
/// of them make a call cheaper, so they never count.
#[must_use]
pub fn overrun(used: &Usage, reserved: &Usage) -> Option<Usage> {
    let over = Usage { cached_tokens: 0, ..used.above(reserved) };
    (!over.is_zero()).then_some(over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_is_what_lies_above_the_worst_case_and_never_what_was_cached() {
        let worst = Usage::calls(2).with_tokens(100, 50);
        let cached = Usage { cached_tokens: 90, ..Usage::calls(2).with_tokens(100, 20) };
        assert_eq!(overrun(&cached, &worst), None);
        let longer = Usage::calls(1).with_tokens(90, 57);
        assert_eq!(overrun(&longer, &worst), Some(Usage::ZERO.with_tokens(0, 7)));
    }
}
