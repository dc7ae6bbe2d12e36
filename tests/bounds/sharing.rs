//! Limits that effects share: rates, permits, breakers, retries and caches, as links of the chain.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::actors::limit::{AtOnce, Breaker, By, Cache, Rate, RetryBudget};
use skep::testkit::{Lab, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentRef, AgentSpec, Budget, Call, Ceiling, Context, EffectError,
    FailureClass, Pause, Reach, Repeat, Retry, Time, Tried, Usage, spawn_many,
};

use super::forest::ms;

/// One call that a caller makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Wish {
    kind: String,
    path: String,
    repeat: Repeat,
    modifies: bool,
    tokens: u64,
    tries: u32,
}

fn wish(kind: &str) -> Wish {
    let (kind, path) = (kind.to_owned(), "/repo/a".to_owned());
    Wish { kind, path, repeat: Repeat::Pure, modifies: false, tokens: 0, tries: 1 }
}

/// The world that callers call: it takes 100 ms, uses one token, and does what it is told.
#[derive(Clone, Default)]
struct World {
    calls: Arc<AtomicU64>,
    at: Arc<Mutex<Vec<Time>>>,
    fails: Arc<Mutex<Vec<AgentError>>>,
}

impl World {
    fn calls(&self) -> u64 {
        self.calls.swap(0, Ordering::SeqCst)
    }

    fn seconds(&self) -> Vec<u64> {
        let nanos = |at: &Time| at.as_nanos() / 1_000_000_000;
        std::mem::take(&mut *self.at.lock().unwrap()).iter().map(nanos).collect()
    }

    fn fail(&self, times: usize, advice: Advice) {
        let error = AgentError::new(FailureClass::Overloaded, "busy").advise(advice);
        *self.fails.lock().unwrap() = vec![error; times];
    }
}

struct Caller(World);

impl Caller {
    fn spec(name: &str, world: &World) -> AgentSpec<Self> {
        let world = world.clone();
        AgentSpec::new(name, move || Self(world.clone()))
    }
}

type Said = Result<u64, (Advice, String)>;

impl Agent for Caller {
    type Task = Wish;
    type Output = Said;

    async fn handle(&mut self, wish: &Wish, cx: &Context) -> Result<Said, AgentError> {
        let worst = Usage::calls(1).with_tokens(wish.tokens, 0);
        let effect = cx.effect(wish.kind.as_str(), &wish.path).on(Reach::path(&wish.path)).worst_case(worst);
        let effect = effect.repeat(wish.repeat).modifies(wish.modifies).deadline(Duration::from_secs(600));
        let effect = effect.retry(Retry::times(wish.tries).backoff(ms(10), ms(10)));
        let env = cx.env().clone();
        let made = effect
            .run(|call: Call| {
                let (world, env) = (self.0.clone(), env.clone());
                async move { world.call(&call, &env).await }
            })
            .await;
        Ok(match made {
            Ok(number) => Ok(number),
            Err(error @ EffectError::Cancelled { .. }) => return Err(error.into()),
            Err(error) => Err((error.advice(), error.to_string())),
        })
    }
}

impl World {
    async fn call(&self, call: &Call, env: &skep::Env) -> Tried<u64> {
        call.used(Usage::calls(1).with_tokens(1, 0));
        self.at.lock().unwrap().push(env.now());
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(ms(100)).await;
        match self.fails.lock().unwrap().pop() {
            Some(error) => Err(error),
            None => Ok(number),
        }
    }
}

async fn callers(swarm: &skep::Swarm, world: &World, many: usize) -> Vec<AgentRef<Caller>> {
    let specs = (0..many).map(|number| Caller::spec(&format!("caller-{number}"), world));
    spawn_many(swarm, specs).await.into_iter().map(Result::unwrap).collect()
}

async fn all(callers: &[AgentRef<Caller>], wish: &Wish) -> Vec<Said> {
    let asks = callers.iter().map(|caller| caller.ask(wish.clone()).within(Duration::from_secs(600)));
    futures_util::future::join_all(asks).await.into_iter().map(Result::unwrap).collect()
}

#[skep::swarm_test(seeds = 10)]
async fn no_more_go_in_a_second_than_the_rate_allows_and_all_go(lab: Lab) -> TestResult {
    let (world, rate) = (World::default(), Rate::per_second(2).burst(1).of(["look*"]));
    let swarm = lab.start_with(|builder| builder.link(rate.clone())).await;
    let callers = callers(&swarm, &world, 6).await;
    assert!(all(&callers, &wish("look")).await.iter().all(Result::is_ok));
    assert_eq!(world.seconds(), [0, 0, 1, 1, 2, 2]);
    // Others than it is for do not wait.
    let began = swarm.env().now();
    all(&callers, &wish("other")).await;
    assert_eq!(swarm.env().now().since(began), ms(100));
    // It is seen, by its key and in the page of metrics.
    let waits = tokio::spawn({
        let callers = callers.clone();
        async move { all(&callers, &wish("look")).await }
    });
    tokio::time::sleep(ms(50)).await;
    let links = swarm.links();
    assert!(
        links.len() == 1 && links[0].name == "rate" && links[0].states[0].numbers["waiting"] >= 4,
        "{links:?}"
    );
    assert!(swarm.metrics().text().contains("skep_limit{link=\"rate\",number=\"waiting\"}"));
    waits.await?;
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_call_takes_the_tokens_that_it_may_use_and_gives_back_what_it_did_not(lab: Lab) -> TestResult {
    let world = World::default();
    let rate = Rate::per_minute(1_000).tokens(60);
    let swarm = lab.start_with(|builder| builder.link(rate)).await;
    let callers = callers(&swarm, &world, 4).await;
    // Each may use 50 and uses 1: together they would wait for minutes.
    all(&callers, &Wish { tokens: 50, ..wish("look") }).await;
    assert!(world.seconds().iter().all(|second| *second == 0));
    // One that may use more than there ever is waits until all is there.
    all(&callers[..1], &Wish { tokens: 500, ..wish("look") }).await;
    assert_eq!(world.seconds(), [4], "four tokens were used, and come back in as many seconds");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_a_provider_says_of_when_to_come_again_holds_for_all_who_share_the_rate(lab: Lab) -> TestResult {
    let (world, rate) = (World::default(), Rate::per_minute(1_000));
    let swarm = lab.start_with(|builder| builder.link(rate.clone())).await;
    let callers = callers(&swarm, &world, 3).await;
    world.fail(1, Advice::After(ms(7_000)));
    let said = all(&callers[..1], &Wish { tries: 2, ..wish("look") }).await;
    assert_eq!(said, [Ok(2)]);
    assert_eq!(world.seconds(), [0, 7]);
    world.fail(1, Advice::After(ms(5_000)));
    all(&callers[..1], &wish("look")).await;
    all(&callers[1..], &wish("look")).await;
    assert_eq!(world.seconds(), [7, 12, 12]);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_a_budget_refuses_has_taken_nothing_of_the_rate(lab: Lab) -> TestResult {
    let (world, rate) = (World::default(), Rate::per_minute(2));
    let swarm = lab.start_with(|builder| builder.link(rate)).await;
    let poor = swarm.spawn(Caller::spec("poor", &world).budget(Budget::new().tokens(1))).await?;
    for _ in 0..5 {
        let said = poor.ask(Wish { tokens: 10, ..wish("look") }).await?;
        assert!(said.is_err_and(|(_, text)| text.contains("budget") || text.contains("refused")));
    }
    let callers = callers(&swarm, &world, 2).await;
    all(&callers, &wish("look")).await;
    assert_eq!(world.seconds(), [0, 0]);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_does_not_answer_is_not_called_until_one_has_tried(lab: Lab) -> TestResult {
    let (world, breaker) = (World::default(), Breaker::after(3).open_for(ms(10_000)).by(By::Target));
    let swarm = lab.start_with(|builder| builder.link(breaker.clone())).await;
    let callers = callers(&swarm, &world, 4).await;
    world.fail(4, Advice::Now);
    all(&callers[..3], &wish("look")).await;
    assert_eq!(world.calls(), 3);
    let said = callers[0].ask(wish("look")).await?;
    let (advice, text) = said.unwrap_err();
    assert!(
        matches!(advice, Advice::After(pause) if pause <= ms(10_000)) && text.contains("breaker"),
        "{text}"
    );
    // Another target has a breaker of its own.
    world.fail(0, Advice::Now);
    assert!(callers[0].ask(Wish { path: "/repo/b".into(), ..wish("look") }).await?.is_ok());
    assert_eq!(world.calls(), 1);
    // After a while one tries, in vain, and all are refused again; the next one closes it.
    world.fail(1, Advice::Now);
    tokio::time::sleep(ms(10_000)).await;
    all(&callers, &wish("look")).await;
    assert_eq!(world.calls(), 1);
    tokio::time::sleep(ms(10_000)).await;
    assert!(callers[0].ask(wish("look")).await?.is_ok());
    assert!(all(&callers, &wish("look")).await.iter().all(Result::is_ok));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_trial_that_is_cancelled_leaves_the_next_to_try(lab: Lab) -> TestResult {
    let (world, breaker) = (World::default(), Breaker::after(1).open_for(ms(1_000)));
    let swarm = lab.start_with(|builder| builder.link(breaker)).await;
    let callers = callers(&swarm, &world, 2).await;
    world.fail(1, Advice::Now);
    all(&callers[..1], &wish("look")).await;
    tokio::time::sleep(ms(1_000)).await;
    let trial = callers[0].ask(wish("look"));
    assert!(tokio::time::timeout(ms(50), trial).await.is_err(), "it is on its way, and dropped");
    tokio::time::sleep(ms(10)).await;
    assert!(callers[1].ask(wish("look")).await?.is_ok());
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn tries_again_are_bounded_for_all_who_share_the_budget(lab: Lab) -> TestResult {
    let world = World::default();
    let swarm = lab.start_with(|builder| builder.link(RetryBudget::per_minute(5))).await;
    let callers = callers(&swarm, &world, 10).await;
    world.fail(1_000, Advice::Now);
    let said = all(&callers, &Wish { tries: 4, ..wish("look") }).await;
    assert_eq!(world.calls(), 10 + 5);
    let refused =
        said.iter().filter(|said| said.as_ref().is_err_and(|(_, text)| text.contains("retry_budget")));
    assert!(refused.count() >= 8, "{said:?}");
    world.fail(1, Advice::Now);
    tokio::time::sleep(ms(12_000)).await;
    assert!(all(&callers[..1], &Wish { tries: 2, ..wish("look") }).await[0].is_ok(), "one has come back");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn who_asks_for_what_somebody_is_out_for_waits_for_that_one(lab: Lab) -> TestResult {
    let (world, cache) = (World::default(), Cache::entries(10).ttl(ms(60_000)).of(["look"]));
    let swarm = lab.start_with(|builder| builder.link(cache.clone())).await;
    let callers = callers(&swarm, &world, 8).await;
    assert_eq!(all(&callers, &wish("look")).await, vec![Ok(1); 8]);
    assert_eq!(world.calls(), 1);
    // One that fails is nobody's result: each of those who waited tries in turn.
    world.fail(2, Advice::Now);
    let said = all(&callers, &Wish { path: "/repo/b".into(), ..wish("look") }).await;
    assert_eq!((world.calls(), said.iter().filter(|said| said.is_ok()).count()), (3, 6));
    // What may happen once is never known already, nor what it was not told to keep.
    all(&callers[..2], &Wish { repeat: Repeat::Once, ..wish("look") }).await;
    all(&callers[..2], &Wish { repeat: Repeat::Idempotent, ..wish("look") }).await;
    all(&callers[..2], &wish("see")).await;
    assert_eq!(world.calls(), 6);
    let history = lab.end(swarm).await;
    assert_eq!((history.count("effect_answered"), history.count("custom")), (7 + 5, 4));
    Ok(())
}

/// Whoever is out for a result is paused on the way, for longer than an effect may take.
#[skep::swarm_test(seeds = 10)]
async fn a_pause_of_who_is_out_for_a_result_holds_nobody_else(lab: Lab) -> TestResult {
    let (world, cache) = (World::default(), Cache::entries(10).ttl(ms(600_000)));
    let swarm = lab.start_with(|builder| builder.link(cache.clone())).await;
    let callers = callers(&swarm, &world, 4).await;
    let held = tokio::spawn(callers[0].ask(wish("look")).within(Duration::from_secs(3_600)));
    tokio::time::sleep(ms(50)).await;
    assert!(callers[0].pause(Pause::now()).await?.is_quiet());
    let began = swarm.env().now();
    let said = all(&callers[1..], &wish("look")).await;
    assert!(said.iter().all(Result::is_ok));
    assert_eq!(swarm.env().now().since(began), ms(10_100));
    assert_eq!(world.calls(), 2, "one of them went, and the others waited for that one");
    tokio::time::sleep(ms(60_000)).await;
    drop(callers[0].resume()?);
    assert!(held.await??.is_ok());
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_change_voids_what_is_known_of_it_and_so_does_time(lab: Lab) -> TestResult {
    let (world, cache) = (World::default(), Cache::entries(10).ttl(ms(60_000)).of(["look"]));
    let swarm = lab.start_with(|builder| builder.link(cache.clone())).await;
    let callers = callers(&swarm, &world, 2).await;
    let look = |path: &str| Wish { path: path.into(), ..wish("look") };
    let write = |path: &str| Wish { modifies: true, repeat: Repeat::Once, ..look(path) };
    for path in ["/repo/a", "/repo/b"] {
        all(&callers, &look(path)).await;
    }
    assert_eq!(world.calls(), 2);
    all(&callers[..1], &write("/repo/a")).await;
    for path in ["/repo/a", "/repo/b"] {
        all(&callers, &look(path)).await;
    }
    assert_eq!(world.calls(), 1 + 1, "the one that was written is looked at again");
    // A look that began before a write and ends after it is not kept.
    let (read, written) = (look("/repo/c"), write("/repo"));
    tokio::join!(all(&callers[..1], &read), all(&callers[1..], &written));
    world.calls();
    all(&callers, &look("/repo/c")).await;
    assert_eq!(world.calls(), 1);
    tokio::time::sleep(ms(60_000)).await;
    all(&callers, &look("/repo/c")).await;
    assert_eq!(world.calls(), 1);
    cache.forget("lo*");
    all(&callers, &look("/repo/c")).await;
    assert_eq!(world.calls(), 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_is_known_is_not_told_to_who_may_not_ask(lab: Lab) -> TestResult {
    let (world, cache) = (World::default(), Cache::entries(10));
    let swarm = lab.start_with(|builder| builder.link(cache)).await;
    let callers = callers(&swarm, &world, 1).await;
    all(&callers, &wish("look")).await;
    let bounded = Caller::spec("bounded", &world).ceiling(Ceiling::new().paths(["/repo/b/**"]));
    let said = swarm.spawn(bounded).await?.ask(wish("look")).await?;
    assert!(said.is_err_and(|(advice, _)| advice == Advice::Never));
    assert_eq!(world.calls(), 1);
    lab.end(swarm).await;
    Ok(())
}

/// It asks the one below it between two calls of its own.
struct Nested {
    world: World,
    depth: u32,
}

impl Nested {
    fn spec(name: String, world: &World, depth: u32) -> AgentSpec<Self> {
        let world = world.clone();
        AgentSpec::new(name, move || Self { world: world.clone(), depth })
    }

    async fn call(&self, cx: &Context) -> Result<u64, EffectError> {
        let (world, env) = (self.world.clone(), cx.env().clone());
        let effect =
            cx.effect("look", self.depth).worst_case(Usage::calls(1)).deadline(Duration::from_secs(600));
        effect
            .run(move |call: Call| {
                let (world, env) = (world.clone(), env.clone());
                async move { world.call(&call, &env).await }
            })
            .await
    }
}

impl Agent for Nested {
    type Task = ();
    type Output = u64;

    async fn handle(&mut self, (): &(), cx: &Context) -> Result<u64, AgentError> {
        let mut sum = self.call(cx).await?.min(1);
        if self.depth > 1 {
            let below = cx.spawn(Self::spec("below".into(), &self.world, self.depth - 1)).await?;
            sum += below.ask(()).within(Duration::from_secs(600)).await?;
        }
        Ok(sum + self.call(cx).await?.min(1))
    }
}

#[skep::swarm_test(seeds = 10)]
async fn more_parents_than_permits_never_starve_what_is_nested_in_them(lab: Lab) -> TestResult {
    let (world, permits) = (World::default(), AtOnce::new(2));
    let swarm = lab.start_with(|builder| builder.link(permits.clone())).await;
    let specs = (0..16).map(|number| Nested::spec(format!("top-{number}"), &world, 4));
    let tops: Vec<_> = spawn_many(&swarm, specs).await.into_iter().map(Result::unwrap).collect();
    let asks = tops.iter().map(|top| top.ask(()).within(Duration::from_secs(600)));
    for sum in futures_util::future::join_all(asks).await {
        assert_eq!(sum?, 8);
    }
    let links = swarm.links();
    assert_eq!(links[0].states[0].numbers["held"], 0, "{links:?}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn swarms_share_a_limit_whenever_they_began(lab: Lab) -> TestResult {
    let (world, rate) = (World::default(), Rate::per_second(1));
    let first = lab.start_with(|builder| builder.link(rate.clone())).await;
    tokio::time::sleep(ms(100_000)).await;
    let other = Lab::seed(lab.which_seed());
    let second = other.start_with(|builder| builder.link(rate.clone())).await;
    let (one, two) = (callers(&first, &world, 2).await, callers(&second, &world, 2).await);
    let began = first.env().now();
    let look = wish("look");
    tokio::join!(all(&one, &look), all(&two, &look));
    assert_eq!(first.env().now().since(began), ms(3_100));
    other.end(second).await;
    lab.end(first).await;
    Ok(())
}

#[tokio::test]
async fn a_limit_of_nothing_is_an_error_at_the_start() {
    let started = |builder: skep::SwarmBuilder| async { builder.start().await.unwrap_err().to_string() };
    let builder = || skep::Swarm::builder("none");
    assert!(started(builder().link(Rate::per_minute(0))).await.contains("rate"));
    assert!(started(builder().link(Rate::per_minute(1).tokens(0))).await.contains("rate"));
    assert!(started(builder().link(AtOnce::new(0))).await.contains("at_once"));
    assert!(started(builder().link(Breaker::after(0))).await.contains("breaker"));
    assert!(started(builder().link(Cache::entries(0))).await.contains("cache"));
    assert!(started(builder().link(Rate::per_minute(1).of(["a*b"]))).await.contains("`*`"));
}
