//! Delegation: what is split and what is not, what limits it, and that it holds in trouble.

use std::sync::Arc;
use std::time::Duration;

use skep::delegate::{Assessed, Delegate, Delegated, Handling, NoProgress};
use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, Budget, Context, Report as _, ScopeOwner, delegate};

use crate::rig::{alive, millis, secs, swarm};
use crate::storm::storm;

/// Splits a text at its widest gaps; one without gaps is solved.
struct Assessor;

impl Agent for Assessor {
    type Task = String;
    type Output = Assessed<String>;

    async fn handle(&mut self, text: &String, cx: &Context) -> Result<Assessed<String>, AgentError> {
        cx.sleep(Duration::from_millis(10)).await?;
        let split =
            |parts: &[&str]| Ok(Assessed::Split(parts.iter().map(|part| (*part).to_owned()).collect()));
        match text.as_str() {
            "nothing" => split(&[]),
            "itself" => split(&["itself"]),
            "ping" => split(&["pong"]),
            "pong" => split(&["ping"]),
            "grow" => split(&["grow more"]),
            "unclear" => Err(AgentError::message("what is it about?")),
            text => match (1..5).rev().find(|spaces| text.contains(&" ".repeat(*spaces))) {
                Some(spaces) => split(&text.split(&" ".repeat(spaces)).collect::<Vec<_>>()),
                None => Ok(Assessed::Direct),
            },
        }
    }
}

/// Gives a text back; `!` fails.
struct Solver;

impl Agent for Solver {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, text: &String, cx: &Context) -> Result<String, AgentError> {
        cx.sleep(Duration::from_millis(100)).await?;
        if text.contains('!') { Err(AgentError::message("too hard")) } else { Ok(text.clone()) }
    }
}

/// Joins what the parts of a text came to; `?` fails.
struct Joiner;

impl Agent for Joiner {
    type Task = Vec<String>;
    type Output = String;

    async fn handle(&mut self, parts: &Vec<String>, cx: &Context) -> Result<String, AgentError> {
        cx.sleep(Duration::from_millis(10)).await?;
        let text = format!("({})", parts.join("+"));
        if text.contains('?') { Err(AgentError::message("they do not fit")) } else { Ok(text) }
    }
}

fn thesis(owner: impl Into<ScopeOwner>, text: &str) -> Delegate<'static, String, String> {
    delegate(owner, text.to_owned())
        .assess(|text| (|| Assessor, text.clone()))
        .solve(|text| (|| Solver, text.clone()))
        .merge(|_, parts| (|| Joiner, parts.to_vec()))
}

fn value(delegated: &Delegated<String, String>) -> &str {
    delegated.value.as_deref().unwrap_or("-")
}

fn handled(delegated: &Delegated<String, String>) -> String {
    let task =
        |task: &skep::delegate::DelegatedTask<String, String>| format!("{} {}", task.path, task.handling);
    delegated.tasks.iter().map(task).collect::<Vec<_>>().join(", ")
}

#[tokio::test(start_paused = true)]
async fn parts_are_done_at_the_same_time_and_merged_in_their_order() {
    let swarm = swarm().await;
    let delegated = thesis(&swarm, "a b  c  d e f").await;
    assert_eq!(value(&delegated), "((a+b)+c+(d+e+f))");
    assert_eq!(
        handled(&delegated),
        "1 3 parts, 1.1 2 parts, 1.2 direct, 1.3 3 parts, 1.1.1 direct, 1.1.2 direct, 1.3.1 direct, 1.3.2 direct, \
         1.3.3 direct"
    );
    assert_eq!(delegated.to_string(), "18 of 18 completed");
    assert!(delegated.tasks.iter().all(|task| task.output.is_none()), "all went into the value");
    let path: Vec<_> = delegated.parts.critical_path().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(path[..2], ["assess-1", "assess-1.3"]);
    assert_eq!(path[path.len() - 1], "merge-1");
    assert_eq!(delegated.parts.took, millis(10 + 10 + 10 + 100 + 10 + 10), "six at once are enough for it");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn at_the_depth_limit_a_task_is_solved_as_it_is_and_the_report_says_so() {
    let swarm = swarm().await;
    let delegated = thesis(&swarm, "a b  c").depth(1).await;
    assert_eq!(value(&delegated), "(a b+c)");
    assert_eq!(delegated.to_string(), "4 of 4 completed; not split: 1.1 (depth limit), 1.2 (depth limit)");
    assert_eq!(value(&thesis(&swarm, "a b").depth(0).await), "a b");
    assert_eq!(thesis(&swarm, "a b").depth(0).estimate().calls, 3, "the solution alone");
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_tasks_than_it_may_have() {
    let swarm = swarm().await;
    let delegated = thesis(&swarm, "a b  c d").tasks(5).await;
    assert_eq!(value(&delegated), "(a b+c d)");
    assert_eq!(handled(&delegated), "1 2 parts, 1.1 limit of tasks, 1.2 limit of tasks");
    assert_eq!(value(&thesis(&swarm, "a b  c d").tasks(7).await), "((a+b)+(c+d))");
    let alone = thesis(&swarm, "a b").tasks(0).await;
    assert_eq!((value(&alone), handled(&alone).as_str()), ("a b", "1 limit of tasks"));
}

#[tokio::test(start_paused = true)]
async fn a_split_that_leads_nowhere_is_solved_as_it_is() {
    let swarm = swarm().await;
    for (text, why) in [
        ("nothing", "1 no progress: the split has no parts"),
        ("itself", "1 no progress: part 1 is the task 1 again"),
        ("ping", "1 1 parts, 1.1 no progress: part 1 is the task 1 again"),
    ] {
        let delegated = thesis(&swarm, text).await;
        assert_eq!(handled(&delegated), why);
        assert!(delegated.value.is_some());
    }
    let size = |text: &String| text.len() as u64;
    let delegated = thesis(&swarm, "grow").size(size).await;
    assert_eq!(delegated.tasks[0].handling, Handling::NoProgress("part 1 is not smaller: 9 of 4".to_owned()));
    assert_eq!(value(&thesis(&swarm, "a b  c").size(size).await), "((a+b)+c)");
}

#[tokio::test(start_paused = true)]
async fn or_it_fails_if_that_is_the_policy() {
    let swarm = swarm().await;
    let delegated = thesis(&swarm, "nothing").no_progress(NoProgress::Fail).await;
    assert_eq!(
        delegated.to_string(),
        "0 of 1 completed, failed: assess-1 (the split is no progress: the split has no parts); \
         not split: 1 (no progress: the split has no parts)"
    );
    let error = delegated.into_result().unwrap_err().to_string();
    assert!(error.starts_with("delegate: 0 of 1 completed"), "{error}");
    let cut = thesis(&swarm, "nothing a").no_progress(NoProgress::Fail).fail_fast().await;
    assert_eq!(cut.value, None);
    assert!(cut.to_string().contains("solve-1.2 (not started: another had failed)"), "{cut}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_costs_what_it_is_a_part_of_and_what_others_gave_is_kept() {
    let swarm = swarm().await;
    for (text, failed, kept) in [
        ("a!  b c  d", "solve-1.1 (too hard)", vec!["1.2 (b+c)", "1.3 d"]),
        ("unclear  b", "assess-1.1 (what is it about?)", vec!["1.2 b"]),
        ("a? b  c", "merge-1.1 (they do not fit)", vec!["1.2 c", "1.1.1 a?", "1.1.2 b"]),
    ] {
        let delegated = thesis(&swarm, text).await;
        assert_eq!(delegated.value, None);
        assert!(delegated.to_string().contains(failed), "{delegated}");
        let outputs = delegated
            .tasks
            .iter()
            .filter_map(|task| Some(format!("{} {}", task.path, task.output.as_ref()?)));
        assert_eq!(outputs.collect::<Vec<_>>(), kept);
    }
    let three = thesis(&swarm, "a!  b!  c!  d e").at_most(1).retries(0).await;
    assert!(three.to_string().contains("(not started: 3 others had failed)"), "{three}");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_estimate_is_two_tasks_asked_for_each_that_there_may_be() {
    let swarm = swarm().await;
    let all = delegate(&swarm, "a".to_owned())
        .assess(|text| (|| Assessor, text.clone()))
        .costing(Budget::usd("0.01"))
        .solve(|text| (|| Solver, text.clone()))
        .costing(Budget::usd("0.10"))
        .merge(|_, parts: &[String]| (|| Joiner, parts.to_vec()))
        .costing(Budget::usd("0.20"))
        .tasks(40);
    assert_eq!(all.estimate().to_string(), "80 agents, 6 at once, 240 calls, at most $8.40");
    assert_eq!(thesis(&swarm, "a").estimate().agents, 200);
    let whole = thesis(&swarm, "a").budget(Budget::usd("1")).estimate();
    assert_eq!(whole.to_string(), "200 agents, 6 at once, 600 calls, at most $1.00");
}

/// Splits a number into parts by chance of itself, now and then into such as lead nowhere.
fn assess(number: u64, kind: u64) -> Assessed<u64> {
    match (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % 7 {
        0 => Assessed::Direct,
        1 if kind == 0 => Assessed::Split(vec![number]),
        2 if kind == 0 => Assessed::Split(Vec::new()),
        _ if number < 2 => Assessed::Direct,
        parts => Assessed::Split((1..=parts % 4 + 1).map(|part| number / (part + 1)).collect()),
    }
}

#[skep::swarm_test(seeds = 500)]
async fn a_delegation_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (number, kind, depth, tasks) =
            (dice.below(200), dice.below(2), dice.below(4) as u32, dice.between(1, 14) as usize);
        let (is_sized, at_most) = (dice.chance(500), dice.between(1, 6) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let (one, two, three) = (hands.clone(), hands.clone(), hands.clone());
            let all = delegate(owner, number)
                .within(secs(600))
                .assess(move |number| (one.hand("assess", move |n: &u64| Ok(assess(*n, kind))), *number))
                .costing(Budget::usd("0.003"))
                .solve(move |number| (two.hand("solve", |n: &u64| Ok(*n)), *number))
                .costing(Budget::usd("0.003"))
                .merge(move |_, parts| {
                    let sum = |parts: &Vec<u64>| Ok(parts.iter().sum());
                    (three.hand("merge", sum).budget(Budget::usd("0.004")), parts.to_vec())
                })
                .costing(Budget::usd("0.003"))
                .depth(depth)
                .tasks(tasks)
                .at_most(at_most);
            if is_sized { all.size(|number| *number) } else { all }
        })
    })
    .await
}
