//! Spawning many children below one parent.

use std::time::Instant;

use super::{Better, MANY, Row, on_workers, per_second};
use crate::sides::{Bare, OnKameo, OnRactor, OnSkep, Side};

pub(super) const DORMANT: Row = Row {
    name: "spawn 100,000 children, per second",
    better: Better::More,
    goal: "near bare tokio",
    is_met: |figures| figures.skep > 0.9 * figures.bare,
    sides: &[
        ("bare", run::<Bare>),
        ("ractor", run::<OnRactor>),
        ("kameo", run::<OnKameo>),
        ("skep", run::<OnSkep>),
    ],
};

pub(super) const WITH_A_TASK: Row = Row {
    name: "the same with a first task each, per second",
    better: Better::More,
    goal: "> 60 % of ractor",
    is_met: |figures| figures.skep > 0.6 * figures.ractor,
    sides: &[
        ("bare", run_asked::<Bare>),
        ("ractor", run_asked::<OnRactor>),
        ("kameo", run_asked::<OnKameo>),
        ("skep", run_asked::<OnSkep>),
    ],
};

fn run<S: Side>() -> f64 {
    on_workers(2, async {
        let mut side = S::start().await;
        let began = Instant::now();
        for _ in 0..MANY {
            side.spawn().await;
        }
        let took = began.elapsed();
        std::mem::forget(side);
        per_second(MANY, took)
    })
}

fn run_asked<S: Side>() -> f64 {
    on_workers(2, async {
        let mut side = S::start().await;
        let began = Instant::now();
        let mut all = Vec::with_capacity(MANY);
        for number in 0..MANY as u64 {
            let one = side.spawn().await;
            S::tell(&one, number);
            all.push(one);
        }
        // Each has handled its first when it answers this.
        for one in &all {
            S::ask(one, 0).await;
        }
        let took = began.elapsed();
        std::mem::forget(side);
        per_second(MANY, took)
    })
}
