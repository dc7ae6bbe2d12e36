//! P2 with models: whatever models stream, cost and are cut off in, the bill is exact and the budget is hard.

use std::time::Duration;

use skep::actors::model::{Answer, Prices, Simulated, Tokens};
use skep::actors::{ModelAgent, Models, Scripted};
use skep::testkit::{Lab, TestResult};
use skep::{AskError, Budget, FailureClass, NanoUsd, Stop, What, spawn_many};

use super::forest::ms;

/// Dollars a million, so that a token costs a thousand nano-dollars.
fn prices() -> Prices {
    Prices::per_million("1", "1").unwrap()
}

/// Spent is what was booked, effect by effect; and no more than the budget and what was billed beyond the worst case.
fn exact(history: &skep::testkit::History, budget: NanoUsd, spent: NanoUsd) {
    let (mut booked, mut over) = (0, 0);
    for event in history.events() {
        match &event.what {
            What::EffectEnded { used, .. } | What::EffectRetried { used, .. } => booked += used.money.0,
            What::Overrun { over: more, .. } => over += more.money.0,
            _ => {}
        }
    }
    assert_eq!(booked, spent.0, "each booking once");
    assert!(spent.0 <= budget.0 + over, "{spent} of {budget}, {over} over");
}

#[skep::swarm_test(seeds = 20)]
async fn a_budget_under_sixty_four_streaming_agents_is_never_overspent(lab: Lab) -> TestResult {
    let model = Simulated::new().prices(prices()).output_tokens(10..=300).calls_tools(0).cuts(100);
    let model = model.rate_limits(50, ms(500)).withholds_usage(100);
    // Some of them fit at a time, and all of them never.
    let budget = NanoUsd(20_000_000);
    let swarm = lab
        .start_with(|builder| {
            builder.resource(Models::new().with("sim", model.clone())).budget(Budget::new().money(budget))
        })
        .await;
    let agent = ModelAgent::new("sim").max_output_tokens(300);
    let specs = (0..64).map(|number| agent.clone().spec(format!("writer-{number}")));
    let writers: Vec<_> = spawn_many(&swarm, specs).await.into_iter().map(Result::unwrap).collect();
    let asks = writers.iter().map(|writer| writer.ask("Write.".into()).within(Duration::from_secs(600)));
    let said = futures_util::future::join_all(asks).await;
    let refused = |error: &AskError<_>| matches!(error, AskError::Failed(_, error) if error.class() == FailureClass::OverBudget);
    let refusals = said.iter().filter(|said| said.as_ref().err().is_some_and(refused)).count();
    assert!(refusals > 0 && said.iter().any(Result::is_ok), "{refusals} of 64 refused");
    let spent = swarm.cost().spent.money;
    assert_eq!((swarm.cost().reserved.money, model.traffic().open), (NanoUsd(0), 0));
    exact(&lab.end(swarm).await, budget, spent);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_in_the_middle_of_sixty_four_streams_books_what_had_come_as_estimated(lab: Lab) -> TestResult {
    let model = Simulated::new().prices(prices()).output_tokens(200..=300).tokens_a_second(20).calls_tools(0);
    let budget = NanoUsd(10_000_000_000);
    let swarm = lab
        .start_with(|builder| {
            builder.resource(Models::new().with("sim", model.clone())).budget(Budget::new().money(budget))
        })
        .await;
    let specs = (0..64).map(|number| ModelAgent::new("sim").spec(format!("writer-{number}")));
    let writers: Vec<_> = spawn_many(&swarm, specs).await.into_iter().map(Result::unwrap).collect();
    let asks: Vec<_> = writers.iter().map(|writer| tokio::spawn(writer.ask("Write.".into()))).collect();
    tokio::time::sleep(ms(6_000)).await;
    let open = model.traffic().open;
    assert!(open > 32, "{open} are streaming");
    for writer in &writers {
        assert!(writer.stop(Stop::within(ms(1_000))).await.nothing_left());
    }
    assert_eq!(model.traffic().open, 0, "each stream was closed");
    for ask in asks {
        drop(ask.await);
    }
    let spent = swarm.cost().spent.money;
    assert!(spent.0 > 0 && swarm.cost().reserved.money == NanoUsd(0));
    let history = lab.end(swarm).await;
    let guesses = history
        .events()
        .iter()
        .filter(|event| matches!(event.what, What::EffectEnded { estimated: true, .. }));
    assert!(guesses.count() as u64 >= open);
    exact(&history, budget, spent);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_provider_that_bills_more_than_was_asked_for_is_an_overrun_and_closes_the_budget(
    lab: Lab,
) -> TestResult {
    let more = Answer::says("Much.").using(Tokens::inclusive(10, 0, 1_000_000));
    let model = Scripted::new().prices(prices()).answers(more).says("Again.");
    let budget = NanoUsd(100_000_000);
    let swarm = lab
        .start_with(|builder| {
            builder.resource(Models::new().with("dear", model.clone())).budget(Budget::new().money(budget))
        })
        .await;
    let writer = swarm.spawn(ModelAgent::new("dear").max_output_tokens(100).spec("writer")).await?;
    assert_eq!(writer.ask("Write.".into()).await?, "Much.");
    let refused = writer.ask("Write.".into()).await.unwrap_err();
    assert!(matches!(refused, AskError::Failed(_, error) if error.class() == FailureClass::OverBudget));
    assert_eq!(model.requests().len(), 1, "nothing was sent");
    let spent = swarm.cost().spent.money;
    assert_eq!(spent, NanoUsd(1_000_010_000));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("overrun"), 1);
    exact(&history, budget, spent);
    Ok(())
}
