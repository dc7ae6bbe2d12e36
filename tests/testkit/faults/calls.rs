//! What the other side of a call does: it is late, turns away, fails, breaks off or talks nonsense; and what an agent sees of it.

use serde::{Deserialize, Serialize};
use skep::actors::model::{Chunk, Prices};
use skep::actors::{CallModel as _, Scripted, Tools as _};
use skep::testkit::{Lab, Point, TestResult};
use skep::{
    Advice, Agent, AgentError, AgentRef, AgentSpec, AskError, Context, FailureClass, Repeat, Retry, Swarm,
    Time, Usage, What,
};

use crate::forest::ms;

#[derive(Clone, Serialize, Deserialize)]
enum Job {
    /// An effect with so many tries, where they are advised.
    Call(u32),
    /// A model's reply with so many tries.
    Write(u32),
    /// The same chunk by chunk.
    Stream,
    /// A tool.
    Search,
}

struct Clerk;

impl Agent for Clerk {
    type Task = Job;
    type Output = String;

    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<String, AgentError> {
        match job {
            Job::Call(tries) => {
                let env = cx.env();
                let call = cx.effect("call", "").worst_case(Usage::calls(1)).repeat(Repeat::Idempotent);
                let call = call.retry(Retry::times(*tries).if_advised().backoff(ms(10), ms(10)));
                let call = call.run(|call| async move {
                    env.sleep_until(env.now() + ms(100)).await;
                    call.used(Usage::calls(1));
                    Ok(call.number())
                });
                Ok(format!("try {}", call.await?))
            }
            Job::Write(tries) => {
                Ok(cx.model("fast").tries(*tries).silence(ms(2_000)).ask("write").await?.text)
            }
            Job::Stream => {
                let (mut stream, mut text) = (cx.model("fast").stream("write"), String::new());
                while let Some(chunk) = stream.next().await {
                    if let Chunk::Text(more) = chunk? {
                        text += &more;
                    }
                }
                Ok(text)
            }
            Job::Search => {
                let found = cx.tools().grep("tests").search("no file has it", "swarm/main.rs", 9, 1).await?;
                Ok(format!("{found:?}"))
            }
        }
    }
}

async fn clerk(lab: &Lab) -> (Swarm, AgentRef<Clerk>) {
    let swarm = lab.start().await;
    let clerk = swarm.spawn(AgentSpec::new("clerk", || Clerk)).await.unwrap();
    (swarm, clerk)
}

fn failed<T>(answer: Result<String, AskError<T>>) -> AgentError {
    match answer {
        Err(AskError::Failed(_, error)) => error,
        Err(other) => panic!("{other}"),
        Ok(text) => panic!("it was answered: {text}"),
    }
}

#[skep::swarm_test(seeds = 20)]
async fn an_effect_that_is_turned_away_comes_again_when_it_is_told_to(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::effect("call").nth(1).rate_limits(ms(4_000)));
    let (swarm, clerk) = clerk(&lab).await;
    assert_eq!(clerk.ask(Job::Call(2)).await?, "try 2");
    assert_eq!(swarm.env().now(), Time::ZERO + ms(4_100));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("effect_retried"), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn without_another_try_the_agent_sees_what_the_other_side_did(lab: Lab) -> TestResult {
    let point = || Point::effect("call");
    for (rule, class, advice, text) in [
        (point().rate_limits(ms(4_000)), FailureClass::Overloaded, Advice::After(ms(4_000)), "(429)"),
        (point().answers(502), FailureClass::Failed, Advice::Now, "(502)"),
        (point().times_out(), FailureClass::Deadline, Advice::Now, "timed out"),
        (point().cuts(), FailureClass::Failed, Advice::Now, "cut off"),
        (point().garbles(), FailureClass::Failed, Advice::Now, "cannot be read"),
    ] {
        let lab = Lab::seed(lab.which_seed()).fault(rule);
        let (swarm, clerk) = clerk(&lab).await;
        let error = failed(clerk.ask(Job::Call(1)).await);
        assert_eq!((error.class(), error.advice()), (class, advice), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        lab.end(swarm).await;
    }
    Ok(())
}

fn model() -> Scripted {
    Scripted::lines(["one two three", "four five six", "seven"])
        .prices(Prices::per_million("1", "1").unwrap())
}

#[skep::swarm_test(seeds = 10)]
async fn a_model_that_is_turned_away_late_silent_or_broken_is_asked_again(lab: Lab) -> TestResult {
    let point = || Point::model("fast").nth(1);
    // Whether the provider has said anything, and so what its first try was billed.
    for (rule, after, text, is_billed) in [
        (point().rate_limits(ms(3_000)), 3_000, "one two three", false),
        (point().answers(503), 1_000, "one two three", false),
        (point().answers(500), 0, "one two three", true),
        (point().times_out(), 2_000, "one two three", true),
        (point().cuts(), 0, "four five six", true),
        (point().slows(ms(1_500)), 1_500, "one two three", false),
    ] {
        let lab = Lab::seed(lab.which_seed()).fault(rule.clone()).model("fast", model());
        let (swarm, clerk) = clerk(&lab).await;
        assert_eq!(clerk.ask(Job::Write(2)).await?, text, "{rule}");
        let took = swarm.env().now();
        assert!(took >= Time::ZERO + ms(after), "{rule}: {took}");
        let is_retried = !matches!(rule.action, skep::fault::Fault::Slow(_));
        let history = lab.end(swarm).await;
        assert_eq!(history.count("effect_retried"), usize::from(is_retried), "{rule}");
        let estimated = history
            .events()
            .iter()
            .any(|event| matches!(event.what, What::EffectEnded { estimated: true, .. }));
        assert_eq!(estimated, is_billed, "{rule}");
    }
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_model_that_talks_nonsense_is_answered_for_by_its_agent(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::model("*").garbles()).model("fast", model());
    let (swarm, clerk) = clerk(&lab).await;
    assert_eq!(clerk.ask(Job::Write(1)).await?, "#############", "as long, and no word of it");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_stream_that_breaks_off_after_its_first_chunk_has_no_second_try(lab: Lab) -> TestResult {
    let script = model();
    let lab = lab.fault(Point::model("fast").cuts()).model("fast", script.clone());
    let (swarm, clerk) = clerk(&lab).await;
    let error = failed(clerk.ask(Job::Stream).await);
    assert!(error.to_string().contains("cut off"), "{error}");
    assert_eq!(script.requests().len(), 1);
    assert_eq!((script.traffic().open, script.traffic().hung_up), (0, 1), "its connection is closed");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_tool_fails_or_hangs_as_the_plan_says(lab: Lab) -> TestResult {
    let fails = Point::effect("grep").fails(AgentError::message("no such disk"));
    let world = Lab::seed(lab.which_seed()).fault(fails);
    let (swarm, agent) = clerk(&world).await;
    let error = failed(agent.ask(Job::Search).await);
    assert!(error.to_string().contains("no such disk"), "{error}");
    world.end(swarm).await;

    let world = Lab::seed(lab.which_seed()).fault(Point::effect("grep").hangs());
    let (swarm, agent) = clerk(&world).await;
    let error = failed(agent.ask(Job::Search).within(ms(600_000)).await);
    assert_eq!(error.class(), FailureClass::Deadline, "{error}");
    assert!(swarm.env().now() > Time::ZERO + ms(1_000), "it had its time, in every try");
    world.end(swarm).await;
    Ok(())
}
