//! The pool of processes, with real ones. This program is its own worker, so it has no harness but the loop at its end.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what stands around a swarm is no part of it"
)]

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use skep_actors::pool::{Jobs, ProcessPool};
use skep_runtime::{Agent, AgentError, AgentSpec, AskError, Context, FailureClass, Stop, Swarm};

/// What the worker of these tests can do.
fn jobs() -> Jobs {
    Jobs::new()
        .with("number", |_: Value| Ok::<_, String>(std::process::id()))
        .with("echo", |text: String| Ok::<_, String>(text))
        .with("refuse", |(): ()| Err::<(), _>("it does not want to"))
        .with("panic", |(): ()| -> Result<(), String> { panic!("broken") })
        .with("abort", |(): ()| -> Result<(), String> {
            eprintln!("the end is near");
            std::process::abort()
        })
        .with("chatter", |(): ()| {
            println!("hello");
            Ok::<_, String>(())
        })
        .with("complain", |(): ()| {
            // More than a pipe holds.
            (0..20_000).for_each(|_| eprintln!("a line of some length that nobody wants to read"));
            Ok::<_, String>(7)
        })
        .with("spin", |path: String| -> Result<(), String> {
            std::fs::write(&path, std::process::id().to_string()).map_err(|error| error.to_string())?;
            loop {
                std::hint::spin_loop();
            }
        })
        .with("variables", |(): ()| {
            Ok::<_, String>(std::env::vars().map(|(name, _)| name).collect::<Vec<_>>())
        })
}

/// Has jobs done, one a task.
struct Boss(ProcessPool);

impl Agent for Boss {
    type Task = (String, Value);
    type Output = Value;

    async fn handle(&mut self, (job, input): &(String, Value), cx: &Context) -> Result<Value, AgentError> {
        let pool = &self.0;
        let run = |call| async move { pool.run(&call, job, input).await };
        Ok(cx.effect("work", (job, input)).free().run(run).await?)
    }
}

fn pool() -> ProcessPool {
    ProcessPool::of_this_program(["worker"]).unwrap()
}

async fn swarm() -> Swarm {
    Swarm::builder("pool").start().await.unwrap()
}

fn boss(pool: &ProcessPool) -> AgentSpec<Boss> {
    let pool = pool.clone();
    AgentSpec::new("boss", move || Boss(pool.clone())).attempts(1)
}

type Answer = Result<Value, AskError<(String, Value)>>;

async fn asked(swarm: &Swarm, pool: &ProcessPool, asks: &[(&str, Value)]) -> Vec<Answer> {
    let boss = swarm.spawn(boss(pool)).await.unwrap();
    let mut answers = Vec::new();
    for (job, input) in asks {
        answers.push(boss.ask(((*job).to_owned(), input.clone())).await);
    }
    assert!(boss.stop(Stop::default()).await.is_clean());
    answers
}

fn why(answer: &Answer) -> (FailureClass, String) {
    match answer {
        Err(AskError::Failed(_, error)) => (error.class(), error.to_string()),
        other => panic!("it failed not: {other:?}"),
    }
}

async fn a_worker_does_one_job_after_another() {
    let (swarm, pool) = (swarm().await, pool());
    let long = "é\n".repeat(100_000);
    let asks = [
        ("number", json!(0)),
        ("echo", json!(long)),
        ("refuse", json!(null)),
        ("halve", json!(0)),
        ("complain", json!(null)),
        ("number", json!(0)),
    ];
    let answers = asked(&swarm, &pool, &asks).await;
    assert_eq!(
        answers[0].as_ref().unwrap(),
        answers[5].as_ref().unwrap(),
        "the same process, after all of them"
    );
    assert_eq!(answers[1].as_ref().unwrap(), &json!(long));
    assert!(why(&answers[2]).1.contains("it does not want to"));
    assert!(why(&answers[3]).1.contains("no job \"halve\"; there are: abort, chatter"), "{:?}", answers[3]);
    assert_eq!(answers[4].as_ref().unwrap(), &json!(7), "what it complains of does not stop it");
}

async fn a_worker_that_panics_dies_or_prints_is_replaced_and_says_why() {
    let (swarm, pool) = (swarm().await, pool());
    let asks =
        [("panic", json!(null)), ("abort", json!(null)), ("chatter", json!(null)), ("echo", json!("well"))];
    let answers = asked(&swarm, &pool, &asks).await;
    let (panicked, aborted, chattered) = (why(&answers[0]), why(&answers[1]), why(&answers[2]));
    assert!(panicked.0 == FailureClass::Bug && panicked.1.contains("panicked: broken"), "{panicked:?}");
    assert_eq!(aborted.0, FailureClass::Bug);
    assert!(aborted.1.contains("signal: 6") && aborted.1.contains("it said: the end is near"), "{aborted:?}");
    assert!(chattered.1.contains("printed what is not an answer: hello"), "{chattered:?}");
    assert_eq!(answers[3].as_ref().unwrap(), &json!("well"));
}

async fn one_that_died_while_it_waited_is_not_asked() {
    let (swarm, pool) = (swarm().await, pool());
    let first = asked(&swarm, &pool, &[("number", json!(0))]).await.remove(0).unwrap();
    kill(first.as_u64().unwrap());
    ended(first.as_u64().unwrap()).await;
    let second = asked(&swarm, &pool, &[("number", json!(0))]).await.remove(0).unwrap();
    assert_ne!(first, second);
}

async fn a_job_ends_with_its_call_however_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (swarm, pool) = (swarm().await, pool());
    for (number, end) in ["a stop", "an interrupt", "a kill"].into_iter().enumerate() {
        let boss = swarm.spawn(boss(&pool)).await.unwrap();
        let path = folder.path().join(number.to_string());
        let answer = boss.ask(("spin".to_owned(), json!(path.to_str().unwrap())));
        let answer = tokio::spawn(answer.into_future());
        let spinning = written(&path).await;
        match end {
            "a stop" => assert!(boss.stop(Stop::default()).await.is_clean()),
            "an interrupt" => drop(boss.interrupt()),
            _ => boss.kill(),
        }
        ended(spinning).await;
        assert!(answer.await.unwrap().is_err(), "{end}");
        boss.kill();
    }
}

async fn no_more_work_at_once_than_may_and_whoever_waits_comes_in_turn() {
    let (swarm, pool) = (swarm().await, pool().at_most(2));
    let mut asks = Vec::new();
    for number in 0..6 {
        let boss = swarm.spawn(AgentSpec::new(format!("boss-{number}"), {
            let pool = pool.clone();
            move || Boss(pool.clone())
        }));
        let boss = boss.await.unwrap();
        asks.push(tokio::spawn(boss.ask(("number".to_owned(), json!(0))).into_future()));
    }
    let mut seen = std::collections::BTreeSet::new();
    for ask in asks {
        seen.insert(ask.await.unwrap().unwrap().as_u64().unwrap());
    }
    assert!(seen.len() <= 2, "{seen:?}");
}

async fn workers_end_with_their_pool() {
    let (swarm, pool) = (swarm().await, pool());
    let number = asked(&swarm, &pool, &[("number", json!(0))]).await.remove(0).unwrap().as_u64().unwrap();
    assert!(lives(number), "one that waits lives");
    assert!(swarm.stop(Stop::default()).await.is_clean());
    drop(pool);
    ended(number).await;
}

async fn a_worker_gets_no_key_and_what_it_is_given() {
    let pool = pool().env("GIVEN", "1");
    let names = asked(&swarm().await, &pool, &[("variables", json!(null))]).await.remove(0).unwrap();
    let has = |name: &str| names.as_array().unwrap().iter().any(|it| it == name);
    assert!(has("PATH") && has("GIVEN") && !has("CARGO_MANIFEST_DIR") && !has("HOME"), "{names}");
}

async fn a_program_that_is_not_there_is_named() {
    let pool = ProcessPool::of("/nowhere/at/all", ["worker"]);
    let answer = asked(&swarm().await, &pool, &[("echo", json!("x"))]).await.remove(0);
    assert!(why(&answer).1.contains("the worker /nowhere/at/all cannot be started"), "{answer:?}");
}

async fn a_worker_ends_when_our_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spinning");
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["spin", path.to_str().unwrap()]).stdout(Stdio::null()).kill_on_drop(true);
    let mut child = child.spawn().unwrap();
    let spinning = written(&path).await;
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    ended(spinning).await;
}

/// A process that has a job done without end.
async fn spin(path: String) {
    asked(&swarm().await, &pool(), &[("spin", json!(path))]).await;
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().unwrap().block_on(test);
}

/// The number of a process that has written it there.
async fn written(path: &Path) -> u64 {
    loop {
        match std::fs::read_to_string(path).ok().and_then(|text| text.parse().ok()) {
            Some(number) => return number,
            None => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}

async fn ended(number: u64) {
    while lives(number) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether it runs: what nobody has waited for yet does not.
fn lives(number: u64) -> bool {
    let status = std::process::Command::new("ps").args(["-o", "stat=", "-p", &number.to_string()]).output();
    let status = String::from_utf8(status.unwrap().stdout).unwrap();
    !status.trim().is_empty() && !status.trim().starts_with('Z')
}

fn kill(number: u64) {
    std::process::Command::new("kill").args(["-9", &number.to_string()]).status().unwrap();
}

type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()> + Send>>);

macro_rules! tests {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), || Box::pin($name()))),*] };
}

const TESTS: &[Test] = tests![
    a_worker_does_one_job_after_another,
    a_worker_that_panics_dies_or_prints_is_replaced_and_says_why,
    one_that_died_while_it_waited_is_not_asked,
    a_job_ends_with_its_call_however_that_ends,
    no_more_work_at_once_than_may_and_whoever_waits_comes_in_turn,
    workers_end_with_their_pool,
    a_worker_gets_no_key_and_what_it_is_given,
    a_program_that_is_not_there_is_named,
    a_worker_ends_when_our_process_is_killed,
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("worker") => return jobs().serve().unwrap(),
        Some("spin") => return run(spin(arguments[1].clone())),
        _ => {}
    }
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_list = arguments.iter().any(|argument| argument == "--list");
    for (name, test) in TESTS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted))) {
        if is_list {
            println!("{name}: test");
            continue;
        }
        // A panic ends the program, and cargo says that it failed.
        run(async {
            let ended = tokio::time::timeout(Duration::from_secs(60), test()).await;
            assert!(ended.is_ok(), "{name} hangs");
        });
        println!("test {name} ... ok");
    }
}
