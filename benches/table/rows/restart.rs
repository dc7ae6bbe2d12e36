//! Restarts after a panic, of many children at once.

use std::future::Future;
use std::time::Duration;

use super::{Better, Row, on_workers, per_second};
use crate::sides::{Bare, OnRactor, OnSkep, Side};

const CHILDREN: usize = 1_000;
const EACH: usize = 20;

pub(super) const AFTER_A_PANIC: Row = Row {
    name: "restarts after a panic, per second",
    better: Better::More,
    goal: "above 250 k, where bare is 263 k",
    is_met: |figures| figures.skep > 250.0 / 263.0 * figures.bare,
    sides: &[
        ("bare", || run(Bare::restarts(CHILDREN, EACH))),
        ("ractor", || run(OnRactor::restarts(CHILDREN, EACH))),
        ("skep", || run(OnSkep::restarts(CHILDREN, EACH))),
    ],
};

fn run(restarts: impl Future<Output = Duration> + Send + 'static) -> f64 {
    per_second(CHILDREN * EACH, on_workers(2, restarts))
}
