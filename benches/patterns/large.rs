//! Many parts: time, and the memory that was used at most.

use std::time::Instant;

use skep_patterns::waves::{Graph, Needs};
use skep_patterns::{queue, waves};
use skep_runtime::{Agent, AgentError, AgentSpec, Context, Swarm};

use crate::runtime;

pub(crate) const ROWS: &[&str] =
    &["queue of 10,000 tasks", "queue of 1,000,000 tasks", "waves over 1,000", "waves over 10,000"];

struct Echo;

impl Agent for Echo {
    type Task = u64;
    type Output = u64;

    async fn handle(&mut self, task: &u64, _: &Context) -> Result<u64, AgentError> {
        Ok(*task)
    }
}

pub(crate) fn measure(row: &str) -> Option<String> {
    let before = peak_mb();
    let began = Instant::now();
    runtime().block_on(async {
        match row {
            "queue of 10,000 tasks" => drain(10_000).await,
            "queue of 1,000,000 tasks" => drain(1_000_000).await,
            "waves over 1,000" => ladder(1_000).await,
            "waves over 10,000" => ladder(10_000).await,
            _ => return None,
        }
        Some(format!("{:.2} s, {:.0} MB more at most", began.elapsed().as_secs_f64(), peak_mb() - before))
    })
}

/// Four workers take tasks from an open queue as they are pushed.
async fn drain(tasks: u64) {
    let swarm = Swarm::builder("bench").start().await.unwrap();
    let (push, mut rows) = queue(&swarm, [])
        .within(std::time::Duration::from_secs(3_600))
        .workers(4..=4, |n| AgentSpec::new(format!("worker-{n}"), || Echo))
        .open();
    let pushing = async move {
        for task in 0..tasks {
            push.push(task).await.unwrap();
        }
        push.close();
    };
    let reading = async {
        let mut done = 0;
        while let Some(row) = rows.next().await {
            assert!(row.result.is_ok());
            done += 1;
        }
        assert_eq!(done, tasks);
    };
    tokio::join!(pushing, reading);
}

/// Each node needs the one before it and the one ten before.
async fn ladder(nodes: u64) {
    let swarm = Swarm::builder("bench").start().await.unwrap();
    let needs = |n: &u64| n.checked_sub(10).into_iter().chain(n.checked_sub(1)).collect::<Vec<_>>();
    let graph = Graph::of(0..nodes, |n| *n, needs).unwrap();
    let waved = waves(&swarm, graph)
        .within(std::time::Duration::from_secs(3_600))
        .node(|n, _: Needs<'_, u64, u64>| (AgentSpec::new("node", || Echo), *n))
        .await;
    assert!(waved.rows.iter().all(|(_, row)| row.is_ok()));
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}
