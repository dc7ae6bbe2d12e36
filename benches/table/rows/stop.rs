//! Stopping many: flat, in each of the states that an agent can be found in, and as a tree from its leaves up.

use std::time::{Duration, Instant};

use skep_runtime::{AgentSpec, Stop};

use super::{Better, MANY, Row, on_workers};
use crate::sides::{Bare, Ends, OnKameo, OnRactor, OnSkep, Side};

/// Children of each but the leaves, in a tree of 111,111 with what is above.
const CHILDREN: usize = 10;
const DEPTH: usize = 5;

pub(super) const IDLE: Row = Row {
    name: "stop 100,000 idle, with skep's receipt, ms",
    better: Better::Less,
    goal: "below 100, where bare is 32",
    is_met: |figures| figures.skep < 100.0 / 32.0 * figures.bare,
    sides: &[
        ("bare", idle::<Bare>),
        ("ractor", idle::<OnRactor>),
        ("kameo", idle::<OnKameo>),
        ("skep", idle::<OnSkep>),
    ],
};

pub(super) const OPEN: Row = Row {
    name: "the same after a first task each, ms",
    goal: "below 300, where ractor is 500",
    is_met: |figures| figures.skep < 0.6 * figures.ractor,
    sides: &[
        ("bare", open::<Bare>),
        ("ractor", open::<OnRactor>),
        ("kameo", open::<OnKameo>),
        ("skep", open::<OnSkep>),
    ],
    ..IDLE
};

pub(super) const WORKING: Row = Row {
    name: "the same in a turn each, ms",
    goal: "none",
    is_met: |_| true,
    sides: &[("skep", working)],
    ..IDLE
};

pub(super) const TREE: Row = Row {
    name: "stop a tree of 111,110 from its leaves up, ms",
    goal: "below 300, where ractor is 439",
    is_met: |figures| figures.skep < 300.0 / 439.0 * figures.ractor,
    sides: &[
        ("bare", tree::<Bare>),
        ("ractor", tree::<OnRactor>),
        ("kameo", tree::<OnKameo>),
        ("skep", tree::<OnSkep>),
    ],
    ..IDLE
};

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn idle<S: Side>() -> f64 {
    on_workers(2, async {
        let mut side = S::start().await;
        for _ in 0..MANY {
            side.spawn().await;
        }
        stopped(side, MANY).await
    })
}

fn open<S: Side>() -> f64 {
    on_workers(2, async {
        let mut side = S::start().await;
        for _ in 0..MANY {
            let one = side.spawn().await;
            S::ask(&one, 0).await;
        }
        stopped(side, MANY).await
    })
}

fn tree<S: Side>() -> f64 {
    on_workers(2, async {
        let mut side = S::start().await;
        let mut level = Vec::new();
        for _ in 0..CHILDREN {
            level.push(side.spawn().await);
        }
        let mut all = level.len();
        for depth in 1..DEPTH {
            let mut below = Vec::with_capacity(level.len() * CHILDREN);
            for above in &level {
                for _ in 0..CHILDREN {
                    below.push(side.spawn_below(depth, above).await);
                }
            }
            all += below.len();
            level = below;
        }
        drop(level);
        stopped(side, all).await
    })
}

async fn stopped<S: Side>(side: S, count: usize) -> f64 {
    let began = Instant::now();
    assert_eq!(side.stop().await, count);
    ms(began.elapsed())
}

fn working() -> f64 {
    on_workers(2, async {
        let side = OnSkep::start().await;
        for number in 0..MANY {
            let spec = AgentSpec::new(number.to_string(), || Ends).under(&side.parent);
            let one = side.swarm.spawn(spec).await.unwrap();
            one.tell(()).ok().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let began = Instant::now();
        let receipt = side.parent.stop(Stop::within(Duration::from_secs(60))).await;
        assert!(receipt.nothing_left(), "{receipt}");
        assert_eq!(receipt.rows().len(), MANY + 1);
        ms(began.elapsed())
    })
}
