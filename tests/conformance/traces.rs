//! 900 random scenarios with what Erlang/OTP's own supervisor did, step by step.

use skep::testkit::conformance::{On, play_all};
use skep::testkit::seeds;

pub(crate) const STATIC: &str = include_str!("otp-traces/static.jsonl");
pub(crate) const DYNAMIC: &str = include_str!("otp-traces/dynamic.jsonl");

fn all_are_equal(traces: &str, scenarios: usize, on: On) {
    let verdicts = play_all(traces, on).unwrap();
    assert!(verdicts.mismatches.is_empty(), "{verdicts}");
    assert_eq!(verdicts.played, scenarios, "all scenarios are played");
}

#[test]
fn children_with_a_spec_live_on_the_engine_as_under_otp() {
    for seed in seeds(2) {
        all_are_equal(STATIC, 700, On::Engine(seed));
    }
}

#[test]
fn dynamic_children_live_on_the_engine_as_under_otp() {
    for seed in seeds(2) {
        all_are_equal(DYNAMIC, 200, On::Engine(seed));
    }
}

#[test]
fn children_with_a_spec_live_in_the_core_as_under_otp() {
    all_are_equal(STATIC, 700, On::Core);
}

#[test]
fn dynamic_children_live_in_the_core_as_under_otp() {
    all_are_equal(DYNAMIC, 200, On::Core);
}
