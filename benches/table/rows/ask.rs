//! Asking one agent, again and again: on one worker, and from a thread that is none of the workers.

use std::time::Instant;

use super::{Better, Row, on_workers};
use crate::sides::{Bare, OnKameo, OnRactor, OnSkep, Side};

const ASKS: usize = 200_000;
const WARM: usize = 20_000;

pub(super) const SAME_P50: Row = Row {
    name: "ask on one worker, p50, ns",
    better: Better::Less,
    goal: "below ractor's (with a timeout)",
    is_met: |figures| figures.skep < figures.ractor,
    sides: &[
        ("bare", same::<Bare, 50>),
        ("ractor", same::<OnRactor, 50>),
        ("kameo", same::<OnKameo, 50>),
        ("skep", same::<OnSkep, 50>),
    ],
};

pub(super) const SAME_P99: Row = Row {
    name: "ask on one worker, p99, ns",
    sides: &[
        ("bare", same::<Bare, 99>),
        ("ractor", same::<OnRactor, 99>),
        ("kameo", same::<OnKameo, 99>),
        ("skep", same::<OnSkep, 99>),
    ],
    ..SAME_P50
};

pub(super) const ACROSS_P50: Row = Row {
    name: "ask across threads, p50, ns",
    sides: &[
        ("bare", across::<Bare, 50>),
        ("ractor", across::<OnRactor, 50>),
        ("kameo", across::<OnKameo, 50>),
        ("skep", across::<OnSkep, 50>),
    ],
    ..SAME_P50
};

pub(super) const ACROSS_P99: Row = Row {
    name: "ask across threads, p99, ns",
    sides: &[
        ("bare", across::<Bare, 99>),
        ("ractor", across::<OnRactor, 99>),
        ("kameo", across::<OnKameo, 99>),
        ("skep", across::<OnSkep, 99>),
    ],
    ..SAME_P50
};

pub(super) const INSIDE: Row = Row {
    name: "ask inside a turn, ns",
    better: Better::Less,
    goal: "at most 1,200, where ractor is 487",
    is_met: |figures| figures.skep < 1_200.0 / 487.0 * figures.ractor,
    sides: &[
        ("bare", inside::<Bare>),
        ("ractor", inside::<OnRactor>),
        ("kameo", inside::<OnKameo>),
        ("skep", inside::<OnSkep>),
    ],
};

/// So many that an asker's list of what it has asked is no longer short, as that of a turn may be.
const INSIDE_ONE: u64 = 1_000;

#[allow(clippy::cast_precision_loss, reason = "nanoseconds of one ask")]
fn inside<S: Side>() -> f64 {
    let asking = async {
        let mut side = S::start().await;
        let one = side.spawn().await;
        side.ask_inside(&one, INSIDE_ONE).await;
        let mut took = Vec::with_capacity(100);
        for _ in 0..100 {
            took.push(side.ask_inside(&one, INSIDE_ONE).await.as_nanos() as f64 / INSIDE_ONE as f64);
        }
        std::mem::forget(side);
        took.sort_by(f64::total_cmp);
        took[50]
    };
    on_workers(1, asking)
}

fn same<S: Side, const PERCENT: usize>() -> f64 {
    on_workers(1, asks::<S>(PERCENT))
}

fn across<S: Side, const PERCENT: usize>() -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let figure = runtime.block_on(asks::<S>(PERCENT));
    std::mem::forget(runtime);
    figure
}

#[allow(clippy::cast_precision_loss, reason = "nanoseconds of one ask")]
async fn asks<S: Side>(percent: usize) -> f64 {
    let mut side = S::start().await;
    let one = side.spawn().await;
    for _ in 0..WARM {
        S::ask(&one, 1).await;
    }
    let mut took = Vec::with_capacity(ASKS);
    for number in 0..ASKS as u64 {
        let began = Instant::now();
        assert_eq!(S::ask(&one, number).await, number + 1);
        took.push(began.elapsed());
    }
    std::mem::forget(side);
    took.sort_unstable();
    took[ASKS * percent / 100].as_nanos() as f64
}
