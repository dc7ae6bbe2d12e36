//! What an idle agent costs in memory: what the process grew by.

use super::{Better, MANY, Row, on_workers};
use crate::sides::{Bare, OnKameo, OnRactor, OnSkep, Side};

pub(super) const IDLE: Row = Row {
    name: "bytes for an idle agent",
    better: Better::Less,
    goal: "below OTP's 3,220",
    is_met: |figures| figures.skep < 3_220.0,
    sides: &[
        ("bare", run::<Bare>),
        ("ractor", run::<OnRactor>),
        ("kameo", run::<OnKameo>),
        ("skep", run::<OnSkep>),
    ],
};

pub(super) const OPEN: Row = Row {
    name: "the same after a first task",
    goal: "none",
    is_met: |_| true,
    sides: &[
        ("bare", run_asked::<Bare>),
        ("ractor", run_asked::<OnRactor>),
        ("kameo", run_asked::<OnKameo>),
        ("skep", run_asked::<OnSkep>),
    ],
    ..IDLE
};

fn run<S: Side>() -> f64 {
    on_workers(2, grown::<S>(false))
}

fn run_asked<S: Side>() -> f64 {
    on_workers(2, grown::<S>(true))
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
async fn grown<S: Side>(asked: bool) -> f64 {
    let mut side = S::start().await;
    let before = resident();
    for number in 0..MANY as u64 {
        let one = side.spawn().await;
        if asked {
            S::ask(&one, number).await;
        }
    }
    let grown = resident() - before;
    std::mem::forget(side);
    grown / MANY as f64
}

/// Bytes of this process that are in memory; Linux says it in pages of 4 KiB.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}
