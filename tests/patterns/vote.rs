//! Vote: it ends when it is decided, counts what is in, and says who is missing.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use skep::testkit::{Lab, TestResult};
use skep::vote::{Ballot, Rule, Ties, Undecided, Vote, Voted};
use skep::{Budget, FailureClass, Report, ScopeOwner, nest, pipeline, vote};

use crate::rig::*;
use crate::storm::storm;
use crate::voices::*;

/// Voters by how long they take and what they say: none fails.
fn poll(owner: impl Into<ScopeOwner>, voters: &[(u64, Option<char>)]) -> Vote<'static, (), char> {
    voters.iter().enumerate().fold(vote(owner, ()), |vote, (at, (ms, says_what))| {
        let (ms, what) = (*ms, says_what.ok_or("no idea"));
        vote.voter(format!("v{at}"), move |()| (says("voter", ms, what), ()))
    })
}

fn yes(ms: u64) -> (u64, Option<char>) {
    (ms, Some('y'))
}

fn no(ms: u64) -> (u64, Option<char>) {
    (ms, Some('n'))
}

#[tokio::test(start_paused = true)]
async fn a_vote_ends_as_soon_as_it_is_decided_and_the_rest_is_stopped() {
    let swarm = swarm().await;
    let voted = poll(&swarm, &[yes(10), yes(900), yes(20), no(10_000), yes(10_000)]).await;
    assert_eq!((voted.winner, voted.undecided.clone(), voted.decided_after), (Some('y'), None, 3));
    assert_eq!(voted.parts.took, millis(900));
    assert_eq!(
        whys(&voted.parts),
        [".", ".", ".", "not needed: the vote was decided", "not needed: the vote was decided"]
    );
    assert_eq!(voted.to_string(), "\"y\" has won, after 3 of 5 voters: \"y\" 3");
    assert_eq!(voted.cost().calls, 5, "those that were stopped are billed");
    assert_eq!(voted.cost(), swarm.cost().spent);
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_vote_that_nobody_can_win_any_more_ends_too() {
    let swarm = swarm().await;
    let voted =
        poll(&swarm, &[yes(10), no(10), yes(20), no(20), (15, Some('m')), yes(9_000)]).at_most(9).await;
    assert_eq!((voted.undecided, voted.parts.took), (Some(Undecided::NoMajority), millis(20)));
    let voted = poll(&swarm, &[yes(10), no(20), yes(9_000)]).rule(Rule::Unanimous).await;
    assert_eq!((voted.undecided, voted.parts.took), (Some(Undecided::NotUnanimous), millis(20)));
}

#[tokio::test(start_paused = true)]
async fn a_vote_in_which_all_have_voted_waits_for_nothing() {
    let swarm = swarm().await;
    let tied = poll(&swarm, &[yes(10), no(30), no(20), yes(40)]).rule(Rule::Plurality);
    let voted = tied.run().await;
    assert_eq!((voted.winner, &voted.undecided), (None, &Some(Undecided::Tied)));
    assert_eq!(voted.parts.took, millis(40));
    assert_eq!(voted.to_string(), "no winner: it is tied; 4 of 4 completed");
    assert_eq!(voted.into_result().unwrap_err().to_string(), "vote: no winner: it is tied; 4 of 4 completed");
    let voted = tied.ties(Ties::First).await;
    assert_eq!((voted.winner, voted.parts.took), (Some('y'), millis(40)), "the first voter named it");
}

#[tokio::test(start_paused = true)]
async fn voters_that_are_to_come_are_not_asked_once_it_is_decided() {
    let swarm = swarm().await;
    let voted = poll(&swarm, &[yes(10); 5]).at_most(1).await;
    assert_eq!((voted.winner, voted.cost().calls), (Some('y'), 3));
    assert_eq!(whys(&voted.parts)[3..], ["not needed: the vote was decided"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_voter_who_fails_costs_its_ballot_and_the_vote_goes_on() {
    let swarm = swarm().await;
    let voted = poll(&swarm, &[yes(10), (5, None), yes(10), no(10)]).await;
    assert_eq!(voted.winner, Some('y'), "two of three");
    assert_eq!((voted.parts.parts[1].attempts, voted.cost().calls), (3, 1 + 3 + 1 + 1));
    assert_eq!(voted.ballots.len(), 3);
    let named: Vec<_> = voted.ballots.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, ["v0", "v2", "v3"]);

    let voted = poll(&swarm, &[yes(10), (5, None), yes(10)]).rule(Rule::Unanimous).retries(0).await;
    assert_eq!(voted.undecided, Some(Undecided::NotUnanimous), "a voter who failed does not agree");
    assert_eq!(voted.parts.took, millis(5), "and that is known at once");
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_nothing_wins_and_what_cannot_reach_it_ends() {
    let swarm = swarm().await;
    let failing = [(5, None), (5, None), yes(10), yes(60_000)];
    let voted = poll(&swarm, &failing).retries(0).await;
    assert_eq!(voted.undecided, Some(Undecided::NoQuorum { voted: 0, quorum: 3 }));
    assert_eq!(voted.parts.took, millis(5), "two cannot be three");
    assert_eq!(voted.into_result().unwrap_err().class(), FailureClass::Failed);

    let before = swarm.cost().spent;
    let voted = poll(&swarm, &[yes(1), yes(1)]).quorum(3).await;
    assert_eq!(voted.undecided, Some(Undecided::NoQuorum { voted: 0, quorum: 3 }));
    assert_eq!(swarm.cost().spent, before, "nobody is asked for nothing");

    // A winner that is certain waits for the quorum, which those who abstain make too.
    let voters = [yes(10), yes(10), yes(10), yes(500), yes(9_000)];
    let voted = poll(&swarm, &voters).quorum(4).await;
    assert_eq!((voted.winner, voted.parts.took), (Some('y'), millis(500)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_closes_a_vote_and_what_is_in_is_counted() {
    let swarm = swarm().await;
    let voters = [yes(10), yes(10), no(10), yes(70_000), no(70_000)];
    let voted = poll(&swarm, &voters).await;
    assert_eq!((voted.winner, voted.parts.took), (Some('y'), secs(60)));
    assert!(whys(&voted.parts)[3].contains("the limit of 60s"), "{voted:?}");
    let voted = poll(&swarm, &voters).quorum(4).within(secs(1)).await;
    assert_eq!(voted.undecided, Some(Undecided::NoQuorum { voted: 3, quorum: 4 }));
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_weight_that_is_none_counts_nothing_and_is_said() {
    let swarm = swarm().await;
    for none in [f64::NAN, -3.0, f64::INFINITY, 0.0] {
        let vote = poll(&swarm, &[yes(10)])
            .voters(["n1", "n2"], |who, ()| (says(who, 10, Ok('n')), ()))
            .weight(none)
            .voters(["w1", "w2"], |who, ()| (says(who, 10, Ok('y')), ()))
            .weight(0.5);
        assert_eq!(vote.estimate().calls, 3 * 3);
        let voted = vote.await;
        assert_eq!(voted.winner, Some('y'));
        assert_eq!(voted.tally[0].weight, 2.0);
        let why = format!("not started: its weight of {none} counts nothing");
        assert_eq!(whys(&voted.parts)[1..3], [why.clone(), why]);
    }
}

#[tokio::test(start_paused = true)]
async fn weights_count_under_every_rule() {
    let swarm = swarm().await;
    let voted =
        poll(&swarm, &[no(10), no(10)]).voter("lead", |()| (says("lead", 20, Ok('y')), ())).weight(2.5).await;
    assert_eq!((voted.winner, voted.tally[0].voters, voted.tally[1].weight), (Some('y'), 1, 2.0));
    let thirds = |rule| poll(&swarm, &[]).rule(rule);
    let voted = thirds(Rule::Plurality)
        .voters(["a", "b"], |who, ()| (says(who, 10, Ok('y')), ()))
        .weight(0.1)
        .voter("c", |()| (says("c", 10, Ok('y')), ()))
        .weight(0.1)
        .voter("d", |()| (says("d", 10, Ok('n')), ()))
        .weight(0.3)
        .await;
    assert_eq!(voted.undecided, Some(Undecided::Tied), "three tenths are as much as 0.3");
}

#[tokio::test(start_paused = true)]
async fn ballots_abstain_and_rank() {
    let swarm = swarm().await;
    let of = |ballots: Vec<Ballot<String>>| {
        ballots.into_iter().enumerate().fold(vote::<_, String>(&swarm, ()), |vote, (at, ballot)| {
            vote.voter((at + 1).to_string(), move |()| (says("v", 10, Ok(ballot.clone())), ()))
        })
    };
    let rank = |names: &str| Ballot::Ranked(names.chars().map(String::from).collect::<Vec<_>>());
    let ranked = ["abc", "ab", "cb", "bc", "c"].map(rank).into_iter().chain([Ballot::Abstain]);
    let voted = of(ranked.collect()).rule(Rule::Ranked).await;
    assert_eq!(voted.winner.as_deref(), Some("c"), "b goes out, and its ballot goes to c");
    assert_eq!(voted.ballots[5], ("6".to_owned(), Ballot::Abstain));
    let voted = of(vec![Ballot::Abstain]).await;
    assert_eq!(voted.undecided, Some(Undecided::AllAbstained));
}

#[tokio::test(start_paused = true)]
async fn a_vote_of_nobody_is_over_at_once_and_begins_nothing() {
    let swarm = swarm().await;
    let before = swarm.events_so_far().len();
    let voted = poll(&swarm, &[]).await;
    assert_eq!(voted.to_string(), "no winner: 0 voted, and the quorum is 1; 0 of 0 completed");
    assert_eq!(swarm.events_so_far().len(), before);
    let voted = poll(&swarm, &[no(10)]).await;
    assert_eq!(voted.winner, Some('n'), "one is more than half of one");
}

#[tokio::test(start_paused = true)]
async fn what_cuts_a_vote_short_leaves_it_undecided() {
    let swarm = swarm().await;
    let voted = poll(&swarm, &[yes(10), yes(10), (20, None), yes(900), no(900)]).fail_fast().retries(0).await;
    assert_eq!((voted.winner, voted.undecided), (None, Some(Undecided::CutShort)));
    let voted = poll(&swarm, &[yes(10), yes(10)]).budget(Budget::new().calls(1)).retries(0).await;
    assert_eq!(
        voted.undecided,
        Some(Undecided::NoQuorum { voted: 0, quorum: 2 }),
        "one alone is not heard out"
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_not_needed_is_no_failure_and_what_was_tried_before_is_kept() {
    let swarm = swarm().await;
    let voted = vote(&swarm, ())
        .voters(["a", "b"], |name, ()| (says(name, 30, Ok(true)), ()))
        .voter("late", |()| (says("late", 9_000, Ok(false)), ()))
        .voter("ill", |()| (says::<(), bool>("ill", 20, Err("a cold")), ()))
        .quorum(2)
        .rule(Rule::Plurality)
        .within(millis(10_000))
        .voter("other", |()| (says("other", 30, Ok(true)), ()))
        .await;
    assert_eq!(voted.winner, Some(true));
    assert_eq!(voted.parts.to_string(), "3 of 5 completed, not needed: late, ill");
    let ill = voted.parts.part("ill").unwrap();
    assert_eq!(ill.errors.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a cold"]);
    assert!(voted.parts.tree().contains("not needed: the vote was decided; the last error: a cold"));
    let mermaid = voted.parts.mermaid();
    assert_eq!(
        (mermaid.matches(":::idle").count(), mermaid.matches(":::failed").count()),
        (2, 0),
        "{mermaid}"
    );
}

#[tokio::test(start_paused = true)]
async fn voters_of_one_name_each_have_a_vote() {
    let swarm = swarm().await;
    let voted = vote(&swarm, ()).voters(["ann"; 3], |who, ()| (says(who, 10, Ok(true)), ())).await;
    assert_eq!((voted.winner, voted.cost().calls), (Some(true), 3));
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_panics_does_so_where_the_vote_is_awaited_and_leaves_nothing() {
    let swarm = swarm().await;
    let vote = poll(&swarm, &[yes(10)]).voter("mad", |()| {
        assert!(alive(&swarm).len() > 9, "out of its depth");
        (says("mad", 10, Ok('y')), ())
    });
    assert!(AssertUnwindSafe(vote.run()).catch_unwind().await.is_err());
    tokio::time::sleep(secs(20)).await;
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn it_says_before_what_it_costs_and_nests() {
    let swarm = swarm().await;
    let costing = poll(&swarm, &[])
        .voters(["a", "b"], |who, ()| (says(who, 1, Ok('y')), ()))
        .costing(Budget::usd("0.25"))
        .estimate();
    assert_eq!(costing.to_string(), "2 agents, 2 at once, 6 calls, at most $0.50");
    let piped = pipeline(&swarm, ())
        .stage("vote", |()| nest(|owner| poll(owner, &[yes(10), yes(10), no(10)])))
        .stage("do", |won: &char| (thinks("doer", 1, |won: &char| Ok(won.to_string())), *won))
        .await;
    assert_eq!(piped.value.as_deref(), Some("y"));
    assert_eq!(piped.cost(), swarm.cost().spent);
}

#[tokio::test(start_paused = true)]
async fn a_report_can_be_written_down() {
    let swarm = swarm().await;
    let voted = poll(&swarm, &[yes(10), (1, None), no(9_000), yes(20)]).weight(0.25).retries(0).await;
    let json = serde_json::to_value(&voted).unwrap();
    assert_eq!(json["tally"][0]["choice"], "y");
    assert_eq!(serde_json::from_value::<Voted<char>>(json).unwrap(), voted);
}

#[tokio::test(start_paused = true)]
async fn two_thousand_voters_of_two_thousand_minds_are_counted() {
    let swarm = swarm().await;
    let many = vote(&swarm, ())
        .voters(0..2_000_u64, |who, ()| (says(&who.to_string(), 1, Ok(who)), ()))
        .rule(Rule::Plurality)
        .at_most(500)
        .within(secs(600));
    let voted = many.await;
    assert_eq!((voted.undecided, voted.tally.len()), (Some(Undecided::Tied), 2_000));
}

#[skep::swarm_test(seeds = 500)]
async fn a_vote_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, true, |dice, hands| {
        let rule = *dice.pick(&[Rule::Majority, Rule::Plurality, Rule::Unanimous, Rule::Ranked]);
        let ties = *dice.pick(&[Ties::Open, Ties::First]);
        let weights: Vec<f64> =
            (0..dice.between(0, 7)).map(|_| *dice.pick(&[1.0, 1.0, 0.5, 2.0, f64::NAN])).collect();
        let (choices, at_most) = (dice.between(1, 3), dice.between(1, 4) as usize);
        let quorum = dice.chance(500).then(|| dice.between(0, 5) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let vote =
                weights.iter().zip(0_u64..).fold(vote::<_, u64>(owner, 7_u64), |vote, (weight, at)| {
                    let hands = hands.clone();
                    vote.voter(format!("v{}", at % 3), move |question: &u64| {
                        let hand = hands.hand("voter", move |n: &u64| {
                            Ok(if at == 4 {
                                Ballot::Abstain
                            } else {
                                Ballot::Ranked(vec![(*n + at) % choices, at % 2])
                            })
                        });
                        (hand, *question)
                    })
                    .weight(*weight)
                    .costing(Budget::usd("0.003"))
                });
            let vote = vote.rule(rule).ties(ties).at_most(at_most).within(secs(600));
            match quorum {
                Some(quorum) => vote.quorum(quorum),
                None => vote,
            }
        })
    })
    .await
}

/// Here every voter is needed to the end, so all that was done is in the report.
#[skep::swarm_test(seeds = 500)]
async fn no_voter_of_a_unanimous_vote_is_asked_twice(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (voters, at_most) = (dice.between(1, 6), dice.between(1, 4) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let hands = hands.clone();
            vote(owner, 7_u64)
                .voters(0..voters, move |_, question: &u64| (hands.hand("same", |n: &u64| Ok(*n)), *question))
                .rule(Rule::Unanimous)
                .at_most(at_most)
                .within(secs(600))
        })
    })
    .await
}
