//! Panel: opinions by domain, and a brief of them if they are a quorum.

use std::sync::Arc;

use skep::panel::{Brief, Panel, PanelWithoutMerge};
use skep::testkit::{Lab, TestResult};
use skep::{Budget, FailureClass, Report, ScopeOwner, Work as _, nest, panel, race};

use crate::rig::*;
use crate::storm::storm;
use crate::voices::*;

type Experts<'e> = &'e [(&'static str, u64, Result<f64, &'static str>)];

fn experts(owner: impl Into<ScopeOwner>, experts: Experts<'_>) -> PanelWithoutMerge<'static, String, f64> {
    experts.iter().fold(panel(owner, "the mill".to_owned()), |panel, (domain, ms, thinks)| {
        let (ms, thinks) = (*ms, *thinks);
        panel.expert(*domain, move |case| (says("expert", ms, thinks), case.clone()))
    })
}

fn merged(panel: PanelWithoutMerge<'static, String, f64>) -> Panel<'static, String, f64, String> {
    panel.rate(|score| *score).merge(|case, opinions| {
        let named = opinions.iter().map(|opinion| format!("{} {}", opinion.domain, opinion.opinion));
        let text = format!("{case}: {}", named.collect::<Vec<_>>().join(", "));
        (thinks("editor", 5, |text: &String| Ok(text.clone())), text)
    })
}

#[tokio::test(start_paused = true)]
async fn experts_work_at_once_and_their_opinions_stand_in_their_order() {
    let swarm = swarm().await;
    let brief =
        merged(experts(&swarm, &[("legal", 30, Ok(0.5)), ("money", 10, Ok(1.0)), ("law", 20, Ok(0.0))]))
            .await;
    assert_eq!(brief.value.as_deref(), Some("the mill: legal 0.5, money 1, law 0"));
    assert_eq!((brief.rating("money"), brief.rating("art")), (Some(1.0), None));
    assert_eq!(brief.parts.took, millis(30 + 5));
    assert_eq!(brief.cost(), swarm.cost().spent);
    assert_eq!(brief.to_string(), "4 of 4 completed");
    let path: Vec<_> = brief.parts.critical_path().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(path, ["legal", "merge"]);
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_expert_who_fails_costs_its_opinion() {
    let swarm = swarm().await;
    let brief =
        merged(experts(&swarm, &[("a", 1, Ok(0.5)), ("b", 1, Err("no data")), ("c", 1, Ok(1.0))])).await;
    assert_eq!(brief.value.as_deref(), Some("the mill: a 0.5, c 1"));
    assert_eq!(brief.to_string(), "3 of 4 completed, failed: b (no data)");
    assert_eq!(brief.cost().calls, 1 + 3 + 1 + 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_the_rest_is_stopped_and_nothing_is_merged() {
    let swarm = swarm().await;
    let some: Experts<'_> =
        &[("a", 1, Err("no")), ("b", 2, Err("no")), ("c", 1, Ok(1.0)), ("d", 9_000, Ok(1.0))];
    let brief = merged(experts(&swarm, some)).retries(0).await;
    assert_eq!((&brief.value, brief.opinions.len(), brief.parts.took), (&None, 1, millis(2)));
    assert_eq!(
        whys(&brief.parts),
        [
            "no",
            "no",
            ".",
            "stopped: the quorum cannot be reached any more",
            "not started: 1 is no quorum, which is 3"
        ]
    );
    assert_eq!(brief.into_result().unwrap_err().class(), FailureClass::Failed);
    let brief = merged(experts(&swarm, some)).retries(0).quorum(1).await;
    assert_eq!(brief.value.as_deref(), Some("the mill: c 1, d 1"));

    let before = swarm.cost().spent;
    let brief = merged(experts(&swarm, some)).quorum(5).await;
    assert_eq!((brief.value, swarm.cost().spent), (None, before), "four are never five, and nobody is asked");
    let brief = merged(experts(&swarm, &[])).await;
    assert_eq!(whys(&brief.parts), ["not started: 0 is no quorum, which is 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_rating_that_is_no_number_is_none() {
    let swarm = swarm().await;
    let brief = experts(&swarm, &[("a", 1, Ok(0.0)), ("b", 1, Ok(4.0))])
        .rate(|score| 1.0 / score * 0.0)
        .merge(|_, opinions| (says("editor", 1, Ok(opinions.len())), ()))
        .await;
    assert_eq!((brief.rating("a"), brief.rating("b")), (None, Some(0.0)));
    let json = serde_json::to_string(&brief).unwrap();
    assert_eq!(serde_json::from_str::<Brief<f64, usize>>(&json).unwrap(), brief);
}

#[tokio::test(start_paused = true)]
async fn a_merge_that_fails_or_is_late_leaves_the_opinions() {
    let swarm = swarm().await;
    let failing = |ms| {
        experts(&swarm, &[("a", 10, Ok(0.5))])
            .merge(move |_, _| (says::<(), f64>("editor", ms, Err("no ink")), ()))
    };
    let brief = failing(1).await;
    assert_eq!((brief.opinions.len(), whys(&brief.parts)), (1, vec![".".to_owned(), "no ink".to_owned()]));
    assert_eq!(brief.parts.parts[1].attempts, 3);
    let brief = failing(100_000).await;
    assert_eq!((brief.parts.took, brief.value), (secs(60), None));
    let brief = failing(1).within(millis(5)).await;
    assert_eq!(brief.opinions.len(), 0);
    assert!(whys(&brief.parts)[1].starts_with("not started"), "{:?}", whys(&brief.parts));
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn experts_and_the_merge_may_be_patterns_and_of_one_name() {
    let swarm = swarm().await;
    let panel = experts(&swarm, &[("merge", 1, Ok(0.5))])
        .expert("merge", |case| {
            let case = case.clone();
            nest(move |owner| {
                race(owner, case.clone()).runner("one", |case| (says("one", 5, Ok(0.25)), case.clone()))
            })
        })
        .experts(["merge"], |_, case| (says("number", 1, Ok(2_u8)), case.clone()).map(f64::from))
        .costing(Budget::usd("1"))
        .merge(|_, opinions| (says("sum", 1, Ok(opinions.iter().map(|o| o.opinion).sum::<f64>())), ()));
    assert_eq!(panel.estimate().calls, 3 + 1 + 3 + 3);
    assert_eq!(panel.estimate().unbounded, ["merge", "one", "merge"]);
    let brief = panel.await;
    assert_eq!(brief.value, Some(2.75));
    assert_eq!(brief.cost(), swarm.cost().spent);
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_the_merge_bounds_the_merge() {
    let swarm = swarm().await;
    let brief = merged(experts(&swarm, &[("a", 1, Ok(0.5))])).costing(Budget::new().calls(0)).await;
    assert_eq!(brief.parts.parts[1].failure.as_ref().unwrap().class(), FailureClass::OverBudget);
}

#[skep::swarm_test(seeds = 500)]
async fn a_panel_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (number, at_most) = (dice.between(1, 6), dice.between(1, 4) as usize);
        let quorum = dice.chance(500).then(|| dice.between(0, number) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let (one, two) = (hands.clone(), hands.clone());
            let panel = panel(owner, 7_u64)
                .experts(0..number, move |at, case: &u64| {
                    (one.hand("expert", |n: &u64| Ok(*n)), *case + at % 2)
                })
                .costing(Budget::usd("0.003"))
                .rate(|n| *n as f64)
                .at_most(at_most)
                .within(secs(600))
                .merge(move |_, opinions| {
                    let all: Vec<_> = opinions.iter().map(|opinion| opinion.opinion).collect();
                    (two.hand("merge", |all: &Vec<u64>| Ok(all.iter().sum::<u64>())), all)
                })
                .costing(Budget::usd("0.004"));
            match quorum {
                Some(quorum) => panel.quorum(quorum),
                None => panel,
            }
        })
    })
    .await
}
