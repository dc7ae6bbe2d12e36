//! Patterns in patterns in patterns, of any kind, in trouble.
//!
//! Another pattern is one more [`Kind`], its name in [`KINDS`], and an arm in [`Tree::work`].

use std::sync::Arc;
use std::time::Duration;

use skep::council::Ranking;
use skep::delegate::Assessed;
use skep::handoff::{Package, Pass};
use skep::review_loop::{Round, Verdict};
use skep::supervise::Move;
use skep::supervise::{Next, Table};
use skep::testkit::{Dice, Lab, TestResult};
use skep::vote::{Rule, Ties};
use skep::waves::{Graph, Needs};
use skep::{
    AgentError, AnyWork, ScopeOwner, Work as _, council, delegate, fan_out, handoff, map_reduce, nest, panel,
    pipeline, queue, race, review_loop, supervise, vote, waves,
};

use crate::storm::{Hands, storm};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    FanOut,
    Pipeline,
    Supervise,
    Handoff,
    MapReduce,
    Waves,
    Delegate,
    Panel,
    Council,
    ReviewLoop,
    Queue,
    Race,
    Vote,
}

/// All of them; at the end those of which a run in which nothing goes wrong may do more than its report has.
const KINDS: [Kind; 13] = [
    Kind::FanOut,
    Kind::Pipeline,
    Kind::Supervise,
    Kind::Handoff,
    Kind::MapReduce,
    Kind::Waves,
    Kind::Delegate,
    Kind::Panel,
    Kind::Council,
    Kind::ReviewLoop,
    Kind::Queue,
    Kind::Race,
    Kind::Vote,
];
const WASTEFUL: usize = 2;

/// A shape of patterns in patterns: each takes a number and gives one.
#[derive(Clone, Debug)]
enum Tree {
    Hand { name: String },
    Of { kind: Kind, at_most: usize, parts: Arc<[Tree]> },
}

impl Tree {
    /// One that is so deep at most. Each hand in it has a name of its own.
    fn random(dice: &mut Dice, kinds: &[Kind], depth: u32, name: &str) -> Self {
        if depth == 0 || (depth < 3 && dice.chance(250)) {
            return Self::Hand { name: name.to_owned() };
        }
        let (kind, at_most, parts) = (*dice.pick(kinds), dice.between(1, 3) as usize, dice.between(1, 3));
        let parts = (0..parts).map(|part| Self::random(dice, kinds, depth - 1, &format!("{name}.{part}")));
        Self::Of { kind, at_most, parts: parts.collect() }
    }

    /// What it does with a number.
    fn work(&self, hands: &Hands, number: u64) -> AnyWork<u64> {
        let (kind, at_most, parts) = match self {
            Self::Hand { name } => return (hands.hand(name, |n: &u64| Ok(n + 1)), number).boxed(),
            Self::Of { kind, at_most, parts } => (*kind, *at_most, Arc::clone(parts)),
        };
        let (hands, last) = (hands.clone(), parts.len() - 1);
        match kind {
            Kind::FanOut => nest(move |owner| {
                let (hands, parts) = (hands.clone(), Arc::clone(&parts));
                let fan = fan_out(owner, 0..parts.len()).within(LONG).at_most(at_most);
                fan.each(move |part| parts[part].work(&hands, number))
            })
            .map(|rows| rows.iter().map(|(_, n)| *n).sum())
            .boxed(),
            Kind::Pipeline => nest(move |owner| {
                let start = pipeline(owner, number).within(LONG).then("start", |n| Ok(*n));
                parts.iter().cloned().enumerate().fold(start, |pipeline, (at, part)| {
                    let hands = hands.clone();
                    pipeline.stage(format!("stage {at}"), move |n| part.work(&hands, *n))
                })
            })
            .boxed(),
            Kind::Race => nest(move |owner| {
                let (hands, parts) = (hands.clone(), Arc::clone(&parts));
                let race = race(owner, number).within(LONG).at_most(at_most);
                race.runners(0..parts.len(), move |part, n| parts[part].work(&hands, *n))
            })
            .boxed(),
            Kind::Supervise => nest(move |owner| {
                let (lead, hands, parts) = (hands.clone(), hands.clone(), Arc::clone(&parts));
                supervise(owner, last + 1)
                    .within(LONG)
                    .at_most(at_most)
                    .worker(move |part: &usize| parts[*part].work(&hands, number))
                    .decide(move |table| (lead.hand("lead", |table| Ok(lead_on(table))), table.clone()))
            })
            .boxed(),
            Kind::Handoff => nest(move |owner| {
                let (all, start) = (Arc::clone(&parts), handoff(owner, number).within(LONG));
                (0..=last).fold(start, |handoff, at| {
                    let (hands, all) = (hands.clone(), Arc::clone(&all));
                    let pass = move |n: u64| match at == last {
                        true => Pass::Done(n),
                        false => Pass::to((at + 1).to_string(), "so far").with(n),
                    };
                    let hold = move |package: &Package<u64>| all[at].work(&hands, package.work).map(pass);
                    handoff.worker(at.to_string(), hold)
                })
            })
            .boxed(),
            Kind::MapReduce => nest(move |owner| {
                let (reducer, hands, parts) = (hands.clone(), hands.clone(), Arc::clone(&parts));
                map_reduce(owner, 0..parts.len())
                    .within(LONG)
                    .at_most(at_most)
                    .map(move |part| parts[part].work(&hands, number))
                    .reduce(move |all: &[u64]| (reducer.hand("reduce", sum), all.to_vec()))
                    .fan_in(2)
            })
            .boxed(),
            Kind::Waves => nest(move |owner| {
                let (hands, parts) = (hands.clone(), Arc::clone(&parts));
                let graph = Graph::of(0..parts.len(), |part| *part, |part| 0..*part / 2).unwrap();
                waves(owner, graph).within(LONG).at_most(at_most).node(
                    move |part, needs: Needs<'_, usize, u64>| {
                        parts[*part].work(&hands, number + needs.iter().map(|(_, n)| *n).sum::<u64>())
                    },
                )
            })
            .map(|rows| rows.iter().map(|(_, n)| *n).sum())
            .boxed(),
            Kind::Delegate => nest(move |owner| {
                let (assessor, merger) = (hands.clone(), hands.clone());
                let (hands, parts) = (hands.clone(), Arc::clone(&parts));
                let count = parts.len();
                // Task 0 is the whole, and the others are its parts.
                let assess = move |task: &usize| {
                    let parts = (1..=count).collect();
                    Ok(if *task == 0 { Assessed::Split(parts) } else { Assessed::Direct })
                };
                delegate(owner, 0_usize)
                    .within(LONG)
                    .at_most(at_most)
                    .assess(move |task| (assessor.hand("assess", assess), *task))
                    .solve(move |task| parts[*task - 1].work(&hands, number))
                    .merge(move |_, all: &[u64]| (merger.hand("merge", sum), all.to_vec()))
            })
            .boxed(),
            Kind::Panel => nest(move |owner| {
                let (merger, hands, parts) = (hands.clone(), hands.clone(), Arc::clone(&parts));
                panel(owner, number)
                    .within(LONG)
                    .at_most(at_most)
                    .experts(0..parts.len(), move |part, n| parts[part].work(&hands, *n))
                    .merge(move |_, all| {
                        (merger.hand("merge", sum), all.iter().map(|one| one.opinion).collect())
                    })
            })
            .boxed(),
            Kind::Council => nest(move |owner| {
                let (ranker, chair) = (hands.clone(), hands.clone());
                let (hands, parts) = (hands.clone(), Arc::clone(&parts));
                council(owner, number, 0..parts.len())
                    .within(LONG)
                    .at_most(at_most)
                    .answer(move |part, n| parts[part].work(&hands, *n))
                    .rank(move |_, _, answers| {
                        let labels: Vec<_> = answers.iter().map(|answer| answer.label.to_string()).collect();
                        (ranker.hand("rank", |text: &String| Ok(text.clone())), labels.join(" > "))
                            .try_map(Ranking::parse)
                    })
                    .chair(move |minutes| {
                        (
                            chair.hand("chair", sum),
                            minutes.answers.iter().map(|(one, _)| *one.answer).collect(),
                        )
                    })
            })
            .boxed(),
            Kind::ReviewLoop => nest(move |owner| {
                let (judge, hands, parts) = (hands.clone(), hands.clone(), Arc::clone(&parts));
                review_loop(owner, number)
                    .within(LONG)
                    .at_most(at_most)
                    .author(move |n, _: Option<&Round<u64, u64>>| parts[0].work(&hands, *n))
                    .reviewer("judge", move |_, n| {
                        (judge.hand("judge", |_: &u64| Ok(Verdict::<u64>::Approved)), *n)
                    })
            })
            .boxed(),
            Kind::Queue => nest(move |owner| {
                let hands = hands.clone();
                queue(owner, 0..parts.len() as u64)
                    .within(LONG)
                    .workers(1..=at_most, move |n| hands.hand(&format!("worker {n}"), |n: &u64| Ok(*n)))
            })
            .map(|rows| rows.iter().map(|(_, n)| *n).sum())
            .boxed(),
            Kind::Vote => nest(move |owner| {
                let (hands, parts) = (hands.clone(), Arc::clone(&parts));
                vote(owner, number)
                    .within(LONG)
                    .at_most(at_most)
                    .voters(0..parts.len(), move |part, n| parts[part].work(&hands, *n))
                    .rule(Rule::Plurality)
                    .ties(Ties::First)
            })
            .boxed(),
        }
    }
}

#[allow(clippy::ptr_arg, reason = "what a hand is given is its task")]
fn sum(all: &Vec<u64>) -> Result<u64, AgentError> {
    Ok(all.iter().sum())
}

const LONG: Duration = Duration::from_secs(600);

/// Does all tasks, some of them once another is done, and what fails twice.
fn lead_on(table: &Table<usize, usize, u64>) -> Next<usize, u64> {
    if table.rounds_left == 0 {
        return Next::Done(0);
    }
    let (planned, done) = (table.tasks.len(), table.done().count());
    let more = (planned..table.goal.min(done + 2)).map(Move::Spawn);
    let again = table.failed().filter(|(task, _)| task.tries < 2).map(|(task, _)| Move::Retry(task.number));
    let moves: Vec<_> = more.chain(again).take(table.tasks_left).collect();
    if moves.is_empty() && table.working().next().is_none() {
        return Next::Done(table.done().map(|(_, n)| *n).sum());
    }
    Next::Go(moves)
}

/// The tree at the root is a stage, so that the storm has one type of report.
async fn storm_over(lab: Lab, kinds: &[Kind], wastes: bool) -> TestResult {
    storm(lab, wastes, |dice, hands| {
        let tree = Tree::random(dice, kinds, 3, "n");
        Arc::new(move |owner: ScopeOwner| {
            let (hands, tree) = (hands.clone(), tree.clone());
            pipeline(owner, 1_u64).within(LONG).stage("tree", move |n| tree.work(&hands, *n))
        })
    })
    .await
}

#[skep::swarm_test(seeds = 500)]
async fn patterns_three_deep_in_trouble_leave_nothing_and_bill_what_they_cost(lab: Lab) -> TestResult {
    storm_over(lab, &KINDS, true).await
}

#[skep::swarm_test(seeds = 500)]
async fn patterns_three_deep_do_nothing_twice_when_their_owner_crashes(lab: Lab) -> TestResult {
    storm_over(lab, &KINDS[..KINDS.len() - WASTEFUL], false).await
}
