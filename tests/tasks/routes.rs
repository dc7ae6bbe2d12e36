//! Tiers and replicas: who is called for a name, and who after it when that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skep::actors::limit::{AtOnce, Breaker, Rate};
use skep::actors::model::{Answer, Chunk, Chunks, Model, ModelError, Models, Prices, Request, Scripted};
use skep::actors::{CallModel as _, Reply};
use skep::effect::Link;
use skep::testkit::{Lab, Point, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentSpec, Ceiling, Context, Env, Pause, RestartMode, Swarm, SwarmBuilder,
    What,
};

use super::forest::ms;

/// Asks a model by its name, as a stream if told, and takes a step after it.
struct Asks;

impl Asks {
    fn spec(name: &str) -> AgentSpec<Self> {
        AgentSpec::new(name, || Self)
    }
}

impl Agent for Asks {
    type Task = (String, bool);
    type Output = (String, u64);

    async fn handle(
        &mut self,
        (model, streams): &(String, bool),
        cx: &Context,
    ) -> Result<(String, u64), AgentError> {
        let call = cx.model(model).max_output_tokens(100);
        let reply: Reply =
            if *streams { call.stream("Why?").reply().await? } else { call.ask("Why?").await? };
        cx.step("answered").await?;
        Ok((reply.text, reply.usage.calls))
    }
}

/// A model with limits and a window, around another.
struct Limited<M> {
    model: M,
    limits: Vec<Arc<dyn Link>>,
    window: Option<u64>,
}

fn limited<M: Model>(model: M) -> Limited<M> {
    Limited { model, limits: Vec::new(), window: None }
}

impl<M> Limited<M> {
    fn through(mut self, link: impl Link) -> Self {
        self.limits.push(Arc::new(link));
        self
    }
}

impl<M: Model> Model for Limited<M> {
    fn prices(&self) -> Option<Prices> {
        self.model.prices()
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        self.model.stream(request, env)
    }

    fn limits(&self) -> Vec<Arc<dyn Link>> {
        self.limits.clone()
    }

    fn window(&self) -> Option<u64> {
        self.window
    }
}

fn models(builder: SwarmBuilder, models: Models) -> SwarmBuilder {
    builder.resource(models)
}

fn failing(error: &ModelError, times: usize, then: &str) -> Scripted {
    let failed = (0..times).fold(Scripted::new(), |script, _| script.fails(error.clone()));
    failed.says(then)
}

/// The models that effects called, in order, and how each ended.
fn called(history: &skep::testkit::History) -> Vec<String> {
    let subjects = history.events().iter().filter_map(|event| match &event.what {
        What::EffectBegan { on: Some(on), .. } => on.subject.clone(),
        _ => None,
    });
    subjects.collect()
}

async fn ask(swarm: &Swarm, model: &str) -> Result<(String, u64), String> {
    let asks = swarm.spawn(Asks::spec(&format!("asks-{model}"))).await.unwrap();
    asks.ask((model.to_owned(), false))
        .within(Duration::from_secs(400))
        .await
        .map_err(|error| error.to_string())
}

#[skep::swarm_test(seeds = 10)]
async fn one_that_fails_is_followed_by_the_next_and_each_call_is_an_effect_of_its_own(
    lab: Lab,
) -> TestResult {
    let busy = ModelError::RateLimited { retry_after: Some(ms(60_000)) };
    for (error, streams) in
        [(busy, false), (ModelError::Overloaded { retry_after: None }, true), (ModelError::QuotaUsedUp, true)]
    {
        let lab = Lab::seed(lab.which_seed());
        let (first, second) = (failing(&error, 1, "late"), Scripted::lines(["from the second"]));
        let all = Models::new().with("one", first).with("two", second).tier("fast", ["one", "two"]);
        let swarm = lab.start_with(|builder| models(builder, all)).await;
        let asks = swarm.spawn(Asks::spec("asks")).await?;
        let began = swarm.env().now();
        let (text, _) = asks.ask(("fast".to_owned(), streams)).await?;
        assert_eq!(
            (text.as_str(), swarm.env().now().since(began) < ms(1_000)),
            ("from the second", true),
            "{error:?}"
        );
        assert_eq!(called(&lab.end(swarm).await), ["one", "two"]);
    }
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn whoever_is_free_first_is_waited_for(lab: Lab) -> TestResult {
    let after = |secs: u64| ModelError::RateLimited { retry_after: Some(Duration::from_secs(secs)) };
    let all = Models::new()
        .with("one", failing(&after(50), 1, "one"))
        .with("two", failing(&after(5), 1, "two"))
        .tier("fast", ["one", "two"]);
    let swarm = lab.start_with(|builder| models(builder, all)).await;
    let began = swarm.env().now();
    assert_eq!(ask(&swarm, "fast").await?.0, "two");
    assert_eq!(swarm.env().now().since(began).as_secs(), 5);
    assert_eq!(called(&lab.end(swarm).await), ["one", "two", "two"]);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_request_that_is_wrong_is_asked_of_nobody_else_and_one_too_long_of_who_has_more_room(
    lab: Lab,
) -> TestResult {
    let wrong = failing(&ModelError::Refused("HTTP 400".into()), 1, "late");
    let long = || failing(&ModelError::ContextTooLong, 1, "late");
    let of = |model, window| Limited { window: Some(window), ..limited(model) };
    let all = Models::new()
        .with("wrong", wrong)
        .with("small", of(long(), 8_000))
        .with("smaller", of(Scripted::lines(["smaller"]), 4_000))
        .with("large", of(Scripted::lines(["large"]), 100_000))
        .tier("refused", ["wrong", "large"])
        .tier("fast", ["small", "smaller", "large"])
        .tier("narrow", ["small", "smaller"]);
    let swarm = lab.start_with(|builder| models(builder, all)).await;
    assert!(ask(&swarm, "refused").await.unwrap_err().contains("HTTP 400"));
    assert_eq!(ask(&swarm, "fast").await?.0, "large");
    let history = lab.end(swarm).await;
    assert_eq!(called(&history), ["wrong", "small", "large"]);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_model_that_a_ceiling_forbids_is_passed_over(lab: Lab) -> TestResult {
    let all = Models::new()
        .with("dear", Scripted::lines(["dear"]))
        .with("cheap", Scripted::lines(["cheap"]))
        .tier("smart", ["dear", "cheap"])
        .tier("only-dear", ["dear", "nobody"]);
    let swarm = lab.start_with(|builder| models(builder, all)).await;
    let spec = Asks::spec("bounded").ceiling(Ceiling::new().models(["cheap"]));
    let bounded = swarm.spawn(spec).await?;
    assert_eq!(bounded.ask(("smart".to_owned(), false)).await?.0, "cheap");
    let error = bounded.ask(("only-dear".to_owned(), false)).await.unwrap_err().to_string();
    assert!(error.contains("ceiling"), "{error}");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn of_replicas_the_one_with_the_fewest_calls_is_called_and_another_if_it_fails(lab: Lab) -> TestResult {
    let slow = |text: &str| {
        let answer = || Answer::new().waits(ms(1_000)).text(text);
        Scripted::new().answers(answer()).answers(answer())
    };
    let all = Models::new().replicas("qwen", [slow("a"), slow("b")]);
    let swarm = lab.start_with(|builder| models(builder, all)).await;
    let mut asks = Vec::new();
    for number in 0..4 {
        let agent = swarm.spawn(Asks::spec(&format!("asks-{number}"))).await?;
        asks.push(async move { agent.ask(("qwen".to_owned(), false)).await });
    }
    let mut said: Vec<String> =
        futures_util::future::join_all(asks).await.into_iter().map(|reply| reply.unwrap().0).collect();
    said.sort();
    assert_eq!(said, ["a", "a", "b", "b"]);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_attempt_after_a_crash_has_the_answer_that_was_paid_for_whoever_gave_it(lab: Lab) -> TestResult {
    // After the crash, the first is free again: it is not asked all the same.
    let crash = lab.clone().fault(Point::step("answered").nth(1).panics());
    let (first, second) =
        (failing(&ModelError::QuotaUsedUp, 1, "from the first"), Scripted::lines(["paid", "again"]));
    let all = Models::new().with("one", first).with("two", second).tier("fast", ["one", "two"]);
    let swarm = crash.start_with(|builder| models(builder, all)).await;
    let asks = swarm.spawn(Asks::spec("asks").restart_mode(RestartMode::Resume)).await?;
    assert_eq!(asks.ask(("fast".to_owned(), false)).await?.0, "paid");
    let history = crash.end(swarm).await;
    assert_eq!(called(&history), ["one", "two"]);
    Ok(())
}

/// The second has answered, a pause holds its answer, and the agent is killed before the route has it.
#[skep::swarm_test(seeds = 20)]
async fn an_answer_that_a_pause_has_held_is_not_paid_twice_after_a_kill(lab: Lab) -> TestResult {
    let overloaded = ModelError::Overloaded { retry_after: None };
    let slow = Scripted::new().answers(Answer::new().waits(ms(1_000)).text("paid")).says("again");
    let all = Models::new()
        .with("one", failing(&overloaded, 1, "late"))
        .with("two", slow)
        .tier("fast", ["one", "two"]);
    let swarm = lab.start_with(|builder| models(builder, all)).await;
    let asks = swarm.spawn(Asks::spec("asks").restart_mode(RestartMode::Resume)).await?;
    let answer = tokio::spawn(asks.ask(("fast".to_owned(), false)));
    tokio::time::sleep(ms(500)).await;
    assert!(asks.pause(Pause::at_next_await()).await?.is_quiet());
    tokio::time::sleep(ms(1_000)).await;
    asks.kill();
    tokio::time::sleep(ms(100)).await;
    drop(asks.resume()?);
    assert_eq!(answer.await??.0, "paid");
    assert_eq!(called(&lab.end(swarm).await), ["one", "two"]);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn the_limits_of_a_model_bound_its_calls_in_every_swarm_and_its_breaker_opens(lab: Lab) -> TestResult {
    let down = Arc::new(AtomicBool::new(true));
    struct Down(Arc<AtomicBool>, Scripted);
    impl Model for Down {
        fn prices(&self) -> Option<Prices> {
            Some(Prices::FREE)
        }
        fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
            if self.0.load(Ordering::SeqCst) {
                let error = ModelError::Unreachable("refused".into());
                return Box::pin(futures_util::stream::iter([Err::<Chunk, _>(error)]));
            }
            self.1.stream(request, env)
        }
    }
    let first = Down(Arc::clone(&down), Scripted::lines(["back"]));
    let breaker = Breaker::after(2).open_for(ms(20_000));
    let first =
        limited(first).through(breaker.clone()).through(Rate::per_second(100)).through(AtOnce::new(1));
    let second = Scripted::lines(["instead", "instead", "instead", "instead"]);
    let all = Models::new().with("one", first).with("two", second).tier("fast", ["one", "two"]);
    let swarm = lab.start_with(|builder| models(builder, all.clone())).await;
    for _ in 0..3 {
        let asks = swarm.spawn(Asks::spec("asks")).await?;
        assert_eq!(asks.ask(("fast".to_owned(), false)).await?.0, "instead");
        assert!(asks.stop(skep::Stop::within(ms(1_000))).await.is_clean());
    }
    // The third was refused by the breaker, so nothing was called.
    let names: Vec<_> = swarm.links().into_iter().map(|link| link.name).collect();
    assert_eq!(names, ["breaker", "rate", "at_once"]);
    down.store(false, Ordering::SeqCst);
    tokio::time::sleep(ms(20_000)).await;
    assert_eq!(ask(&swarm, "fast").await?.0, "back");
    let calls = called(&lab.end(swarm).await);
    assert_eq!(calls, ["one", "two", "one", "two", "two", "one"]);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn when_all_fail_the_last_error_is_told_with_its_advice_and_no_name_is_called_for_ever(
    lab: Lab,
) -> TestResult {
    let busy = |secs| ModelError::RateLimited { retry_after: Some(Duration::from_secs(secs)) };
    let all = Models::new()
        .with("one", failing(&busy(1_000), 1, "late"))
        .with("two", failing(&busy(2_000), 1, "late"))
        .tier("fast", ["one", "two"])
        .tier("circle", ["circle", "fast", "fast", "one"])
        .tier("none", [""; 0]);
    let swarm = lab.start_with(|builder| models(builder, all)).await;
    let asks = swarm.spawn(Asks::spec("asks")).await?;
    let error = asks.ask(("circle".to_owned(), false)).await.unwrap_err();
    assert_eq!(error.advice(), Advice::After(Duration::from_secs(2_000)));
    let error = ask(&swarm, "none").await.unwrap_err();
    assert!(
        error.contains("no model is named \"none\"") && error.contains("circle, fast, none, one, two"),
        "{error}"
    );
    assert_eq!(called(&lab.end(swarm).await), ["one", "two", "none"]);
    Ok(())
}
