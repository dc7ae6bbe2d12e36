//! One row of the table, so many times, for a tool that counts its instructions and its allocations: `.ci/counts`.
//!
//! `counts <row> <side> <times>`. What a row needs besides is the same for every number of times, so the difference of two runs is
//! what the row costs. The system's allocator is used, since that is the one that such a tool sees.
#![allow(missing_docs, reason = "nobody depends on it")]
#![allow(clippy::disallowed_methods, reason = "a bench stands outside every swarm")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails is none")]
#![allow(
    dead_code,
    unused_imports,
    reason = "the sides are shared with the table, which does more with them"
)]

#[path = "../table/sides.rs"]
mod sides;

use self::sides::{Bare, OnRactor, OnSkep, Side};

fn main() {
    let has_lab = skep_runtime::fault::HAS_LAB;
    assert!(!has_lab, "build with `-p skep-benches`, or the lab is in it");
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let given: Vec<&str> = words.iter().map(String::as_str).collect();
    let [row, side, times] = given[..] else {
        // `cargo bench` runs every bench; this one is nothing without its words.
        return;
    };
    let times = times.parse().expect("how many times");
    // One worker, so that who wakes whom is the same each time.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let row = row.to_owned();
    let run = async move {
        match side {
            "bare" => run::<Bare>(&row, times).await,
            "ractor" => run::<OnRactor>(&row, times).await,
            "skep" => run::<OnSkep>(&row, times).await,
            other => panic!("no side {other}: bare, ractor or skep"),
        }
    };
    runtime.block_on(run);
    // What is left is the process's to free.
    std::mem::forget(runtime);
}

async fn run<S: Side>(row: &str, times: u64) {
    let mut side = S::start().await;
    match row {
        "ask" => {
            let one = side.spawn().await;
            for number in 0..times {
                S::ask(&one, number).await;
            }
        }
        "inside" => {
            let one = side.spawn().await;
            side.ask_inside(&one, times).await;
        }
        "tell" => {
            let one = side.spawn().await;
            for number in 0..times {
                S::tell(&one, number);
            }
            S::ask(&one, 0).await;
        }
        "spawn" => {
            for _ in 0..times {
                side.spawn().await;
            }
        }
        "first" => {
            for number in 0..times {
                let one = side.spawn().await;
                S::tell(&one, number);
                S::ask(&one, number).await;
            }
        }
        "stop" => {
            for _ in 0..times {
                side.spawn().await;
            }
            side.stop().await;
            return;
        }
        "restart" => {
            S::restarts(1, usize::try_from(times).unwrap()).await;
        }
        other => panic!("no row {other}: ask, inside, tell, spawn, first, stop or restart"),
    }
    std::mem::forget(side);
}
