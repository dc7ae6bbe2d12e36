//! Reports that are gone on with: written down, read back, tried again, dropped in the middle. In the end they come to what one run
//! without failures comes to, and nothing was asked twice that had an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use skep::council::Ranking;
use skep::delegate::Assessed;
use skep::review_loop::{Round, Verdict};
use skep::testkit::{Dice, Lab, TestResult};
use skep::vote::Rule;
use skep::{
    AgentError, Budget, Failure, Parts, Pattern, Report, ScopeOwner, Usage, Work as _, council, delegate,
    map_reduce, panel, review_loop, vote,
};

use crate::storm::{Build, Hands, totals};

/// Whether what is done succeeds, by chance that a seed fixes.
#[derive(Clone, Default)]
struct Luck {
    state: Arc<AtomicU64>,
    /// Of a thousand, so many fail.
    fails: Arc<AtomicU64>,
}

impl Luck {
    fn seed(&self, seed: u64) {
        self.state.store(seed, Ordering::SeqCst);
    }

    fn fails(&self, per_mille: u64) {
        self.fails.store(per_mille, Ordering::SeqCst);
    }

    fn of<O>(&self, output: O) -> Result<O, AgentError> {
        let next = |state: u64| {
            Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        };
        let state = self.state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).unwrap_or_default();
        if (state >> 33) % 1_000 < self.fails.load(Ordering::SeqCst) {
            return Err(AgentError::message("bad luck"));
        }
        Ok(output)
    }
}

type Retrying<'r> = Pin<Box<dyn Future<Output = ()> + Send + 'r>>;

/// `again` is how many answers at most each try asks for again, of those that there were: a new brief, or a ballot that came when the
/// vote was closed.
async fn retried<P>(
    lab: Lab,
    build: impl FnOnce(&mut Dice, Hands, Luck) -> Build<P>,
    retry: for<'r> fn(&'r P, &'r mut P::Report) -> Retrying<'r>,
    again: u64,
) -> Result<Parts, Box<dyn std::error::Error + Send + Sync>>
where
    P: Pattern,
    P::Report: Serialize + DeserializeOwned + Clone,
    <P::Report as Report>::Value: Serialize,
{
    let mut dice = lab.dice();
    let (hands, luck) = (Hands::default(), Luck::default());
    luck.seed(dice.below(u64::MAX));
    let build = build(&mut dice, hands.clone(), luck.clone());
    let swarm = lab.start_with(|builder| builder).await;
    let pattern = || build(ScopeOwner::from(&swarm));
    let whole = serde_json::to_value(pattern().run().await.into_result()?)?;
    let (before, done) = (swarm.cost().spent, hands.done());
    let mut fails = dice.between(100, 900);
    luck.fails(fails);
    let mut report = pattern().run().await;
    let (mut tries, mut drops, mut is_last) = (0, 0, false);
    let spent = loop {
        let spent = swarm.cost().spent;
        if drops == 0 {
            assert_eq!(before + report.cost(), spent, "the report is the bill\n{}", report.parts().tree());
        }
        if is_last {
            break spent;
        }
        report = serde_json::from_str(&serde_json::to_string(&report)?)?;
        tries += 1;
        fails = if tries > 4 { 0 } else { fails * dice.below(1_000) / 1_000 };
        luck.fails(fails);
        let pattern = pattern();
        let middle = Duration::from_millis(if dice.chance(300) { dice.between(1, 1_200) } else { 7_200_000 });
        tokio::select! {
            biased;
            () = retry(&pattern, &mut report) => is_last = fails == 0,
            () = tokio::time::sleep(middle) => drops += 1,
        }
    };
    retry(&pattern(), &mut report).await;
    assert_eq!(swarm.cost().spent, spent, "nothing is left to do");
    let parts = report.parts().into_owned();
    let tree = parts.tree();
    assert_eq!(serde_json::to_value(report.into_result()?)?, whole, "{tree}");
    let (done, kept) = (hands.done() - done, totals(&parts).done);
    // What works when a try is dropped is lost with it.
    assert!((kept..=kept + again * tries + 4 * drops).contains(&done), "{done} for {kept}\n{tree}");
    // What was stopped in the background has its time.
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(swarm.cost().reserved, Usage::ZERO);
    lab.end(swarm).await;
    Ok(parts)
}

#[skep::swarm_test(seeds = 500)]
async fn a_panel_that_is_retried_comes_to_the_brief_of_all(lab: Lab) -> TestResult {
    let panels = |dice: &mut Dice, hands: Hands, luck: Luck| -> Build<_> {
        let (experts, quorum, at_most) = (dice.between(1, 5), dice.between(1, 5), dice.between(1, 4));
        let retries = dice.below(2);
        Arc::new(move |owner: ScopeOwner| {
            let (hand, its) = (hands.clone(), luck.clone());
            let panel = panel(owner, 7_u64)
                .experts(0..experts, move |expert, case| {
                    let luck = its.clone();
                    (hand.hand("expert", move |n: &u64| luck.of(*n)), expert * case)
                })
                .at_most(at_most as usize)
                .retries(retries as u32)
                .within(Duration::from_secs(600))
                .quorum(quorum.min(experts) as usize);
            let (hand, its) = (hands.clone(), luck.clone());
            panel.merge(move |_, opinions| {
                let luck = its.clone();
                let all: Vec<_> = opinions.iter().map(|one| (one.domain.clone(), one.opinion)).collect();
                (hand.hand("editor", move |all: &Vec<(String, u64)>| luck.of(all.clone())), all)
            })
        })
    };
    let parts = retried(lab, panels, |panel, brief| Box::pin(panel.retry_failed(brief)), 1).await?;
    assert!(parts.is_complete(), "{}", parts.tree());
    Ok(())
}

#[skep::swarm_test(seeds = 500)]
async fn a_vote_that_is_retried_is_decided_as_by_all(lab: Lab) -> TestResult {
    let votes = |dice: &mut Dice, hands: Hands, luck: Luck| -> Build<_> {
        // Of so many voters two are of one mind, and one is of another.
        let (thirds, quorum, at_most) = (dice.between(1, 3), dice.between(1, 9), dice.between(1, 4));
        let rule = *dice.pick(&[Rule::Plurality, Rule::Majority]);
        Arc::new(move |owner: ScopeOwner| {
            let (hands, luck) = (hands.clone(), luck.clone());
            vote(owner, ())
                .voters(0..3 * thirds, move |voter, ()| {
                    let luck = luck.clone();
                    (hands.hand("voter", move |voter: &u64| luck.of(voter.is_multiple_of(3))), voter)
                })
                .rule(rule)
                .quorum(quorum.min(3 * thirds) as usize)
                .at_most(at_most as usize)
                .retries(0)
                .within(Duration::from_secs(600))
        })
    };
    retried(lab, votes, |vote, voted| Box::pin(vote.retry_failed(voted)), 4).await?;
    Ok(())
}

#[skep::swarm_test(seeds = 500)]
async fn a_council_that_is_retried_comes_to_the_synthesis_of_all(lab: Lab) -> TestResult {
    let councils = |dice: &mut Dice, hands: Hands, luck: Luck| -> Build<_> {
        let members: Vec<_> = (0..dice.between(1, 5)).map(|_| dice.below(3)).collect();
        let (quorum, at_most) = (dice.between(1, 5), dice.between(1, 4) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let quorum = quorum.min(members.len() as u64) as usize;
            let (one, two, three) = (hands.clone(), hands.clone(), hands.clone());
            let (first, second, third) = (luck.clone(), luck.clone(), luck.clone());
            council(owner, "why?", members.clone())
                .answer(move |member, _| {
                    let luck = first.clone();
                    (one.hand("answer", move |member: &u64| luck.of(member * 5 % 3)), member)
                })
                .rank(move |_, _, answers| {
                    let luck = second.clone();
                    let mut answers = answers.to_vec();
                    answers.sort_by_key(|answer| (*answer.answer, answer.label));
                    let labels: Vec<_> = answers.iter().map(|answer| answer.label).collect();
                    let text = labels.join(" > ");
                    (two.hand("rank", move |text: &String| luck.of(text.clone())), text)
                        .try_map(Ranking::parse)
                })
                .chair(move |minutes| {
                    let luck = third.clone();
                    let answers = minutes.answers.iter();
                    let all: Vec<_> =
                        answers.map(|(one, rank)| format!("{} {} {rank}", one.label, one.answer)).collect();
                    (three.hand("chair", move |all: &Vec<String>| luck.of(all.clone())), all)
                })
                .quorum(quorum)
                .at_most(at_most)
                .within(Duration::from_secs(600))
        })
    };
    let parts = retried(lab, councils, |council, report| Box::pin(council.retry_failed(report)), 6).await?;
    assert!(parts.is_complete(), "{}", parts.tree());
    Ok(())
}

#[skep::swarm_test(seeds = 500)]
async fn a_review_loop_that_is_retried_comes_to_the_draft_that_all_approve(lab: Lab) -> TestResult {
    let loops = |dice: &mut Dice, hands: Hands, luck: Luck| -> Build<_> {
        // A reviewer approves of drafts from a number on.
        let likes: Vec<_> = (0..dice.between(1, 4)).map(|_| dice.between(1, 3)).collect();
        let at_most = dice.between(1, 4) as usize;
        Arc::new(move |owner: ScopeOwner| {
            let (one, two) = (hands.clone(), hands.clone());
            let (first, second) = (luck.clone(), luck.clone());
            review_loop(owner, ())
                .author(move |(), last: Option<&Round<u64, String>>| {
                    let luck = first.clone();
                    let number = last.map_or(1, |last| last.draft + 1);
                    (one.hand("author", move |number: &u64| luck.of(*number)), number)
                })
                .reviewers(likes.clone(), move |from, (), draft: &u64| {
                    let luck = second.clone();
                    let issues = if *draft >= from { Vec::new() } else { vec![format!("{draft} < {from}")] };
                    let reviewer = two.hand("reviewer", move |issues: &Vec<String>| luck.of(issues.clone()));
                    (reviewer, issues).map(Verdict::from)
                })
                .rounds(9)
                .retries(0)
                .at_most(at_most)
                .within(Duration::from_secs(600))
        })
    };
    // A review that is missing stays so where the others have raised issues.
    retried(lab, loops, |looping, report| Box::pin(looping.retry_failed(report)), 0).await?;
    Ok(())
}

#[skep::swarm_test(seeds = 500)]
async fn a_map_reduce_that_is_retried_comes_to_the_value_of_all(lab: Lab) -> TestResult {
    let sums = |dice: &mut Dice, hands: Hands, luck: Luck| -> Build<_> {
        let (items, fan_in, at_most) = (dice.between(1, 12), dice.between(2, 4), dice.between(1, 4));
        let (need, most) = (dice.below(11) as f64 / 10.0, dice.chance(500).then(|| dice.below(30)));
        Arc::new(move |owner: ScopeOwner| {
            let (maps, reduces) = (hands.clone(), hands.clone());
            let (first, second) = (luck.clone(), luck.clone());
            let all = map_reduce(owner, 0..items)
                .map(move |item| {
                    let luck = first.clone();
                    (maps.hand("map", move |item: &u64| luck.of(*item)), item)
                })
                .costing(Budget::usd("0.003"))
                .reduce(move |sums| {
                    let luck = second.clone();
                    (reduces.hand("sum", move |sums: &Vec<u64>| luck.of(sums.iter().sum())), sums.to_vec())
                })
                .fan_in(fan_in as usize)
                .at_most(at_most as usize)
                .retries(0)
                .need(need)
                .within(Duration::from_secs(600));
            match most {
                Some(most) => all.pack(most, |sum| *sum),
                None => all,
            }
        })
    };
    let parts = retried(lab, sums, |sums, report| Box::pin(sums.retry_failed(report)), 0).await?;
    let is_needed = |part: &&skep::Part| !matches!(part.failure, Some(Failure::NotNeeded(_)));
    assert_eq!(parts.failed().filter(is_needed).count(), 0, "{}", parts.tree());
    Ok(())
}

#[skep::swarm_test(seeds = 500)]
async fn a_delegation_that_is_retried_comes_to_the_value_of_all(lab: Lab) -> TestResult {
    let delegations = |dice: &mut Dice, hands: Hands, luck: Luck| -> Build<_> {
        let (whole, ways, depth) = (dice.between(1, 40), dice.between(1, 4), dice.below(4) as u32);
        let (tasks, at_most) = (dice.between(1, 30) as usize, dice.between(1, 4) as usize);
        Arc::new(move |owner: ScopeOwner| {
            let (one, two, three) = (hands.clone(), hands.clone(), hands.clone());
            let (first, second, third) = (luck.clone(), luck.clone(), luck.clone());
            delegate(owner, whole)
                .assess(move |n| {
                    let luck = first.clone();
                    let assess = move |n: &u64| {
                        let each = n / ways;
                        let parts = (1..ways).map(|_| each).chain([n - each * (ways - 1)]);
                        luck.of(if *n < 4 { Assessed::Direct } else { Assessed::Split(parts.collect()) })
                    };
                    (one.hand("assess", assess), *n)
                })
                .solve(move |n| {
                    let luck = second.clone();
                    (two.hand("solve", move |n: &u64| luck.of(vec![*n])), *n)
                })
                .merge(move |_, parts: &[Vec<u64>]| {
                    let luck = third.clone();
                    (three.hand("merge", move |all: &Vec<u64>| luck.of(all.clone())), parts.concat())
                })
                .depth(depth)
                .tasks(tasks)
                .retries(0)
                .at_most(at_most)
                .within(Duration::from_secs(600))
        })
    };
    let parts =
        retried(lab, delegations, |delegation, report| Box::pin(delegation.retry_failed(report)), 0).await?;
    assert!(parts.is_complete(), "{}", parts.tree());
    Ok(())
}
