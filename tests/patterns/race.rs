//! A race takes the first good answer, stops the rest, and bills them.

use std::time::Duration;

use skep::race::Raced;
use skep::{AgentSpec, Budget, Failure, Report as _, Usage, race};

use crate::rig::*;

fn ends(raced: &Raced<usize>) -> String {
    let letter = |part: &skep::Part| match part.failure {
        None => 'd',
        Some(Failure::Failed(_)) => 'f',
        Some(Failure::NotNeeded(_)) if part.attempts == 0 => 'n',
        Some(Failure::Stopped(_) | Failure::NotNeeded(_)) => 's',
        Some(Failure::NotBegun(_)) => 'n',
    };
    raced.parts.parts.iter().map(letter).collect()
}

fn runners(swarm: &skep::Swarm, all: &[Does]) -> skep::race::Race<'static, (), usize> {
    let all = all.to_vec();
    race(swarm, ()).runners(0..all.len(), move |n, ()| {
        let starts = all[n] != FailsToStart;
        (AgentSpec::new(format!("w{n}"), move || Worker { starts }), (n, all[n].clone()))
    })
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_rest_are_stopped_and_billed() {
    let swarm = swarm().await;
    let raced = runners(&swarm, &[Answers(500), Answers(20), Fails(10), Answers(600)]).await;
    assert_eq!((raced.winner.clone(), ends(&raced).as_str()), (Some(("1".to_owned(), 1)), "sdfs"));
    assert_eq!(raced.to_string(), "1 was first of 4 in 20.0ms, $0.004, 4 calls in all");
    assert_eq!(raced.cost(), swarm.cost().spent);
    assert_eq!(raced.parts.parts[0].failure.as_ref().unwrap().to_string(), "not needed: another was first");
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_good_is_a_failure_with_its_reason() {
    let swarm = swarm().await;
    let check = |n: &usize| if *n > 1 { Ok(()) } else { Err("too low") };
    let raced = runners(&swarm, &[Answers(1), Answers(2), Answers(90)]).accept(check).await;
    assert_eq!((raced.winner.clone(), ends(&raced).as_str()), (Some(("2".to_owned(), 2)), "ffd"));
    let none = runners(&swarm, &[Answers(1), Fails(2)]).accept(check).await;
    assert_eq!(none.to_string(), "0 of 2 completed, failed: 0 (too low), 1 (no such file)");
    assert_eq!(
        none.into_result().unwrap_err().to_string(),
        "race: 0 of 2 completed, failed: 0 (too low), 1 (no such file)"
    );
}

#[tokio::test(start_paused = true)]
async fn in_turn_the_next_begins_when_the_one_before_was_not_good() {
    let swarm = swarm().await;
    let cascade = runners(&swarm, &[Fails(10), Answers(10), Answers(10)]).in_turn();
    assert_eq!((cascade.estimate().at_once, cascade.estimate().calls), (1, 3));
    let raced = cascade.await;
    assert_eq!((raced.winner.clone(), ends(&raced).as_str()), (Some(("1".to_owned(), 1)), "fdn"));
    assert_eq!(raced.parts.parts[2].failure.as_ref().unwrap().to_string(), "not needed: another was first");
    assert_eq!(raced.cost().calls, 2, "the third was never asked");
}

#[tokio::test(start_paused = true)]
async fn staggered_the_next_begins_after_a_while_or_at_once_after_a_failure() {
    let swarm = swarm().await;
    let hedge = |all: &[Does]| runners(&swarm, all).stagger(Duration::from_millis(100));
    let raced = hedge(&[Answers(5_000), Answers(5_000), Answers(10)]).await;
    assert_eq!((raced.winner.clone().unwrap().1, raced.parts.took), (2, millis(210)));
    let began: Vec<_> = raced.parts.parts.iter().map(|part| part.began).collect();
    assert_eq!(began, [millis(0), millis(100), millis(200)]);
    let raced = hedge(&[Fails(30), Answers(50), Answers(10)]).await;
    assert_eq!((raced.winner.clone().unwrap().1, raced.parts.took), (1, millis(80)));
    let raced = hedge(&[Answers(50), Answers(10)]).await;
    assert_eq!(
        (ends(&raced).as_str(), raced.cost()),
        ("dn", Usage::calls(1).with_money(skep::NanoUsd(1_000_000)))
    );
}

#[tokio::test(start_paused = true)]
async fn a_race_without_runners_or_with_one_is_a_race() {
    let swarm = swarm().await;
    let none = runners(&swarm, &[]).await;
    assert_eq!((none.winner.clone(), none.to_string().as_str()), (None, "0 of 0 completed"));
    assert!(none.into_result().is_err());
    let bounded = runners(&swarm, &[Answers(1)]).costing(Budget::usd("0.0001"));
    assert_eq!(bounded.estimate().to_string(), "1 agent, 1 at once, 1 call, at most $0.0001");
    let raced = bounded.await;
    assert_eq!((ends(&raced).as_str(), raced.cost()), ("f", Usage::ZERO), "its budget refused it");
}

#[tokio::test(start_paused = true)]
async fn runners_of_one_name_are_two_and_what_each_may_cost_holds_for_all_that_were_named_together() {
    let swarm = swarm().await;
    let worker = |n: usize| AgentSpec::new(format!("w{n}"), || Worker { starts: true });
    let both = race(&swarm, ())
        .runners(["same", "same"], move |_, ()| (worker(0), (0, Answers(10))))
        .costing(Budget::usd("0.0001"));
    assert_eq!(both.estimate().to_string(), "2 agents, 2 at once, 2 calls, at most $0.0002");
    let raced = both.await;
    assert_eq!((ends(&raced).as_str(), raced.cost()), ("ff", Usage::ZERO), "the budget of each refused it");
    let said: Vec<_> = raced.parts.failed().filter_map(|part| part.failure.as_ref()).collect();
    assert!(said.iter().all(|failure| failure.to_string().contains("left")), "{raced}");
}
