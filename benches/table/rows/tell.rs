//! Telling one agent as fast as it goes, until it has handled all.

use std::time::Instant;

use super::{Better, Row, on_workers, per_second};
use crate::sides::{Bare, OnKameo, OnRactor, OnSkep, Side};

const TELLS: usize = 1_000_000;

pub(super) const TO_ONE: Row = Row {
    name: "tell to one agent, per second",
    better: Better::More,
    goal: "above ractor's",
    is_met: |figures| figures.skep > figures.ractor,
    sides: &[
        ("bare", run::<Bare>),
        ("ractor", run::<OnRactor>),
        ("kameo", run::<OnKameo>),
        ("skep", run::<OnSkep>),
    ],
};

fn run<S: Side>() -> f64 {
    on_workers(2, async {
        let mut side = S::start().await;
        let one = side.spawn().await;
        S::ask(&one, 0).await;
        let began = Instant::now();
        for number in 0..TELLS as u64 {
            S::tell(&one, number);
        }
        S::ask(&one, 0).await;
        let took = began.elapsed();
        std::mem::forget(side);
        per_second(TELLS, took)
    })
}
