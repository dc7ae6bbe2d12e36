//! Fan-out, pipeline and race in trouble.

use std::sync::Arc;

use skep::testkit::{Lab, TestResult};
use skep::{Budget, ScopeOwner, Work as _, fan_out, nest, pipeline, race};

use crate::storm::storm;

#[skep::swarm_test(seeds = 500)]
async fn a_fan_out_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (items, at_most) = (dice.between(1, 8), dice.between(1, 4) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let hands = hands.clone();
            fan_out(owner, 0..items)
                .each(move |item| {
                    (hands.hand(&format!("{item}"), |item: &u64| Ok(*item)).budget(Budget::usd("0.01")), item)
                })
                .at_most(at_most)
                .within(std::time::Duration::from_secs(600))
        })
    })
    .await
}

#[skep::swarm_test(seeds = 500)]
async fn a_pipeline_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let inner = dice.between(1, 4);
        Arc::new(move |owner: ScopeOwner| {
            let (one, two, three) = (hands.clone(), hands.clone(), hands.clone());
            pipeline(owner, inner)
                .within(std::time::Duration::from_secs(600))
                .stage("count", move |n| (one.hand("count", |n: &u64| Ok(*n + 1)), *n))
                .costing(Budget::usd("0.003"))
                .then("list", |n: &u64| Ok((0..*n).collect::<Vec<_>>()))
                .stage("each", move |list| {
                    let (list, two) = (list.clone(), two.clone());
                    nest(move |owner| {
                        let two = two.clone();
                        fan_out(owner, list.clone())
                            .each(move |n| (two.hand("each", |n: &u64| Ok(*n * 2)), n))
                    })
                })
                .accumulate("sum", move |all| {
                    (
                        three.hand("sum", |all: &Vec<u64>| Ok(all.iter().sum::<u64>())),
                        all.iter().map(|(_, n)| *n).collect(),
                    )
                        .map(|sum| sum.to_string())
                })
        })
    })
    .await
}

#[skep::swarm_test(seeds = 500)]
async fn a_race_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, true, |dice, hands| {
        let (runners, how, good) = (dice.between(1, 4), dice.below(3), dice.below(4));
        Arc::new(move |owner: ScopeOwner| {
            let hands = hands.clone();
            let race = race(owner, 0_u64)
                .within(std::time::Duration::from_secs(600))
                .runners(0..runners, move |runner, _: &u64| {
                    (hands.hand(&runner.to_string(), |n: &u64| Ok(*n)), runner)
                })
                .costing(Budget::usd("0.002"))
                .accept(
                    move |runner: &u64| {
                        if *runner >= good.min(runners - 1) { Ok(()) } else { Err("too low") }
                    },
                );
            match how {
                0 => race,
                1 => race.in_turn(),
                _ => race.stagger(std::time::Duration::from_millis(100)),
            }
        })
    })
    .await
}
