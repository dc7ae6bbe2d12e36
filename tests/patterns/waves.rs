//! Waves: what is ready begins, what failed blocks what needs it and nothing else, and that it holds in trouble.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use skep::testkit::{Dice, Lab, TestResult};
use skep::waves::{Graph, GraphError, Needs, Waved, Waves};
use skep::{Agent, AgentError, Budget, Context, Report as _, ScopeOwner, waves};

use crate::rig::{alive, millis, secs, swarm};
use crate::storm::storm;

/// Gives its text back, after so many milliseconds; `!` in it fails.
struct Builder;

impl Agent for Builder {
    type Task = (u64, String);
    type Output = String;

    async fn handle(&mut self, (ms, text): &(u64, String), cx: &Context) -> Result<String, AgentError> {
        cx.sleep(Duration::from_millis(*ms)).await?;
        if text.contains('!') { Err(AgentError::message("it does not build")) } else { Ok(text.clone()) }
    }
}

/// A name, how long it takes, and what it needs.
type Task = (&'static str, u64, &'static [&'static str]);

fn graph(tasks: &[Task]) -> Graph<String, Task> {
    try_graph(tasks).unwrap()
}

fn try_graph(tasks: &[Task]) -> Result<Graph<String, Task>, GraphError<String>> {
    let needs = |(.., needs): &Task| needs.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Graph::of(tasks.iter().copied(), |(name, ..)| (*name).to_owned(), needs)
}

fn build(owner: impl Into<ScopeOwner>, tasks: &[Task]) -> Waves<'static, String, Task, String> {
    waves(owner, graph(tasks)).node(|(name, ms, _), needs: Needs<'_, String, String>| {
        let needs: Vec<_> = needs.iter().map(|(_, built)| built.as_str()).collect();
        (|| Builder, (*ms, format!("{name}({})", needs.join(" "))))
    })
}

const DIAMOND: &[Task] = &[
    ("link", 10, &["left", "right"]),
    ("left", 10, &["core"]),
    ("right", 10, &["core"]),
    ("core", 10, &[]),
    ("docs", 10, &[]),
];

/// A letter for each row: done, failed, stopped, not begun.
fn ends(waved: &Waved<String, String>) -> String {
    let end = |(name, result): &(String, Result<String, skep::Failure>)| {
        let letter = match result {
            Ok(_) => 'd',
            Err(skep::Failure::Failed(_)) => 'f',
            Err(skep::Failure::Stopped(_) | skep::Failure::NotNeeded(_)) => 's',
            Err(skep::Failure::NotBegun(_)) => 'n',
        };
        format!("{name}:{letter}")
    };
    waved.rows.iter().map(end).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn each_node_is_lent_what_it_needs() {
    let swarm = swarm().await;
    let waved = build(&swarm, DIAMOND).await;
    assert_eq!(ends(&waved), "core:d left:d right:d link:d docs:d");
    let all: BTreeMap<_, _> = waved.into_result().unwrap().into_iter().collect();
    assert_eq!(all["link"], "link(left(core()) right(core()))");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_begins_and_waits_for_no_wave() {
    let swarm = swarm().await;
    let tasks: &[Task] = &[
        ("a", 10, &[]),
        ("slow", 5_000, &[]),
        ("b", 10, &["a"]),
        ("c", 10, &["b"]),
        ("end", 10, &["c", "slow"]),
    ];
    let waved = build(&swarm, tasks).await;
    let began = |name| waved.parts.part(name).unwrap().began;
    assert_eq!((began("b"), began("c"), began("end")), (millis(10), millis(20), millis(5_000)));
    let path: Vec<_> = waved.parts.critical_path().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(path, ["slow", "end"]);
    assert_eq!(build(&swarm, tasks).at_most(1).await.parts.took, millis(5_040), "one at a time");
}

#[tokio::test(start_paused = true)]
async fn a_failure_blocks_what_needs_it_and_nothing_else() {
    let swarm = swarm().await;
    let tasks: &[Task] =
        &[("a!", 10, &[]), ("b", 10, &["a!"]), ("c", 10, &["b", "x"]), ("x", 50, &[]), ("y", 10, &["x"])];
    let waved = build(&swarm, tasks).await;
    assert_eq!(ends(&waved), "a!:f b:n x:d c:n y:d");
    assert_eq!(
        waved.to_string(),
        "2 of 5 completed, failed: a! (it does not build), b (not started: a! has failed, which it needs), \
         c (not started: a! has failed, which it needs)"
    );
    assert_eq!(waved.ok().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["x", "y"]);
    assert!(waved.into_result().unwrap_err().to_string().starts_with("waves: 2 of 5 completed"));
}

#[tokio::test(start_paused = true)]
async fn after_three_failures_nothing_more_begins_and_what_works_goes_on() {
    let swarm = swarm().await;
    let tasks: &[Task] = &[
        ("a!", 1, &[]),
        ("b!", 2, &[]),
        ("c!", 3, &[]),
        ("d", 100, &[]),
        ("e", 1, &["d"]),
        ("f", 1, &["b!"]),
    ];
    let waved = build(&swarm, tasks).await;
    assert_eq!(ends(&waved), "a!:f b!:f c!:f d:d e:n f:n");
    let why = |at: usize| waved.rows[at].1.as_ref().unwrap_err().to_string();
    assert_eq!(why(4), "not started: 3 others had failed");
    assert_eq!(why(5), "not started: b! has failed, which it needs");
    assert_eq!(ends(&build(&swarm, tasks).gather_all().await), "a!:f b!:f c!:f d:d e:d f:n");
    assert_eq!(ends(&build(&swarm, tasks).fail_fast().await), "a!:f b!:s c!:s d:s e:n f:n");
}

#[tokio::test(start_paused = true)]
async fn nodes_without_an_output_are_run_again_with_what_the_others_gave() {
    let swarm = swarm().await;
    let flaky = std::sync::atomic::AtomicBool::new(true);
    let again =
        waves(&swarm, graph(DIAMOND)).retries(0).node(|(name, ms, _), needs: Needs<'_, String, String>| {
            let is_bad = *name == "left" && flaky.load(std::sync::atomic::Ordering::SeqCst);
            let text = format!("{name}{}{}", if is_bad { "!" } else { "" }, needs.len());
            (|| Builder, (*ms, text))
        });
    let waved = again.run().await;
    assert_eq!(ends(&waved), "core:d left:f right:d link:n docs:d");
    let text = serde_json::to_string(&waved).unwrap();
    let mut waved: Waved<String, String> = serde_json::from_str(&text).unwrap();
    flaky.store(false, std::sync::atomic::Ordering::SeqCst);
    again.retry_failed(&mut waved).await;
    assert_eq!(waved.to_string(), "5 of 5 completed");
    let attempts: Vec<_> = waved.parts.parts.iter().map(|part| part.attempts).collect();
    assert_eq!(attempts, [1, 2, 1, 1, 1], "what was done is not done again");
    assert_eq!(waved.parts.took, millis(20 + 20));
    let path: Vec<_> = waved.parts.critical_path().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(path, ["core", "left", "link"], "what ran again counts its time from the first beginning");
    let before = waved.clone();
    again.retry_failed(&mut waved).await;
    build(&swarm, &[("z", 1, &[])]).retry_failed(&mut waved).await;
    assert_eq!(waved, before);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_is_named_whole_and_so_is_what_is_not_there() {
    let error = |tasks: &[Task]| try_graph(tasks).unwrap_err().to_string();
    assert_eq!(
        error(&[("x", 1, &["b"]), ("a", 1, &["c"]), ("b", 1, &["a"]), ("c", 1, &["b"]), ("d", 1, &[])]),
        "tasks need each other in a circle: b -> a -> c -> b"
    );
    assert_eq!(error(&[("a", 1, &["a"])]), "tasks need each other in a circle: a -> a");
    assert_eq!(error(&[("a", 1, &["b\n"])]), "the task a needs b\\n, and there is no such task");
    assert_eq!(error(&[("a", 1, &[]), ("a", 1, &[])]), "two tasks have the key a");
}

#[tokio::test(start_paused = true)]
async fn a_graph_draws_itself_before_it_runs_and_its_report_afterwards() {
    let swarm = swarm().await;
    let graph = graph(&[("b\"", 1, &["a", "a"]), ("a", 1, &[])]);
    assert_eq!(graph.text(), "a\nb\": a\n");
    assert_eq!(graph.mermaid(), "flowchart LR\n  n0[\"a\"]\n  n1[\"b#quot;\"]\n  n0 --> n1\n");
    assert_eq!(
        graph.dot(),
        "digraph {\n  rankdir=LR;\n  n0 [label=\"a\"];\n  n1 [label=\"b\\\"\"];\n  n0 -> n1;\n}\n"
    );
    let waved = build(&swarm, DIAMOND).await;
    assert!(waved.parts.mermaid().contains("p_2 --> p_3") && waved.parts.dot().contains("p_0 -> p_2;"));
    assert!(waved.parts.tree().contains("link *"), "{}", waved.parts.tree());
}

#[tokio::test(start_paused = true)]
async fn a_graph_without_tasks_is_done_at_once() {
    let swarm = swarm().await;
    let waved = build(&swarm, &[]).await;
    assert_eq!((waved.to_string().as_str(), waved.rows.len()), ("0 of 0 completed", 0));
    assert!(waved.into_result().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_estimate_is_a_task_for_each_node() {
    let swarm = swarm().await;
    let estimate = build(&swarm, DIAMOND).costing(Budget::usd("0.10")).estimate();
    assert_eq!(estimate.to_string(), "5 agents, 5 at once, 15 calls, at most $0.50");
}

#[test]
fn a_chain_of_ten_thousand_and_a_node_that_ten_thousand_need_are_graphs_as_any_other() {
    let chain = Graph::of(0..10_000_u32, |n| *n, |n| n.checked_add(1).filter(|next| *next < 10_000)).unwrap();
    assert_eq!(chain.text().lines().next(), Some("9999"));
    let circle = Graph::of(0..10_000_u32, |n| *n, |n| [(n + 1) % 10_000]).unwrap_err();
    let GraphError::Cycle(keys) = circle else { panic!("{circle}") };
    assert_eq!((keys.len(), keys[0], keys[10_000]), (10_001, 0, 0));
    let star = Graph::of(0..10_000_u32, |n| *n, |n| if *n == 0 { 1..10_000 } else { 0..0 }).unwrap();
    assert_eq!(star.len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_nodes_begin_once_each_and_a_first_failure_blocks_all_the_others() {
    let swarm = swarm().await;
    let count = std::sync::atomic::AtomicUsize::new(0);
    let node = |n: &u32, _: Needs<'_, u32, String>| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (|| Builder, (0, if *n == 0 { "!".to_owned() } else { String::new() }))
    };
    let chain = Graph::of(0..10_000_u32, |n| *n, |n| n.checked_sub(1)).unwrap();
    let waved = waves(&swarm, chain).node(node).retries(0).await;
    assert_eq!((waved.failed().count(), count.load(std::sync::atomic::Ordering::Relaxed)), (10_000, 1));
    let wide = Graph::of(1..2_000_u32, |n| *n, |n| (*n > 1).then_some(1)).unwrap();
    let waved = waves(&swarm, wide).node(node).await;
    assert_eq!((waved.ok().count(), count.load(std::sync::atomic::Ordering::Relaxed)), (1_999, 2_000));
}

/// Some nodes, each of which needs some of those before it.
fn random_graph(dice: &mut Dice) -> Vec<(u64, Vec<u64>)> {
    let (nodes, needy) = (dice.between(0, 9), dice.below(600));
    (0..nodes).map(|node| (node, (0..node).filter(|_| dice.chance(needy)).collect())).collect()
}

#[skep::swarm_test(seeds = 500)]
async fn waves_in_trouble_leave_nothing_and_bill_what_they_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (mut tasks, at_most, gathers) = (random_graph(dice), dice.between(1, 4), dice.chance(500));
        dice.shuffle(&mut tasks);
        Arc::new(move |owner: ScopeOwner| {
            let hands = hands.clone();
            let graph = Graph::of(tasks.clone(), |(node, _)| *node, |(_, needs)| needs.clone()).unwrap();
            let waves = waves(owner, graph)
                .within(secs(600))
                .node(move |(node, needs), given: Needs<'_, u64, u64>| {
                    let sum = needs.iter().map(|need| given[need]).sum::<u64>() + *node;
                    (hands.hand(&format!("{node}"), |sum: &u64| Ok(*sum)), sum)
                })
                .costing(Budget::usd("0.003"))
                .at_most(at_most as usize);
            if gathers { waves.gather_all() } else { waves }
        })
    })
    .await
}
