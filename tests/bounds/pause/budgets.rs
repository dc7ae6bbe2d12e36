//! A budget that pauses its subtree and asks.

use skep::error::GrantError;
use skep::event::Need;
use skep::pause::PausedBy;
use skep::testkit::{Lab, TestResult};
use skep::{AgentState, Budget, OnRefusal, Outcome, Stop, What};

use super::{pays, sleep};
use crate::forest::{Act, Imp, ms};

fn asks(calls: u64) -> Budget {
    Budget::new().calls(calls).on_refusal(OnRefusal::Pause)
}

#[skep::swarm_test(seeds = 20)]
async fn a_budget_pauses_its_subtree_until_somebody_grants_more_and_resumes(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm.spawn(Imp::spec("top").budget(asks(3)).child(Imp::spec("low"))).await?;
    let low = swarm.agent::<Imp>("low")?;
    // Two calls are reserved at a time and one is used: the third time there is room for one.
    let answer =
        tokio::spawn(low.ask(vec![pays(10, false), pays(10, false), pays(10, false)]).within(ms(1_000)));
    sleep(500).await;
    assert_eq!((top.state(), low.state()), (AgentState::Paused, AgentState::Paused));
    let Some(PausedBy { agent, need: Some(need) }) = low.status().paused else {
        panic!("{:?}", low.status())
    };
    let line = format!(
        "{} needs more for call-0: {} has 1 call left of its budget, and 2 calls are wanted",
        low.id(),
        top.id()
    );
    assert_eq!((&agent, need.to_string()), (top.id(), line));
    // Long after the ask's deadline, whose clock stands.
    sleep(3_600_000).await;
    assert_eq!(low.grant(Budget::new().calls(1)), Err(GrantError::NoBudget { agent: low.id().clone() }));
    let bounded = swarm.spawn(Imp::spec("bounded").max_children(3)).await?;
    assert!(matches!(bounded.grant(Budget::new().calls(1)), Err(GrantError::NoBudget { .. })));
    assert!(matches!(top.grant(Budget::usd("two")), Err(GrantError::Bad { .. })));
    // A resume alone does not help.
    drop(top.resume()?);
    sleep(10).await;
    assert_eq!((low.state(), low.cost().spent.calls), (AgentState::Paused, 2));
    top.grant(Budget::new().calls(1))?;
    drop(top.resume()?);
    assert_eq!(answer.await??, 3);
    assert!(low.status().paused.is_none());
    let history = lab.end(swarm).await;
    let needs = |what: &What| matches!(what, What::PauseBegan { need: Some(_), .. });
    assert_eq!(history.events().iter().filter(|event| needs(&event.what)).count(), 2);
    assert_eq!((history.count("budget_granted"), history.outcomes("low")), (1, vec![Outcome::Done]));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_waits_for_a_grant_can_be_stopped(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let top = swarm.spawn(Imp::spec("top").budget(asks(1))).await?;
    let answer = tokio::spawn(top.ask(vec![pays(10, false)]));
    sleep(100).await;
    assert_eq!(top.state(), AgentState::Paused);
    let receipt = top.stop(Stop::default()).await;
    assert!(receipt.is_clean() && receipt.took() < ms(10), "{receipt}");
    assert!(answer.await?.is_err());
    assert_eq!(top.grant(Budget::new().calls(9)), Err(GrantError::Ended { agent: top.id().clone() }));
    lab.saw(&receipt);
    lab.end(swarm).await;
    Ok(())
}

/// Children that race for the rest are paused together, and each gets its own when there is enough for all.
#[skep::swarm_test(seeds = 50)]
async fn a_race_for_a_budget_that_asks_loses_nothing(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let swarm = lab.start_with(|builder| builder.budget(asks(4))).await;
    let acts =
        |dice: &mut skep::testkit::Dice| (0..3).map(|_| pays(dice.below(50), false)).collect::<Vec<Act>>();
    let mut imps = Vec::new();
    for number in 0..dice.between(2, 6) {
        imps.push(swarm.spawn(Imp::spec(format!("imp-{number}"))).await?);
    }
    let ask = |imp: &skep::AgentRef<Imp>| tokio::spawn(imp.ask(acts(&mut dice)).within(ms(2_000)));
    let answers: Vec<_> = imps.iter().map(ask).collect();
    while answers.iter().any(|answer| !answer.is_finished()) {
        sleep(dice.between(1, 200)).await;
        if swarm.resume().is_ok() {
            swarm.grant(Budget::new().calls(dice.below(4)))?;
        }
    }
    for answer in answers {
        assert_eq!(answer.await??, 3);
    }
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_no_grant_could_help_fails_under_a_budget_that_asks(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let money = Budget::usd("1").on_refusal(OnRefusal::Pause);
    let top = swarm.spawn(skep::AgentSpec::new("top", || Unbounded).budget(money)).await?;
    assert!(top.ask(()).await.is_err());
    assert_eq!(top.state(), AgentState::Idle);
    lab.end(swarm).await;
    Ok(())
}

/// An effect that states no worst case.
struct Unbounded;

impl skep::Agent for Unbounded {
    type Task = ();
    type Output = ();
    async fn handle(&mut self, (): &(), cx: &skep::Context) -> Result<(), skep::AgentError> {
        Ok(cx.effect("open", ()).unbounded().run(|_| std::future::ready(Ok(()))).await?)
    }
}

#[test]
fn a_need_can_be_written_down() {
    let text = r#"{"agent":"s.1.2","kind":"model","refusal":{"ancestor":"s.1","amount":"calls","wanted":2,"left":1,"policy":"pause"}}"#;
    let need: Need = serde_json::from_str(text).unwrap();
    let again = serde_json::from_str::<Need>(&serde_json::to_string(&need).unwrap()).unwrap();
    assert_eq!((again, need.refusal.left), (need.clone(), 1));
}
