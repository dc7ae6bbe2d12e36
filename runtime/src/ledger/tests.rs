//! The ledger as a whole; its parts have tests of their own.

mod race;

use super::*;

#[test]
fn an_overrun_is_what_lies_above_the_worst_case_and_never_what_was_cached() {
    let worst = Usage::calls(2).with_tokens(100, 50);
    let cached = Usage { cached_tokens: 90, ..Usage::calls(2).with_tokens(100, 20) };
    assert_eq!(overrun(&cached, &worst), None);
    let longer = Usage::calls(1).with_tokens(90, 57);
    assert_eq!(overrun(&longer, &worst), Some(Usage::ZERO.with_tokens(0, 7)));
}
