//! `hold_deadlines`: clocks stand with the agents they belong to, and go on from there.

use skep::testkit::{Lab, TestResult};
use skep::{AgentError, AskError, Outcome, Pause};

use super::{ended, pays, sleep};
use crate::forest::{Act, Imp, ms};
use skep::event::EffectEnd;

fn held() -> Pause {
    Pause::at_next_await().hold_deadlines()
}

#[skep::swarm_test(seeds = 20)]
async fn deadlines_of_tasks_move_by_as_long_as_the_pause_stands(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    // One that is done in time and one that is not, pause or no pause; one that comes while it stands.
    let running = tokio::spawn(imp.ask(vec![Act::SleepDeaf(600), Act::SleepDeaf(300)]).within(ms(1_000)));
    let late = tokio::spawn(imp.ask(vec![Act::Sleep(5_000)]).within(ms(2_000)));
    sleep(500).await;
    let receipt = imp.pause(held()).await?;
    assert!(receipt.is_quiet() && receipt.deadlines().is_empty(), "{receipt}");
    let queued = tokio::spawn(imp.ask(vec![Act::SleepDeaf(100)]).within(ms(3_000)));
    sleep(60_000).await;
    assert_eq!(imp.status().queued, 2);
    let resumed = swarm.env().now();
    drop(imp.resume()?);
    assert_eq!(running.await??, 0);
    assert!(matches!(late.await?, Err(AskError::Expired(_))));
    assert_eq!(swarm.env().now().since(resumed), ms(1_500), "half a second of its two had passed");
    assert_eq!(queued.await??, 0);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("imp"), [Outcome::Done, Outcome::Expired, Outcome::Done]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn an_ask_of_a_held_agent_waits_for_an_answer_from_outside_the_pause(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let beside = swarm.spawn(Imp::spec("beside")).await?;
    let asks = Imp::with("asks", super::Start::Ready, super::Hook::Ready, Some(beside.clone()));
    let asks = swarm.spawn(asks).await?;
    let answer = tokio::spawn(asks.ask(vec![Act::Ask(vec![Act::Sleep(5_000)], 2_000)]).within(ms(60_000)));
    sleep(1_000).await;
    drop(asks.pause(held()).await?);
    // The answer comes while the clock of the asker stands; without that it would be too late.
    sleep(10_000).await;
    drop(asks.resume()?);
    assert_eq!(answer.await??, 0);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("beside"), [Outcome::Done]);
    Ok(())
}

/// What works for an agent whose clock stands has as much time as the agent has.
#[skep::swarm_test(seeds = 20)]
async fn the_effects_of_a_turn_have_the_time_that_its_asker_has(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let beside = swarm.spawn(Imp::spec("beside")).await?;
    let asks = Imp::with("asks", super::Start::Ready, super::Hook::Ready, Some(beside.clone()));
    let asks = swarm.spawn(asks).await?;
    let work = vec![Act::SleepDeaf(3_000), pays(100, false), Act::SleepDeaf(10_000), pays(100, false)];
    let answer = tokio::spawn(asks.ask(vec![Act::Ask(work, 2_000)]).within(ms(60_000)));
    sleep(1_000).await;
    drop(asks.pause(held()).await?);
    // One is made while the asker's clock stands, and one when it has gone on.
    sleep(11_500).await;
    drop(asks.resume()?);
    answer.await??;
    let history = lab.end(swarm).await;
    assert_eq!(
        (history.outcomes("beside"), ended(&history, "beside", EffectEnd::Done)),
        (vec![Outcome::Done], 2)
    );
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn the_deadline_of_an_effect_moves_where_the_pause_holds_it(lab: Lab) -> TestResult {
    for (holds, outcome) in [(true, Outcome::Done), (false, Outcome::Failed)] {
        let lab = Lab::seed(lab.which_seed());
        let swarm = lab.start_with(|builder| builder.permits("call-0", 1)).await;
        let (first, second) =
            (swarm.spawn(Imp::spec("first")).await?, swarm.spawn(Imp::spec("second")).await?);
        let busy = tokio::spawn(first.ask(vec![pays(500, false)]));
        sleep(10).await;
        // It waits for the permit, with 900 ms to its deadline.
        let waits = tokio::spawn(second.ask(vec![pays(100, false)]).within(ms(60_000)));
        sleep(100).await;
        let pause = if holds { held() } else { Pause::at_next_await() };
        assert!(second.pause(pause).await?.is_quiet());
        sleep(2_000).await;
        drop(second.resume()?);
        assert_eq!(waits.await?.is_ok(), holds);
        assert_eq!(busy.await??, 1);
        assert_eq!(lab.end(swarm).await.outcomes("second"), [outcome]);
    }
    Ok(())
}

/// A call that is out is not held, and neither is its deadline: else one that hangs would keep its agent from being quiet.
#[skep::swarm_test(seeds = 20)]
async fn the_deadline_of_a_call_in_flight_goes_on(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer = tokio::spawn(imp.ask(vec![pays(60_000, false)]).within(ms(120_000)));
    sleep(100).await;
    let receipt = imp.pause(held()).await?;
    assert!(receipt.is_quiet() && receipt.took() <= ms(900), "{receipt}");
    drop(imp.resume()?);
    let error: Result<_, AskError<_>> = answer.await?;
    assert!(
        matches!(error, Err(AskError::Failed(_, error)) if error.class() == skep::FailureClass::Deadline)
    );
    let history = lab.end(swarm).await;
    assert_eq!(ended(&history, "imp", EffectEnd::Expired), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_clock_goes_on_when_the_pause_that_held_it_is_lifted_though_another_stands(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let [top, middle, _] = super::three(&swarm).await?;
    let answer = tokio::spawn(middle.ask(vec![Act::Sleep(100)]).within(ms(1_000)));
    sleep(50).await;
    drop(middle.pause(Pause::now()).await?);
    drop(top.pause(held()).await?);
    sleep(10_000).await;
    assert!(!answer.is_finished());
    drop(top.resume()?);
    let resumed = swarm.env().now();
    let answer: Result<u64, AskError<_>> = answer.await?;
    assert!(matches!(answer, Err(AskError::Expired(_))));
    assert_eq!(swarm.env().now().since(resumed), ms(950));
    lab.end(swarm).await;
    Ok(())
}

/// Many short pauses: what a deadline has left is what it had less what was worked.
#[skep::swarm_test(seeds = 50)]
async fn pauses_add_up_to_the_nanosecond(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start().await;
    let imp = swarm.spawn(Imp::spec("imp")).await?;
    let answer = tokio::spawn(imp.ask(vec![Act::Hang]).within(ms(2_000)));
    let mut left = 2_000;
    let began = swarm.env().now();
    let mut stood = 0;
    while left > 400 {
        let (works, stands) = (dice.between(1, 300), dice.between(1, 700));
        sleep(works).await;
        drop(imp.pause(held()).await?);
        sleep(stands).await;
        drop(imp.resume()?);
        left -= works;
        stood += stands;
    }
    let answer: Result<u64, AskError<_>> = answer.await?;
    let error = AgentError::from(answer.expect_err("it hangs"));
    assert_eq!(error.class(), skep::FailureClass::Deadline);
    assert_eq!(swarm.env().now().since(began), ms(2_000 + stood));
    lab.end(swarm).await;
    Ok(())
}
