//! One agent that answers at once, in each pattern: microseconds a run.

use std::future::Future;
use std::time::Instant;

use skep_patterns::council::Ranking;
use skep_patterns::delegate::Assessed;
use skep_patterns::handoff::Pass;
use skep_patterns::review_loop::{Round, Verdict};
use skep_patterns::supervise::{Next, Table};
use skep_patterns::waves::{Graph, Needs};
use skep_patterns::workflow::{Capabilities, Workflow};
use skep_patterns::{
    Report as _, Work as _, council, delegate, fan_out, handoff, map_reduce, panel, pipeline, queue, race,
    review_loop, supervise, vote, waves, workflow,
};
use skep_runtime::{Agent, AgentError, AgentSpec, Context, Swarm};
use tokio::task::JoinSet;

use crate::runtime;

pub(crate) const BARE: &str = "JoinSet";
pub(crate) const ROWS: &[&str] = &[
    BARE,
    "an agent alone",
    "fan_out",
    "pipeline",
    "race",
    "map_reduce",
    "waves",
    "queue",
    "vote",
    "handoff",
    "workflow",
    "delegate, two agents",
    "supervise, two agents",
    "panel, two agents",
    "review_loop, two agents",
    "council, three agents",
];

const RUNS: u32 = 20_000;

const ONE_STEP: &str = r#"
name = "one"
inputs = ["n"]
[[phase]]
name = "one"
steps = [{ name = "echo", by = "echo", needs = "n" }]
"#;

#[derive(Clone)]
struct Echo;

impl Agent for Echo {
    type Task = u64;
    type Output = u64;

    async fn handle(&mut self, task: &u64, _: &Context) -> Result<u64, AgentError> {
        Ok(*task)
    }
}

fn echo() -> AgentSpec<Echo> {
    AgentSpec::new("echo", || Echo)
}

pub(crate) fn measure(row: &str) -> Option<f64> {
    runtime().block_on(async {
        let swarm = Swarm::builder("bench").start().await.unwrap();
        Some(match row {
            BARE => {
                each(async |n| {
                    let mut set = JoinSet::new();
                    set.spawn(async move { n });
                    assert_eq!(set.join_next().await.unwrap().unwrap(), n);
                })
                .await
            }
            "an agent alone" => each(async |n| assert_eq!(swarm.run(echo(), n).await.ok(), Some(n))).await,
            "fan_out" => {
                each(async |n| assert!(fan_out(&swarm, [n]).each(|n| (echo(), n)).await.is_complete())).await
            }
            "pipeline" => {
                each(async |n| {
                    let piped = pipeline(&swarm, n).stage("echo", |n| (echo(), *n)).await;
                    assert_eq!(piped.value, Some(n));
                })
                .await
            }
            "race" => {
                each(async |n| {
                    let raced = race(&swarm, n).runner("echo", |n| (echo(), *n)).await;
                    assert!(raced.winner.is_some());
                })
                .await
            }
            "map_reduce" => {
                each(async |n| {
                    let reduced = map_reduce(&swarm, [n])
                        .map(|n| (echo(), n))
                        .reduce(|all: &[u64]| (echo(), all.iter().sum()))
                        .await;
                    assert!(reduced.into_result().is_ok());
                })
                .await
            }
            "waves" => {
                each(async |n| {
                    let graph = Graph::of([n], |n| *n, |_| Vec::new()).unwrap();
                    let waved = waves(&swarm, graph).node(|n, _: Needs<'_, u64, u64>| (echo(), *n)).await;
                    assert!(waved.into_result().is_ok());
                })
                .await
            }
            "delegate, two agents" => {
                each(async |n| {
                    let delegated = delegate(&swarm, n)
                        .assess(|n| (echo(), *n).map(|_| Assessed::Direct))
                        .solve(|n| (echo(), *n))
                        .merge(|_, all: &[u64]| (echo(), all.iter().sum()))
                        .await;
                    assert!(delegated.into_result().is_ok());
                })
                .await
            }
            "queue" => {
                each(async |n| {
                    let drained = queue(&swarm, [n]).workers(1..=1, |_| echo()).await;
                    assert_eq!(drained.ok().count(), 1);
                })
                .await
            }
            "vote" => {
                each(async |n| {
                    let voted = vote(&swarm, n).voter("echo", |n| (echo(), *n)).await;
                    assert_eq!(voted.winner, Some(n));
                })
                .await
            }
            "handoff" => {
                each(async |n| {
                    let handed =
                        handoff(&swarm, n).worker("echo", |n| (echo(), n.work).map(Pass::Done)).await;
                    assert!(handed.into_result().is_ok());
                })
                .await
            }
            "workflow" => {
                let file = Workflow::read(ONE_STEP).unwrap();
                each(async |n| {
                    let can = Capabilities::new().can("echo", |n: u64| (echo(), n));
                    let worked = workflow(&swarm, file.clone().with("n", n), can).unwrap().await;
                    assert!(worked.into_result().is_ok());
                })
                .await
            }
            "supervise, two agents" => {
                each(async |n| {
                    let supervised = supervise(&swarm, n)
                        .worker(|n: &u64| (echo(), *n))
                        .decide(|table: &Table<u64, u64, u64>| {
                            let done = table.done().next().is_some();
                            let next = move |n| if done { Next::Done(n) } else { Next::spawn([n]) };
                            (echo(), table.goal).map(next)
                        })
                        .await;
                    assert!(supervised.into_result().is_ok());
                })
                .await
            }
            "panel, two agents" => {
                each(async |n| {
                    let brief = panel(&swarm, n)
                        .expert("echo", |n| (echo(), *n))
                        .merge(|_, all| (echo(), all.iter().map(|one| one.opinion).sum()))
                        .await;
                    assert_eq!(brief.value, Some(n));
                })
                .await
            }
            "review_loop, two agents" => {
                each(async |n| {
                    let reviewed = review_loop(&swarm, n)
                        .author(|n, _: Option<&Round<u64, ()>>| (echo(), *n))
                        .reviewer("echo", |_, n| (echo(), *n).map(|_| Verdict::Approved))
                        .await;
                    assert!(reviewed.is_approved());
                })
                .await
            }
            "council, three agents" => {
                each(async |n| {
                    let counselled = council(&swarm, n, ["echo"])
                        .answer(|_, n| (echo(), *n))
                        .rank(|_, n, _| (echo(), *n).map(|_| Ranking(vec!["A".to_owned()])))
                        .chair(|minutes| (echo(), *minutes.question))
                        .await;
                    assert_eq!(counselled.value, Some(n));
                })
                .await
            }
            _ => return None,
        })
    })
}

/// Microseconds a run.
async fn each<F: Future<Output = ()>>(run: impl Fn(u64) -> F) -> f64 {
    for n in 0..1_000 {
        run(n).await;
    }
    let began = Instant::now();
    for n in 0..RUNS {
        run(n.into()).await;
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
}
