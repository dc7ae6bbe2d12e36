//! Review loop: drafts until all approve, or the rounds are used up, or nobody has anything to mend.

use std::sync::Arc;

use skep::review_loop::{Raised, ReviewLoopWithoutReviewer, Reviewed, Round, Verdict};
use skep::testkit::{Lab, TestResult};
use skep::{Budget, FailureClass, Report, ScopeOwner, Work as _, review_loop};

use crate::rig::*;
use crate::storm::storm;
use crate::voices::*;

/// Each draft is a number, one more than the last.
fn drafts(owner: impl Into<ScopeOwner>) -> ReviewLoopWithoutReviewer<'static, u32, u32, String> {
    review_loop(owner, 0_u32).author(|brief, last: Option<&Round<u32, String>>| {
        let before = last.map_or(*brief, |last| last.draft);
        (thinks("author", 10, |before: &u32| Ok(before + 1)), before)
    })
}

/// Approves from this draft on.
fn wants(least: u32) -> impl Fn(&u32) -> Result<Verdict<String>, &'static str> + Clone {
    move |draft| {
        let issues = if *draft < least { vec![format!("{draft} is less than {least}")] } else { vec![] };
        Ok(issues.into())
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_all_have_approved() {
    let swarm = swarm().await;
    let reviewed = drafts(&swarm)
        .reviewer("one", |_, draft| (thinks("one", 20, wants(1)), *draft))
        .reviewer("two", |_, draft| (thinks("two", 30, wants(2)), *draft))
        .await;
    assert_eq!(reviewed.to_string(), "approved after 2 rounds; 6 of 6 completed");
    assert_eq!(reviewed.rounds[0].raised, [Raised { by: "two".into(), issue: "1 is less than 2".into() }]);
    assert_eq!((reviewed.draft(), reviewed.open().len()), (Some(&2), 0));
    assert_eq!(reviewed.parts.took, millis(2 * (10 + 30)), "reviewers work at the same time");
    let names: Vec<_> = reviewed.parts.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["author 1", "one 1", "two 1", "author 2", "one 2", "two 2"]);
    let path: Vec<_> = reviewed.parts.critical_path().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(path, ["author 1", "two 1", "author 2", "two 2"]);
    assert_eq!((reviewed.cost(), alive(&swarm)), (swarm.cost().spent, vec![]));
    assert_eq!(reviewed.into_result().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_open_after_the_last_round_is_in_the_report_and_the_draft_is_no_value() {
    let swarm = swarm().await;
    let never = |rounds: Option<u32>| {
        let reviewing =
            drafts(&swarm).reviewers(["a", "b"], |_, _, draft| (thinks("critic", 1, wants(99)), *draft));
        match rounds {
            Some(rounds) => reviewing.rounds(rounds),
            None => reviewing,
        }
    };
    let reviewed = never(None).await;
    assert_eq!((reviewed.rounds.len(), reviewed.draft(), reviewed.is_approved()), (3, Some(&3), false));
    assert_eq!(reviewed.open().len(), 2);
    assert_eq!(reviewed.to_string(), "not approved after 3 rounds: 2 open; 9 of 9 completed");
    let json = serde_json::to_string(&reviewed).unwrap();
    assert_eq!(serde_json::from_str::<Reviewed<u32, String>>(&json).unwrap(), reviewed);
    let error = reviewed.into_result().unwrap_err();
    assert!(error.to_string().starts_with("review_loop: not approved"), "{error}");
    for (rounds, calls) in [(0, 3), (1, 3), (4, 12)] {
        let reviewing = never(Some(rounds));
        assert_eq!(reviewing.estimate().calls, calls * 3);
        assert_eq!(reviewing.await.cost().calls, calls, "{rounds} rounds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reviewer_who_fails_has_not_approved() {
    let swarm = swarm().await;
    let reviewed = drafts(&swarm)
        .reviewer("good", |_, draft| (thinks("good", 1, wants(0)), *draft))
        .reviewer("ill", |_, draft| (says::<u32, Verdict<String>>("ill", 1, Err("no eyes")), *draft))
        .await;
    assert_eq!((reviewed.is_approved(), reviewed.rounds.len()), (false, 1), "there is nothing to mend");
    assert_eq!(reviewed.rounds[0].missing, ["ill"]);
    assert_eq!(
        reviewed.to_string(),
        "not approved after 1 round: 0 open, no verdict of ill; 2 of 3 completed, failed: ill 1 (no eyes)"
    );
    // One who is ill once is asked again about the next draft.
    let reviewed = drafts(&swarm)
        .reviewer("strict", |_, draft| (thinks("strict", 1, wants(2)), *draft))
        .reviewer("late", |_, draft| {
            let sees = |draft: &u32| if *draft < 2 { Err("no eyes") } else { Ok(Verdict::Approved) };
            (thinks("late", 1, sees), *draft)
        })
        .await;
    assert_eq!((reviewed.is_approved(), reviewed.rounds.len()), (true, 2));
    assert_eq!(reviewed.rounds[0].missing, ["late"]);
}

#[tokio::test(start_paused = true)]
async fn issues_without_an_issue_are_a_failed_attempt() {
    let swarm = swarm().await;
    let reviewed = drafts(&swarm)
        .reviewer("empty", |_, draft| {
            (says::<u32, _>("empty", 1, Ok(Verdict::<String>::Issues(vec![]))), *draft)
        })
        .await;
    assert_eq!((reviewed.is_approved(), reviewed.parts.parts[1].attempts), (false, 3));
    assert!(whys(&reviewed.parts)[1].contains("issues without an issue"), "{:?}", whys(&reviewed.parts));
}

#[tokio::test(start_paused = true)]
async fn an_author_who_fails_ends_it_with_the_draft_before() {
    let swarm = swarm().await;
    let gives_up = |from: u32| {
        review_loop(&swarm, ())
            .author(move |(), last: Option<&Round<u32, String>>| {
                let write = move |n: &u32| if *n >= from { Err("no ink") } else { Ok(n + 1) };
                (thinks("author", 1, write), last.map_or(0, |last| last.draft))
            })
            .reviewer("critic", |(), draft| (thinks("critic", 1, wants(99)), *draft))
    };
    let reviewed = gives_up(1).await;
    assert_eq!((reviewed.rounds.len(), reviewed.draft(), reviewed.open().len()), (1, Some(&1), 1));
    assert_eq!(whys(&reviewed.parts), [".", ".", "no ink"]);
    let reviewed = gives_up(0).await;
    assert_eq!(reviewed.to_string(), "no draft; 0 of 1 completed, failed: author 1 (no ink)");
    assert_eq!(reviewed.into_result().unwrap_err().class(), FailureClass::Failed);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_leaves_what_there_is_unapproved() {
    let swarm = swarm().await;
    let slow = drafts(&swarm).reviewer("slow", |_, draft| (thinks("slow", 200_000, wants(0)), *draft));
    let reviewed = slow.await;
    assert_eq!((reviewed.parts.took, reviewed.draft(), reviewed.is_approved()), (secs(180), Some(&1), false));
    assert_eq!(reviewed.rounds[0].missing, ["slow"]);
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_reviewers_nothing_is_approved() {
    let swarm = swarm().await;
    let nobody: [&str; 0] = [];
    let reviewed =
        drafts(&swarm).reviewers(nobody, |_, _, draft| (thinks("critic", 1, wants(0)), *draft)).await;
    assert_eq!((reviewed.is_approved(), reviewed.draft()), (false, Some(&1)));
}

#[tokio::test(start_paused = true)]
async fn each_part_may_have_a_bound() {
    let swarm = swarm().await;
    let bounded = drafts(&swarm)
        .costing(Budget::usd("0.10"))
        .reviewers(["a", "b"], |_, _, draft| (thinks("critic", 1, wants(0)), *draft))
        .costing(Budget::usd("0.01"));
    assert_eq!(bounded.estimate().to_string(), "9 agents, 2 at once, 27 calls, at most $0.36");
    assert!(bounded.await.is_approved());
}

#[skep::swarm_test(seeds = 500)]
async fn a_review_loop_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (rounds, reviewers) = (dice.between(1, 4), dice.between(1, 4));
        let (good, at_most) = (dice.between(1, rounds), dice.between(1, 4) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let (one, two) = (hands.clone(), hands.clone());
            review_loop(owner, 0_u64)
                .author(move |brief, last: Option<&Round<u64, u64>>| {
                    (one.hand("author", |n: &u64| Ok(*n + 1)), last.map_or(*brief, |last| last.draft))
                })
                .costing(Budget::usd("0.004"))
                .reviewers(0..reviewers, move |at, _, draft| {
                    let least = good - at % good;
                    let verdict = move |n: &u64| {
                        Ok(if *n >= least { Verdict::Approved } else { Verdict::Issues(vec![*n, *n]) })
                    };
                    (two.hand("critic", verdict), *draft).map(|verdict| verdict)
                })
                .costing(Budget::usd("0.003"))
                .rounds(u32::try_from(rounds).unwrap())
                .at_most(at_most)
                .within(secs(600))
        })
    })
    .await
}
