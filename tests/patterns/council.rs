//! Council: answers without names, rankings that count, and no more calls than 3N + 1.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use skep::council::{Anonymous, Council, Counselled, Ranking};
use skep::testkit::{Lab, TestResult};
use skep::{
    Agent, AgentError, AgentSpec, Budget, Context, FailureClass, Report, ScopeOwner, Work as _, council,
};

use crate::rig::*;
use crate::storm::storm;
use crate::voices::*;

type Sitting = Council<'static, String, u64, u64, Vec<u64>>;
type Ranks = Arc<dyn Fn(u64, &[Anonymous<'_, u64>]) -> Vec<String> + Send + Sync>;

/// Members that answer their number after so many times 10 ms, and rank as is said. The chair gives the answers in their order.
fn sitting(owner: impl Into<ScopeOwner>, members: u64, fails: &[u64], ranks: Ranks) -> Sitting {
    let fails = fails.to_vec();
    council(owner, "Which door?".to_owned(), 0..members)
        .answer(move |who, _| {
            let answer = if fails.contains(&who) { Err("no idea") } else { Ok(who) };
            (says("member", who * 10, answer), ())
        })
        .rank(move |who, _, answers| {
            let ranking = thinks("ranker", 5, |labels: &Vec<String>| Ok(Ranking(labels.clone())));
            (ranking, ranks(who, answers))
        })
        .chair(|minutes| {
            let all: Vec<_> = minutes.answers.iter().map(|(answer, _)| *answer.answer).collect();
            (thinks("chair", 5, |all: &Vec<u64>| Ok(all.clone())), all)
        })
}

/// Ranks the largest first.
fn largest() -> Ranks {
    Arc::new(|_, answers| {
        let mut answers = answers.to_vec();
        answers.sort_by_key(|answer| std::cmp::Reverse(*answer.answer));
        answers.iter().map(|answer| answer.label.to_owned()).collect()
    })
}

/// What each member was given to rank.
type SeenRanks = Arc<Mutex<Vec<Vec<(String, u64)>>>>;

#[tokio::test(start_paused = true)]
async fn members_answer_rank_and_the_chair_makes_one_of_it() {
    let swarm = swarm().await;
    let counselled = sitting(&swarm, 3, &[], largest()).await;
    assert_eq!(counselled.value, Some(vec![2, 1, 0]));
    assert_eq!(counselled.consensus, Some(1.0));
    let ranks: Vec<_> = counselled.answers.iter().map(|a| (a.member.as_str(), a.mean_rank)).collect();
    assert_eq!(ranks, [("2", Some(1.0)), ("1", Some(2.0)), ("0", Some(3.0))]);
    assert_eq!(counselled.to_string(), "2 was ranked best of 3, consensus 1.00, 7 of 7 completed");
    let names: Vec<_> = counselled.parts.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["0", "1", "2", "0 ranks", "1 ranks", "2 ranks", "chair"]);
    assert_eq!(counselled.parts.took, millis(20 + 5 + 5));
    assert_eq!((counselled.cost().calls, counselled.cost()), (7, swarm.cost().spent));
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn three_n_and_one_calls_are_said_before_and_never_more_are_made() {
    for members in [1, 2, 5, 30] {
        let swarm = swarm().await;
        let calls = 3 * members + 1;
        assert_eq!(sitting(&swarm, members, &[], largest()).estimate().calls, calls);
        // Each ranking fails in each attempt.
        let never: Ranks = Arc::new(|_, _| vec!["A".to_owned(), "A".to_owned()]);
        let counselled = sitting(&swarm, members, &[], never).at_most(99).await;
        assert_eq!(swarm.cost().spent.calls, 3 * members, "and no chair without rankings");
        assert_eq!(counselled.value, None);
        // Each is good in the second attempt only: it is as many calls as there can be.
        let before = swarm.cost().spent.calls;
        let retried = council(&swarm, (), 0..members)
            .answer(|who, ()| (says("member", 1, Ok(who)), ()))
            .rank(|_, (), all| {
                let labels = all.iter().map(|answer| answer.label.to_owned()).collect();
                (AgentSpec::new("second", || SecondTry), labels).map(Ranking)
            })
            .chair(|_| (says("chair", 1, Ok(())), ()))
            .await;
        assert_eq!((retried.value, swarm.cost().spent.calls - before), (Some(()), calls));
        assert_eq!(retried.parts.parts[members as usize].attempts, 2);
    }
}

/// Ranks in its second attempt, and pays in each.
struct SecondTry;

impl Agent for SecondTry {
    type Task = Vec<String>;
    type Output = Vec<String>;

    async fn handle(&mut self, labels: &Vec<String>, cx: &Context) -> Result<Vec<String>, AgentError> {
        let price = skep::Usage::calls(1);
        let paid = cx.effect("work", cx.attempt()).worst_case(price).run(move |call| async move {
            call.used(price);
            Ok(())
        });
        paid.await?;
        if cx.attempt() == 1 { Err(AgentError::message("the first try")) } else { Ok(labels.clone()) }
    }
}

#[tokio::test(start_paused = true)]
async fn labels_say_nothing_of_whose_an_answer_is_and_each_member_has_its_own_order() {
    let swarm = swarm().await;
    let seen = SeenRanks::default();
    let watching = |seen: SeenRanks| -> Ranks {
        Arc::new(move |who, answers| {
            seen.lock().unwrap().push(answers.iter().map(|a| (a.label.to_owned(), *a.answer)).collect());
            largest()(who, answers)
        })
    };
    let counselled = sitting(&swarm, 30, &[], watching(Arc::clone(&seen))).await;
    let first = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(first.len(), 30);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 30, "each has another order");
    let as_sets: BTreeSet<BTreeSet<_>> = first.iter().map(|all| all.iter().collect()).collect();
    assert_eq!(as_sets.len(), 1, "and the same labels");
    let labels = as_sets.into_iter().next().unwrap();
    assert!(labels.iter().any(|(label, _)| label == "AD"), "{labels:?}");
    let by_label: Vec<_> = labels.iter().map(|(_, member)| *member).collect();
    assert_ne!(by_label, (0..30).collect::<Vec<_>>(), "labels are no places");
    assert!(counselled.answers.iter().all(|a| labels.contains(&(a.label.clone(), a.answer))));
    // Another time it is the same, so what was paid for can be found again.
    let _ = sitting(&swarm, 30, &[], watching(Arc::clone(&seen))).await;
    assert_eq!(*seen.lock().unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_fails_is_left_out_and_does_not_rank() {
    let swarm = swarm().await;
    let counselled = sitting(&swarm, 4, &[1], largest()).await;
    assert_eq!(counselled.value, Some(vec![3, 2, 0]));
    assert_eq!(counselled.parts.parts[1].attempts, 1, "an answer is asked for once");
    assert!(counselled.parts.part("1 ranks").is_none());
    let labels: BTreeSet<_> = counselled.answers.iter().map(|answer| answer.label.as_str()).collect();
    assert_eq!(labels, ["A", "B", "C"].into());
    assert_eq!(counselled.parts.completed(), 3 + 3 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_ranking_that_names_what_is_not_there_is_tried_once_more_and_left_out() {
    let swarm = swarm().await;
    let odd: Ranks = Arc::new(|who, answers| match who {
        0 => vec!["A".to_owned(), "B".to_owned(), "Z".to_owned()],
        _ => largest()(who, answers),
    });
    let counselled = sitting(&swarm, 3, &[], Arc::clone(&odd)).await;
    assert_eq!(counselled.value, Some(vec![2, 1, 0]), "two of three are a quorum");
    let part = counselled.parts.part("0 ranks").unwrap();
    assert_eq!(part.attempts, 2);
    assert!(part.failure.as_ref().unwrap().to_string().contains("there is no answer `Z`"), "{part:?}");
    let counselled = sitting(&swarm, 3, &[], odd).quorum(3).await;
    assert_eq!((counselled.value, counselled.answers.len()), (None, 3));
    assert_eq!(whys(&counselled.parts)[6], "not started: 2 is no quorum, which is 3");
}

#[tokio::test(start_paused = true)]
async fn too_few_answers_end_it_before_anybody_ranks() {
    let swarm = swarm().await;
    let counselled = sitting(&swarm, 5, &[0, 1, 2], largest()).await;
    assert_eq!((&counselled.value, counselled.consensus), (&None, None));
    assert_eq!(counselled.parts.took, millis(20), "the others are stopped");
    assert_eq!(whys(&counselled.parts)[5], "not started: 0 is no quorum, which is 3");
    assert_eq!(counselled.into_result().unwrap_err().class(), FailureClass::Failed);
    let before = swarm.cost().spent;
    let counselled = sitting(&swarm, 0, &[], largest()).await;
    assert_eq!(
        counselled.to_string(),
        "0 of 1 completed, failed: chair (not started: 0 is no quorum, which is 1)"
    );
    let _ = sitting(&swarm, 3, &[], largest()).quorum(4).await;
    assert_eq!(swarm.cost().spent, before, "nobody is asked for nothing");
}

#[tokio::test(start_paused = true)]
async fn a_council_of_one_has_a_synthesis_and_no_consensus() {
    let swarm = swarm().await;
    let counselled = sitting(&swarm, 1, &[], largest()).await;
    assert_eq!((counselled.value, counselled.consensus), (Some(vec![0]), None));
    assert_eq!(counselled.answers[0].mean_rank, Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn consensus_is_low_where_members_disagree() {
    let swarm = swarm().await;
    let split: Ranks = Arc::new(|who, answers| {
        let mut labels = largest()(who, answers);
        if who % 2 == 0 {
            labels.reverse();
        }
        labels
    });
    let counselled = sitting(&swarm, 4, &[], split).await;
    assert_eq!(counselled.consensus, Some(0.0));
    let labels: Vec<_> = counselled.answers.iter().map(|answer| answer.label.as_str()).collect();
    assert_eq!(labels, ["A", "B", "C", "D"], "of equal ones the label decides");
    let json = serde_json::to_string(&counselled).unwrap();
    assert_eq!(serde_json::from_str::<Counselled<u64, Vec<u64>>>(&json).unwrap(), counselled);
}

#[tokio::test(start_paused = true)]
async fn models_answer_and_rank_in_words() {
    let swarm = swarm().await;
    let echo = |name: &str| thinks(name, 1, |text: &String| Ok(text.clone()));
    let counselled = council(&swarm, "Which?".to_owned(), ["ann", "bob"])
        .answer(|who, _| (echo(who), format!("I am {who}")))
        .costing(Budget::usd("0.01"))
        .rank(|who, question, answers| {
            let shown: Vec<_> = answers.iter().map(ToString::to_string).collect();
            assert!(
                question == "Which?"
                    && shown.iter().any(|line| line == "A: I am ann" || line == "A: I am bob")
            );
            (echo(who), "1. B\n2. A".to_owned()).try_map(Ranking::parse)
        })
        .costing(Budget::usd("0.02"))
        .chair(|minutes| (echo("chair"), minutes.to_string()))
        .costing(Budget::usd("0.10"));
    assert_eq!(counselled.estimate().to_string(), "5 agents, 2 at once, 7 calls, at most $0.16");
    let counselled = counselled.await;
    let minutes = counselled.value.unwrap();
    assert!(
        minutes
            .starts_with("Question: Which?\nAnswers, the best first by 2 rankings:\n[mean rank 1.0] B: I am")
    );
    assert!(minutes.ends_with("Agreement of the rankings, from 0 to 1: 1.00"), "{minutes}");
}

#[tokio::test(start_paused = true)]
async fn members_that_live_on_are_asked_in_both_steps() {
    let swarm = swarm().await;
    let member = swarm.spawn(thinks("ann", 1, |text: &String| Ok(text.clone()))).await.unwrap();
    let counselled = council(&swarm, (), ["ann"])
        .answer(|_, ()| (member.clone(), "hello".to_owned()))
        .rank(|_, (), _| (member.clone(), "A".to_owned()).try_map(Ranking::parse))
        .chair(|minutes| (member.clone(), minutes.answers[0].0.answer.clone()))
        .await;
    assert_eq!(counselled.value.as_deref(), Some("hello"));
    assert_eq!((counselled.parts.parts.len(), counselled.cost().calls), (3, 3));
}

#[skep::swarm_test(seeds = 500)]
async fn a_council_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (members, at_most) = (dice.between(1, 5), dice.between(1, 4) as usize);
        let (turn, quorum) = (dice.below(3), dice.chance(500).then(|| dice.between(0, members) as usize));
        Arc::new(move |owner: ScopeOwner| {
            let (one, two, three) = (hands.clone(), hands.clone(), hands.clone());
            let council = council(owner, 7_u64, 0..members)
                .answer(move |who, question| (one.hand("member", |n: &u64| Ok(*n)), *question + who % 2))
                .costing(Budget::usd("0.003"))
                .rank(move |who, _, answers| {
                    let mut labels: Vec<_> = answers.iter().map(|answer| answer.label.to_owned()).collect();
                    if who % 3 == turn {
                        labels.sort();
                    }
                    let ranking = |labels: &Vec<String>| Ok(labels.join(","));
                    (two.hand("ranker", ranking), labels).try_map(Ranking::parse)
                })
                .chair(move |minutes| {
                    let all: Vec<_> = minutes.answers.iter().map(|(answer, _)| *answer.answer).collect();
                    (three.hand("chair", |all: &Vec<u64>| Ok(all.len())), all)
                })
                .at_most(at_most)
                .within(secs(600));
            match quorum {
                Some(quorum) => council.quorum(quorum),
                None => council,
            }
        })
    })
    .await
}
