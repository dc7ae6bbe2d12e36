//! A whole life: many are spawned, each has one task, the answers are gathered, all are stopped.

use std::time::Instant;

use super::{Better, MANY, Row, on_workers};
use crate::sides::{Bare, OnKameo, OnRactor, OnSkep, Side};

pub(super) const WHOLE: Row = Row {
    name: "spawn, one task, gather, stop; µs an agent",
    better: Better::Less,
    goal: "below ractor's, aim 8 where it is 14.1",
    is_met: |figures| figures.skep < figures.ractor,
    sides: &[
        ("bare", run::<Bare>),
        ("ractor", run::<OnRactor>),
        ("kameo", run::<OnKameo>),
        ("skep", run::<OnSkep>),
    ],
};

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn run<S: Side>() -> f64 {
    on_workers(2, async {
        let began = Instant::now();
        let mut side = S::start().await;
        let mut answers = Vec::with_capacity(MANY);
        for number in 0..MANY as u64 {
            let one = side.spawn().await;
            answers.push(tokio::spawn(async move { S::ask(&one, number).await }));
        }
        let mut sum = 0;
        for answer in answers {
            sum += answer.await.unwrap();
        }
        assert_eq!(sum, (MANY * (MANY + 1) / 2) as u64);
        assert_eq!(side.stop().await, MANY);
        began.elapsed().as_secs_f64() * 1e6 / MANY as f64
    })
}
