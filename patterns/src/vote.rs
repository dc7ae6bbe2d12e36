//! Vote: each voter has one ballot, and a rule says what has won.
//!
//! ```text
//!            ┌── ann ── ballot ──┐
//! question ──┼── bob ── ballot ──┼── rule, quorum ── winner
//!            └── cid ── abstains ┘   (decided: the rest is stopped)
//! ```
//!
//! **When**: a decision between choices that can be told apart exactly, such as yes or no. **When not**: if the reasons matter
//! more than the number (panel), or answers are texts of which no two are the same (council).
//!
//! **Costs** n calls, times the attempts; less where it is decided before all have voted. **A failure** of a voter costs its
//! ballot: the vote goes on while there can be a quorum.

mod ballot;
mod count;
mod report;
mod runoff;
mod weight;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use skep_runtime::{AgentError, Budget, ScopeOwner};

pub use self::ballot::{Ballot, Rule, Ties};
use self::count::Count;
pub use self::report::{Tallied, Undecided, Voted};
use self::weight::Weight;
use crate::cut::Cut;
use crate::defaults;
use crate::estimate::Estimate;
use crate::failure::Failure;
use crate::failures::Failures;
use crate::parts::Part;
use crate::pattern::runs;
use crate::quorum::Quorum;
use crate::roster::Roster;
use crate::run::{Phase, Run, Spot};
use crate::terms::{Terms, terms};
use crate::work::{AnyWork, Work};

/// Asks voters for their ballots and counts them by a rule.
///
/// ```
/// # use skep_runtime::{AgentError, Context, Swarm};
/// # use skep_patterns::{agent_fn, vote};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let swarm = Swarm::builder("docs").start().await?;
/// let juror = |name: &str, likes: bool| {
///     agent_fn(name, move |_: String, _: Context| async move { Ok::<_, AgentError>(likes) })
/// };
/// let voted = vote(&swarm, "Ship it?".to_owned())
///     .voters(["ann", "bob"], |who, question| (juror(who, true), question.clone()))
///     .voter("lead", |question| (juror("lead", false), question.clone())).weight(1.5)
///     .rule(vote::Rule::Majority)
///     .await;
/// assert_eq!(voted.winner, Some(true));
/// assert_eq!((voted.tally[0].choice, voted.tally[0].weight), (true, 2.0));
/// # Ok(())
/// # }
/// ```
///
/// What a voter's work gives is a choice, or a [`Ballot`] where it may abstain or rank. With ballots the compiler has to be told
/// what the choice is: `vote::<_, Colour>(owner, question)`.
///
/// Unless told otherwise: the rule is a majority, each voter weighs 1, more than half of the voters are a quorum, a tie stays
/// open, six vote at once, a voter who fails is tried twice more, and the whole has 60 s. The deadline closes the vote: what is in
/// by then is counted.
///
/// It ends as soon as nothing can change the winner any more. Voters who have not answered by then are stopped; a ballot that
/// arrives during the stop is billed and not counted. In a run-off it is decided early only by a choice that more than half put
/// first.
#[must_use = "a vote does nothing until it is awaited"]
pub fn vote<'a, Q, C>(owner: impl Into<ScopeOwner>, question: Q) -> Vote<'a, Q, C> {
    let terms = Terms { within: defaults::VOTE_WITHIN, ..Terms::new(owner, "vote", Failures::GATHER) };
    Vote {
        terms,
        question,
        voters: Roster::new(),
        weights: Vec::new(),
        rule: Rule::default(),
        ties: Ties::default(),
        quorum: Quorum::default(),
    }
}

/// A vote: see [`vote`].
#[must_use = "a vote does nothing until it is awaited"]
pub struct Vote<'a, Q, C> {
    terms: Terms<'a>,
    question: Q,
    voters: Roster<Voting<'a, Q, C>>,
    /// Of each voter; of those behind the last it is 1.
    weights: Vec<f64>,
    rule: Rule,
    ties: Ties,
    quorum: Quorum,
}

type Voting<'a, Q, C> = dyn Fn(&Q) -> AnyWork<Ballot<C>> + Send + Sync + 'a;

/// What ends a vote, as its rows say it.
const DECIDED: Cut = Cut::Enough("the vote was decided");

impl<'a, Q, C> Vote<'a, Q, C>
where
    Q: Send + Sync + 'a,
    C: Ord + Clone + Serialize + Send + Sync + 'static,
{
    terms!();

    /// One more that votes.
    pub fn voter<W: Work>(self, name: impl Into<String>, work: impl Fn(&Q) -> W + Send + Sync + 'a) -> Self
    where
        W::Output: Into<Ballot<C>>,
    {
        let name = name.into();
        self.voters([name], move |_, question| work(question))
    }

    /// One more for each of these, named after it.
    pub fn voters<I, W>(
        mut self,
        names: impl IntoIterator<Item = I>,
        work: impl Fn(I, &Q) -> W + Send + Sync + 'a,
    ) -> Self
    where
        I: fmt::Display + Clone + Send + Sync + 'a,
        W: Work,
        W::Output: Into<Ballot<C>>,
    {
        let work = Arc::new(work);
        self.voters.add(names.into_iter().map(|name| {
            let (shown, work) = (name.to_string(), Arc::clone(&work));
            let voting: Box<Voting<'a, Q, C>> =
                Box::new(move |question| work(name.clone(), question).map(Into::into).boxed());
            (shown, voting)
        }));
        self
    }

    /// What the voter before this weighs, or each of the voters before it; 1 by default. Weights are counted to the nearest
    /// billionth, so that 0.1 and 0.2 weigh as much as 0.3, and a vote by thirds does not quite add up to a whole.
    ///
    /// A weight that is no number, negative, infinite, above 10^18 or less than a billionth counts nothing: its voter is not asked, has
    /// a row that says so, and is not part of any quorum.
    pub fn weight(mut self, weight: f64) -> Self {
        self.weights.resize(self.voters.len(), 1.0);
        for at in self.weights.iter_mut().skip(self.voters.last()) {
            *at = weight;
        }
        self
    }

    /// What the voter before this may cost at most, or each of the voters before it, with everything below it.
    pub fn costing(mut self, most: Budget) -> Self {
        self.voters.costing(most);
        self
    }

    /// By which rule it is counted; a majority by default.
    pub const fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// What becomes of a tie; it stays open by default.
    pub const fn ties(mut self, ties: Ties) -> Self {
        self.ties = ties;
        self
    }

    /// How many have to vote or to abstain, whatever they weigh, at least 1; more than half of the voters by default.
    pub const fn quorum(mut self, voters: usize) -> Self {
        self.quorum = Quorum::number(voters);
        self
    }

    /// What it takes at most.
    pub fn estimate(&self) -> Estimate {
        let voting = self.voters.iter().zip(self.weights()).filter(|(_, weight)| weight.is_ok());
        let each = voting.map(|(voter, _)| {
            let bounds = self.terms.bounds(&voter.name, voter.costing.as_ref());
            (voter.work)(&self.question).estimate(&bounds)
        });
        Estimate::side_by_side(each, self.terms.at_most).within(self.terms.budget.as_ref())
    }

    /// What each voter weighs, or what its weight was told to be if that is none.
    fn weights(&self) -> impl Iterator<Item = Result<Weight, f64>> {
        let all = self.weights.iter().copied().chain(std::iter::repeat(1.0));
        all.map(|weight| Weight::of(weight).ok_or(weight))
    }

    /// Runs it. It never fails.
    ///
    /// # Cancel safety
    /// Dropping it stops everything that it has begun, in the background.
    pub async fn run(&self) -> Voted<C> {
        let mut voted = Voted::open();
        self.go_on(&mut voted).await;
        voted
    }

    /// Asks the voters without a ballot again, unless the ballots that there are decide it; also with a report that was read back
    /// from JSON. Attempts, cost and time add up. All limits start fresh. A report of other voters is left as it is.
    ///
    /// # Cancel safety
    /// Dropping it stops what it has begun, in the background. The report has the ballots that there were by then, not yet counted.
    pub async fn retry_failed(&self, voted: &mut Voted<C>) {
        let count = self.counted(&voted.ballots);
        // A dropped run may have ballots that nobody has counted.
        let is_counted = || match count.outcome() {
            Ok(winner) => voted.winner.as_ref() == Some(&winner),
            Err(why) => voted.undecided.as_ref() == Some(&why),
        };
        let is_over = count.is_decided() && is_counted();
        if voted.parts.are_named(self.voters.names()) && !is_over {
            self.go_on(voted).await;
        }
    }

    /// The count of these ballots.
    fn counted(&self, ballots: &[(String, Ballot<C>)]) -> Count<C> {
        let weights: Vec<_> = self.weights().take(self.voters.len()).map(Result::ok).collect();
        let mut count = Count::new(self.rule, self.ties, self.quorum.of(self.voters.len()), &weights);
        let ballots: BTreeMap<_, _> = ballots.iter().map(|(name, ballot)| (name.as_str(), ballot)).collect();
        for (at, name) in self.voters.names().enumerate() {
            if let Some(ballot) = ballots.get(name) {
                count.cast(at, (*ballot).clone());
            }
        }
        count
    }

    async fn go_on(&self, voted: &mut Voted<C>) {
        let mut count = self.counted(&voted.ballots);
        let names: Vec<_> = self.voters.names().map(str::to_owned).collect();
        let has: BTreeSet<_> = voted.ballots.iter().map(|(name, _)| name.as_str()).collect();
        let open: Vec<_> = self.voters.names().map(|name| !has.contains(name)).collect();
        let total = open.iter().filter(|open| **open).count();
        let Voted { ballots, parts, .. } = voted;
        let mut run = Run::going_on(&self.terms, Some(total), parts);
        let mut decided_after = count.is_decided().then(|| count.heard());
        if decided_after.is_some() {
            run.end(DECIDED);
        }
        let mut phase = Phase::new(&mut run);
        let voters = self.voters.iter().zip(self.weights()).enumerate();
        for (at, (voter, weight)) in voters.filter(|(at, _)| open[*at]) {
            if let Err(weight) = weight {
                let error = AgentError::message(format!("its weight of {weight} counts nothing"));
                let failure = Some(Failure::NotBegun(error));
                phase.run.add_ended(Part { failure, ..Part::new(voter.name.clone(), Vec::new()) });
                continue;
            }
            let spot = Spot::named(&voter.name).keyed(format!("{at}:{}", voter.name));
            phase.add(spot.costing(voter.costing.as_ref()), (voter.work)(&self.question));
        }
        while let Some((at, result)) = phase.next().await {
            match result {
                Ok(ballot) if phase.run.cut().is_none() => {
                    ballots.extend(names.get(at).map(|name| (name.clone(), ballot.clone())));
                    count.cast(at, ballot);
                }
                Ok(_) => {
                    let cut = phase.run.cut().unwrap_or(&DECIDED);
                    let late = cut.of(&Failure::Stopped(cut.error()));
                    phase.run.reject(at, late);
                }
                Err(_) if decided_after.is_none() => count.miss(at),
                Err(_) => {}
            }
            if decided_after.is_none() && count.is_decided() {
                decided_after = Some(count.heard());
                if !phase.is_idle() {
                    phase.run.end(DECIDED);
                }
            }
        }
        let outcome = match run.cut() {
            None | Some(Cut::Decided(_) | Cut::Enough(_) | Cut::Deadline(_)) => count.outcome(),
            Some(Cut::Owner | Cut::Failures(_) | Cut::Refused(_)) => Err(Undecided::CutShort),
        };
        let tally = count.standings().into_iter().map(|(choice, has)| Tallied {
            choice: choice.clone(),
            weight: has.weight.as_f64(),
            voters: has.voters,
        });
        let tally = tally.collect();
        let parts = run.close().await;
        let named =
            |(at, ballot): (usize, &Ballot<C>)| Some((parts.parts.get(at)?.name.clone(), ballot.clone()));
        *voted = Voted {
            tally,
            ballots: count.ballots().filter_map(named).collect(),
            decided_after: decided_after.unwrap_or_else(|| count.heard()),
            undecided: outcome.as_ref().err().cloned(),
            winner: outcome.ok(),
            parts,
        }
    }
}

runs!([
    Q: Send + Sync + 'a, C: Ord + Clone + Serialize + Send + Sync + 'static
] Vote<'a, Q, C> => Voted<C>);
