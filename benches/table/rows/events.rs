//! Events appended by a turn.

use std::time::Instant;

use super::{Better, Row, on_workers, per_second};
use crate::sides::{OnSkep, Side, Task};

const EVENTS: usize = 1_000_000;

pub(super) const APPENDED: Row = Row {
    name: "events appended, in memory, per second",
    better: Better::More,
    goal: "none",
    is_met: |_| true,
    sides: &[("skep", run)],
};

fn run() -> f64 {
    on_workers(2, async {
        let mut side = OnSkep::start().await;
        let one = side.spawn().await;
        one.ask(Task::Ask(0)).await.ok().unwrap();
        let began = Instant::now();
        one.ask(Task::Note(EVENTS as u64)).await.ok().unwrap();
        let took = began.elapsed();
        std::mem::forget(side);
        per_second(EVENTS, took)
    })
}
