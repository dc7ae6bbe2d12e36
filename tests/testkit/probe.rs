//! Probes, the lab's time in a test's hands, and waiting for events: what is not as expected says what was there instead.

use skep::testkit::{Lab, Point, Probe, TestResult, Unexpected};
use skep::{Agent, AgentError, AgentRef, AgentSpec, Context, Outcome, Time, What};

use super::forest::ms;

type Clerk = Probe<String, u64>;

/// Asks its clerk and adds one.
struct Asker(AgentRef<Clerk>);

impl Agent for Asker {
    type Task = String;
    type Output = u64;

    async fn handle(&mut self, what: &String, cx: &Context) -> Result<u64, AgentError> {
        Ok(cx.ask(&self.0, what.clone()).within(ms(5_000)).await? + 1)
    }
}

async fn office(
    lab: &Lab,
) -> Result<(skep::Swarm, Clerk, AgentRef<Asker>), Box<dyn std::error::Error + Send + Sync>> {
    let swarm = lab.start().await;
    let clerk = Clerk::named("clerk");
    let desk = swarm.spawn(clerk.spec()).await?;
    let asker = swarm.spawn(AgentSpec::new("asker", move || Asker(desk.clone()))).await?;
    Ok((swarm, clerk, asker))
}

#[skep::swarm_test(seeds = 20)]
async fn a_probe_sees_what_it_is_asked_and_answers_when_it_is_told(lab: Lab) -> TestResult {
    let (swarm, clerk, asker) = office(&lab).await?;
    let answer = asker.try_ask("stamps".to_owned())?;
    assert_eq!(*clerk.expect(ms(1_000), |what| what == "stamps").await?, "stamps");
    clerk.expect_nothing(ms(1_000)).await?;
    assert_eq!(swarm.env().now(), Time::from(ms(1_000)), "as long as it was told, on the lab's clock");
    clerk.reply(41);
    assert_eq!(answer.await?, 42);
    // A script: what comes gets the next answer of it.
    clerk.reply(1).fail(AgentError::message("closed"));
    assert_eq!(asker.ask("ink".to_owned()).await?, 2);
    assert!(asker.ask("pens".to_owned()).await.unwrap_err().to_string().contains("closed"));
    let seen: Vec<_> = clerk.seen().iter().map(ToString::to_string).collect();
    assert_eq!(seen, ["stamps", "ink", "pens"]);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_a_probe_did_not_expect_is_named_with_what_came_before(lab: Lab) -> TestResult {
    let (swarm, clerk, asker) = office(&lab).await?;
    clerk.reply(1).reply(2);
    asker.ask("stamps".to_owned()).await?;
    asker.tell("ink".to_owned())?;
    clerk.expect(ms(100), |_| true).await?;
    let other = clerk.expect(ms(100), |what| what == "pens").await.unwrap_err();
    assert_eq!(
        other.to_string(),
        "the probe clerk got \"ink\", which is not what was expected; before that: \"stamps\""
    );
    let nothing = clerk.expect(ms(100), |_| true).await.unwrap_err();
    assert!(matches!(nothing, Unexpected::Nothing { .. }));
    assert_eq!(
        nothing.to_string(),
        "the probe clerk got nothing within 100ms; before that: \"stamps\", \"ink\""
    );
    asker.tell("pens".to_owned())?;
    let something = clerk.expect_nothing(ms(100)).await.unwrap_err();
    assert!(
        something.to_string().contains("got \"pens\" but should have got nothing for 100ms"),
        "{something:?}"
    );
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_probe_that_loses_its_turn_is_asked_again_and_keeps_its_answers(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::turn().of("clerk").nth(1).loses_cell());
    let (swarm, clerk, asker) = office(&lab).await?;
    let answer = asker.try_ask("stamps".to_owned())?;
    clerk.expect(ms(1_000), |_| true).await?;
    clerk.reply(41);
    assert_eq!(answer.await?, 42);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("clerk"), [Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn time_is_in_the_tests_hands(lab: Lab) -> TestResult {
    let (swarm, clerk, asker) = office(&lab).await?;
    let mut answer = Box::pin(asker.ask("stamps".to_owned()));
    let is_there = |answer: &mut std::pin::Pin<Box<_>>| futures_ready(answer);
    assert!(!is_there(&mut answer));
    lab.advance(ms(4_999)).await;
    assert_eq!((swarm.env().now(), is_there(&mut answer)), (Time::from(ms(4_999)), false));
    // The asker waits for five seconds; what is due at a moment is over when it has passed.
    lab.advance(ms(1)).await;
    assert!(is_there(&mut answer));
    assert_eq!(clerk.seen().len(), 1);
    drop(answer);
    lab.end(swarm).await;
    Ok(())
}

/// Whether a future is ready, without waiting for it.
fn futures_ready<F: std::future::Future + Unpin>(future: &mut F) -> bool {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut cx).is_ready()
}

#[skep::swarm_test(seeds = 20)]
async fn an_event_is_waited_for_and_found_once(lab: Lab) -> TestResult {
    let (swarm, clerk, asker) = office(&lab).await?;
    clerk.reply(1).reply(2);
    let begins =
        |event: &skep::Event| matches!(event.what, What::TurnBegan { .. }) && event.agent == *asker.id();
    asker.ask("stamps".to_owned()).await?;
    let first = lab.until(begins, ms(10)).await?;
    let missing = lab.until(begins, ms(10)).await.unwrap_err();
    assert!(!missing.is_over && missing.count > 0 && missing.to_string().contains("turn_ended"), "{missing}");
    asker.tell("ink".to_owned())?;
    let second = lab.until(begins, ms(10)).await?;
    assert!(first.seq < second.seq && second.task != first.task);
    // What follows is found behind it, and not what came before.
    let ends = lab.until(|event| matches!(event.what, What::TaskEnded { .. }), ms(1_000)).await?;
    assert!(ends.seq > second.seq);
    lab.end(swarm).await;
    let over = lab.until(begins, ms(10)).await.unwrap_err();
    assert!(over.is_over && over.to_string().contains("the swarm has ended"), "{over}");
    Ok(())
}
