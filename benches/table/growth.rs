//! Nothing is quadratic: what each thing costs an agent, from a thousand of them to a million.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use skep_runtime::{AgentSpec, Stop, Supervisor, Swarm};

use crate::sides::{Crashing, Starts};
use crate::table::shown;

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const WORK: [&str; 7] = ["spawn", "status", "tree", "costs", "restart", "stop", "ended"];

pub(crate) fn print() {
    println!("\n| µs an agent, of | {} |", WORK.join(" | "));
    println!("|---|{}", "---|".repeat(WORK.len()));
    for size in SIZES {
        let this = std::env::current_exe().unwrap();
        let run = ["grow", &size.to_string()];
        let output =
            Command::new(this).args(run).env("RUST_BACKTRACE", "0").stderr(Stdio::inherit()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{size} failed");
        println!("| {size} | {} |", String::from_utf8_lossy(&output.stdout).trim());
    }
}

/// What so many agents cost, in the order of `WORK`.
pub(crate) fn measure(size: usize) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let figures = runtime.block_on(async { tokio::spawn(all(size)).await.unwrap() });
    std::mem::forget(runtime);
    figures.map(|figure| shown(Some(figure))).join(" | ")
}

async fn all(size: usize) -> [f64; WORK.len()] {
    let swarm = Swarm::builder("bench").start().await.unwrap();
    let parent = Supervisor::dynamic().named("parent").intensity(u32::MAX, Duration::from_secs(1));
    let parent = swarm.spawn(parent).await.unwrap();
    let starts = Starts::new(2 * size);
    let mut agents = Vec::with_capacity(size);
    let mut clock = Clock { size, began: Instant::now() };
    for number in 0..size {
        let starts = starts.clone();
        let crashing = move || Crashing(starts.clone());
        let spec = AgentSpec::new(number.to_string(), crashing).under(&parent).attempts(1);
        agents.push(swarm.spawn(spec).await.unwrap());
    }
    let spawn = clock.lap();
    assert_eq!(swarm.status().len(), size + 2);
    let status = clock.lap();
    let tree = swarm.tree();
    let tree = (clock.lap(), drop(tree)).0;
    let costs = swarm.costs();
    let costs = (clock.lap(), drop(costs)).0;
    clock.lap();
    for agent in &agents {
        agent.tell(()).ok().unwrap();
    }
    starts.all().await;
    let restart = clock.lap();
    // One waits for the end of each.
    let mut waits = tokio::task::JoinSet::new();
    for agent in agents {
        waits.spawn(async move { agent.ended().await });
    }
    clock.lap();
    let receipt = parent.stop(Stop::within(Duration::from_secs(60))).await;
    assert_eq!(receipt.rows().len(), size + 1);
    let stop = clock.lap();
    assert_eq!(waits.join_all().await.len(), size);
    let ended = clock.lap();
    [spawn, status, tree, costs, restart, stop, ended]
}

struct Clock {
    size: usize,
    began: Instant,
}

impl Clock {
    /// Microseconds an agent since the last call.
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let took = now.duration_since(std::mem::replace(&mut self.began, now));
        took.as_secs_f64() * 1e6 / self.size as f64
    }
}
