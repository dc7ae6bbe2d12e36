//! What an idle agent costs in memory: what the process grew by.

use super::{Better, MANY, Row, on_workers};
use crate::sides::{Bare, OnRactor, OnSkep, Side};

pub(super) const IDLE: Row = Row {
    name: "bytes for an idle agent",
    better: Better::Less,
    goal: "below OTP's 3,220",
    is_met: |figures| figures.skep < 3_220.0,
    sides: &[("bare", run::<Bare>), ("ractor", run::<OnRactor>), ("skep", run::<OnSkep>)],
};

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn run<S: Side>() -> f64 {
    on_workers(2, async {
        let mut side = S::start().await;
        let before = resident();
        for _ in 0..MANY {
            side.spawn().await;
        }
        let grown = resident() - before;
        std::mem::forget(side);
        grown / MANY as f64
    })
}

/// Bytes of this process that are in memory; Linux says it in pages of 4 KiB.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}
