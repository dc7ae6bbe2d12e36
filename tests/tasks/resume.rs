//! Restart mode *resume*: what an attempt has paid for the next one has; by default it pays again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use skep::testkit::{Lab, Point, TestResult};
use skep::{Agent, AgentError, AgentSpec, Backoff, Context, RestartMode, Usage, What};

use super::forest::ms;

/// Asks a provider that never says the same twice, and counts what it bills.
struct Reader {
    bills: Arc<AtomicU64>,
}

#[derive(Clone, Serialize, Deserialize)]
enum Read {
    /// Each page, with a step after each.
    InTurn(Vec<String>),
    /// Each page in a branch of its own, as slowly as it says.
    AtOnce(Vec<(String, u64)>),
    /// With the last error in what it asks.
    WithError,
    /// A page that fails the first time, and then a step.
    FailsOnce,
}

impl Reader {
    async fn page(&self, cx: &Context, input: &str, takes: u64) -> Result<u64, AgentError> {
        let bills = &self.bills;
        let read = |call: skep::Call| async move {
            cx.env().sleep_until(cx.now() + ms(takes)).await;
            call.used(Usage::calls(1));
            Ok(bills.fetch_add(1, Ordering::SeqCst) + 1)
        };
        Ok(cx.effect("read", input).worst_case(Usage::calls(1)).run(read).await?)
    }
}

impl Agent for Reader {
    type Task = Read;
    type Output = Vec<u64>;

    async fn handle(&mut self, task: &Read, cx: &Context) -> Result<Vec<u64>, AgentError> {
        let mut answers = Vec::new();
        match task {
            Read::InTurn(pages) => {
                for page in pages {
                    answers.push(self.page(cx, page, 1).await?);
                    cx.step("read").await?;
                }
            }
            Read::AtOnce(pages) => {
                let reads = pages.iter().enumerate().map(|(at, (page, takes))| {
                    let branch = cx.branch(&at.to_string());
                    let reader = &*self;
                    async move { reader.page(&branch, page, *takes).await }
                });
                let all = futures(reads).await;
                cx.step("read").await?;
                answers = all.into_iter().collect::<Result<_, _>>()?;
            }
            Read::WithError => {
                let error = cx.last_error().map(ToString::to_string).unwrap_or_default();
                answers.push(self.page(cx, &error, 1).await?);
                cx.step("read").await?;
            }
            Read::FailsOnce => {
                let bills = &self.bills;
                let fails = |call: skep::Call| async move {
                    call.used(Usage::calls(1));
                    match bills.fetch_add(1, Ordering::SeqCst) {
                        0 => Err(AgentError::message("not today")),
                        before => Ok(before + 1),
                    }
                };
                let effect = cx.effect("read", "page").worst_case(Usage::calls(1));
                answers.extend(effect.run(fails).await.ok());
                cx.step("read").await?;
            }
        }
        Ok(answers)
    }
}

/// All of them side by side, their answers in their order.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut open: Vec<_> = all.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, answer) in &mut open {
            if answer.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *answer = Some(value);
            }
        }
        let is_over = open.iter().all(|(_, answer)| answer.is_some());
        if is_over { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    open.into_iter().filter_map(|(_, answer)| answer).collect()
}

fn reader(mode: RestartMode) -> (AgentSpec<Reader>, Arc<AtomicU64>) {
    let bills = Arc::<AtomicU64>::default();
    let provider = Arc::clone(&bills);
    let spec = AgentSpec::new("reader", move || Reader { bills: Arc::clone(&provider) });
    (spec.restart_mode(mode), bills)
}

fn pages(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[skep::swarm_test(seeds = 40)]
async fn an_attempt_after_a_crash_has_what_was_paid_for(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("read").nth(3).panics());
    let swarm = lab.start().await;
    let (spec, bills) = reader(RestartMode::Resume);
    let reader = swarm.spawn(spec).await?;
    // Two pages are the same, and are read twice all the same.
    let answers = reader.ask(Read::InTurn(pages(&["a", "b", "b", "c"]))).await?;
    assert_eq!(answers, [1, 2, 3, 4]);
    assert_eq!(bills.load(Ordering::SeqCst), 4, "no page was paid for twice");
    assert_eq!(reader.cost().spent.calls, 4);
    let answers = reader.ask(Read::InTurn(pages(&["a"]))).await?;
    assert_eq!(answers, [5], "another task has nothing of this one");
    let history = lab.end(swarm).await;
    let recalled = |what: &What| matches!(what, What::EffectRecalled { kind } if kind == "read");
    assert_eq!(history.events().iter().filter(|event| recalled(&event.what)).count(), 3);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn by_default_an_attempt_makes_its_effects_again(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("read").nth(3).panics());
    let swarm = lab.start().await;
    let (spec, bills) = reader(RestartMode::Anew);
    let reader = swarm.spawn(spec).await?;
    assert_eq!(reader.ask(Read::InTurn(pages(&["a", "b", "c", "d"]))).await?, [4, 5, 6, 7]);
    assert_eq!((bills.load(Ordering::SeqCst), reader.cost().spent.calls), (7, 7));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 40)]
async fn side_by_side_each_branch_has_its_own_again(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let lab = lab.fault(Point::step("read").nth(1).panics()).fault(Point::step("read").nth(2).panics());
    let swarm = lab.start().await;
    let (spec, bills) = reader(RestartMode::Resume);
    let reader = swarm.spawn(spec.backoff(Backoff::default())).await?;
    let all: Vec<_> = (0..5).map(|_| ("page".to_owned(), dice.below(50))).collect();
    let mut by_time: Vec<_> = all.iter().map(|(_, takes)| *takes).enumerate().collect();
    by_time.sort_by_key(|(_, takes)| *takes);
    let answers = reader.ask(Read::AtOnce(all.clone())).await?;
    assert_eq!(bills.load(Ordering::SeqCst), 5);
    let mut in_order: Vec<_> = answers.clone();
    in_order.sort_unstable();
    assert_eq!(in_order, [1, 2, 3, 4, 5]);
    for pair in by_time.windows(2).filter(|pair| pair[0].1 < pair[1].1) {
        assert!(
            answers[pair[0].0] < answers[pair[1].0],
            "who was answered first is in its own place: {all:?} {answers:?}"
        );
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_asks_something_else_or_had_failed_is_made(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("read").nth(1).panics()).fault(Point::step("read").nth(3).panics());
    let swarm = lab.start().await;
    let (spec, bills) = reader(RestartMode::Resume);
    let reader = swarm.spawn(spec).await?;
    assert_eq!(reader.ask(Read::WithError).await?, [2], "the second asked with the error in it");
    bills.store(0, Ordering::SeqCst);
    // Two crashes at once would be more than the root bears.
    tokio::time::sleep(ms(6_000)).await;
    assert_eq!(reader.ask(Read::FailsOnce).await?, [2], "a failure was not kept");
    lab.end(swarm).await;
    Ok(())
}
