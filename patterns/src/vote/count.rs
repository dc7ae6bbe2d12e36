//! How a vote stands: pure.
//!
//! # Invariants
//! 1. Once [`Count::is_decided`], the outcome is the same whatever the voters say who have not been heard yet, but for why there
//!    is no winner.
//! 2. The outcome does not depend on the order in which the voters were heard.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::ballot::{Ballot, Rule, Ties};
use super::report::Undecided;
use super::runoff::runoff;
use super::weight::Weight;

/// Ballots by voter, and what they come to.
pub(super) struct Count<C> {
    rule: Rule,
    ties: Ties,
    quorum: usize,
    voters: Vec<Voter<C>>,
    /// Of ballots for something, by their first choice.
    standings: BTreeMap<C, Standing>,
    /// The most that one of the standings has.
    most: Weight,
    /// Of all standings together.
    cast: Weight,
    /// Of all voters that have not been heard.
    open: Weight,
    /// How many have not been heard.
    waiting: usize,
    /// How many have voted, or abstained.
    voted: usize,
    /// The first who has not been heard.
    first_open: usize,
}

struct Voter<C> {
    weight: Weight,
    heard: Heard<C>,
}

enum Heard<C> {
    Nothing,
    Ballot(Ballot<C>),
    /// There will be none.
    Missing,
}

/// How one choice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) weight: Weight,
    pub(super) voters: usize,
    /// The first voter that is for it.
    pub(super) first: usize,
}

impl<C: Ord + Clone> Count<C> {
    /// A voter without a weight counts nothing: it has been heard, and has no ballot.
    pub(super) fn new(rule: Rule, ties: Ties, quorum: usize, weights: &[Option<Weight>]) -> Self {
        let voters = weights.iter().map(|weight| match weight {
            Some(weight) => Voter { weight: *weight, heard: Heard::Nothing },
            None => Voter { weight: Weight::ZERO, heard: Heard::Missing },
        });
        let mut count = Self {
            rule,
            ties,
            quorum,
            voters: voters.collect(),
            standings: BTreeMap::new(),
            most: Weight::ZERO,
            cast: Weight::ZERO,
            open: weights.iter().flatten().copied().sum(),
            waiting: weights.iter().flatten().count(),
            voted: 0,
            first_open: 0,
        };
        count.skip_heard();
        count
    }

    /// A voter's ballot is in.
    pub(super) fn cast(&mut self, at: usize, ballot: Ballot<C>) {
        let Some(weight) = self.hear(at) else { return };
        self.voted += 1;
        if let Some(choice) = ballot.first() {
            let none = Standing { weight: Weight::ZERO, voters: 0, first: at };
            let standing = self.standings.entry(choice.clone()).or_insert(none);
            standing.weight = standing.weight + weight;
            standing.voters += 1;
            standing.first = standing.first.min(at);
            self.most = self.most.max(standing.weight);
            self.cast = self.cast + weight;
        }
        self.voters[at].heard = Heard::Ballot(ballot);
    }

    /// A voter has no ballot, and will have none.
    pub(super) fn miss(&mut self, at: usize) {
        self.hear(at);
    }

    /// A voter is heard, once. Gives its weight.
    fn hear(&mut self, at: usize) -> Option<Weight> {
        let voter = self.voters.get_mut(at).filter(|voter| matches!(voter.heard, Heard::Nothing))?;
        voter.heard = Heard::Missing;
        let weight = voter.weight;
        self.open = self.open.without(weight);
        self.waiting -= 1;
        self.skip_heard();
        Some(weight)
    }

    fn skip_heard(&mut self) {
        let rest = self.voters.iter().skip(self.first_open);
        self.first_open += rest.take_while(|voter| !matches!(voter.heard, Heard::Nothing)).count();
    }

    /// How many voters have been heard.
    pub(super) const fn heard(&self) -> usize {
        self.voters.len() - self.waiting
    }

    /// Whether a voter is missing for good.
    const fn is_one_missing(&self) -> bool {
        self.voters.len() - self.waiting > self.voted
    }

    /// Whether nothing changes the winner any more.
    pub(super) fn is_decided(&self) -> bool {
        if self.waiting == 0 || self.voted + self.waiting < self.quorum {
            return true;
        }
        let can_win = match self.rule {
            Rule::Unanimous => !self.is_one_missing() && self.standings.len() <= 1,
            // It has its best chance if all the rest is for what has the most.
            Rule::Majority => (self.most + self.open).is_more_than_half_of(self.cast + self.open),
            Rule::Plurality | Rule::Ranked => true,
        };
        if !can_win {
            return true;
        }
        let has_won = match self.rule {
            Rule::Unanimous => false,
            Rule::Majority | Rule::Ranked => self.most.is_more_than_half_of(self.cast + self.open),
            Rule::Plurality => self.has_most_for_good(),
        };
        has_won && self.voted >= self.quorum
    }

    /// Whether no other choice, also one that nobody has named yet, can get as much as the one that has the most.
    fn has_most_for_good(&self) -> bool {
        if self.most < self.open {
            return false;
        }
        let Some((_, leader)) = self.leader() else { return false };
        // If all the rest were for it, and it were named by the first of them.
        let loses = |rival: Weight, first: usize| {
            let most = rival + self.open;
            let is_later = self.ties == Ties::First && leader.first < first.min(self.first_open);
            most < leader.weight || (most == leader.weight && is_later)
        };
        let rivals = self.standings.values().filter(|rival| rival.first != leader.first);
        loses(Weight::ZERO, usize::MAX) && rivals.into_iter().all(|rival| loses(rival.weight, rival.first))
    }

    /// What has the most; among equal ones what was named first.
    fn leader(&self) -> Option<(&C, &Standing)> {
        self.standings.iter().max_by_key(|(_, standing)| (standing.weight, Reverse(standing.first)))
    }

    /// What has won, of the ballots that are in.
    pub(super) fn outcome(&self) -> Result<C, Undecided> {
        let Self { voted, quorum, .. } = *self;
        let too_few = Err(Undecided::NoQuorum { voted, quorum });
        if voted + self.waiting < quorum {
            return too_few;
        }
        // Where it was decided before the quorum was reached, the rule says why there is no winner.
        let choice = self.by_rule()?;
        if voted < quorum { too_few } else { Ok(choice) }
    }

    fn by_rule(&self) -> Result<C, Undecided> {
        if self.rule == Rule::Unanimous && (self.is_one_missing() || self.standings.len() > 1) {
            return Err(Undecided::NotUnanimous);
        }
        let Some((choice, leader)) = self.leader() else { return Err(Undecided::AllAbstained) };
        let is_tied = || {
            let equal = self.standings.values().filter(|standing| standing.weight == leader.weight);
            self.ties == Ties::Open && equal.count() > 1
        };
        match self.rule {
            Rule::Majority if !leader.weight.is_more_than_half_of(self.cast) => Err(Undecided::NoMajority),
            Rule::Plurality if is_tied() => Err(Undecided::Tied),
            Rule::Ranked => {
                let ballots = self.ballots().map(|(at, ballot)| (self.voters[at].weight, ballot.choices()));
                runoff(ballots, self.ties).cloned().ok_or(Undecided::Tied)
            }
            Rule::Majority | Rule::Plurality | Rule::Unanimous => Ok(choice.clone()),
        }
    }

    /// The ballots, each with its voter's position.
    pub(super) fn ballots(&self) -> impl Iterator<Item = (usize, &Ballot<C>)> {
        self.voters.iter().enumerate().filter_map(|(at, voter)| match &voter.heard {
            Heard::Ballot(ballot) => Some((at, ballot)),
            Heard::Nothing | Heard::Missing => None,
        })
    }

    /// How each choice stands, the most first, and among equal ones what was named first.
    pub(super) fn standings(&self) -> Vec<(&C, Standing)> {
        let mut all: Vec<_> = self.standings.iter().map(|(choice, standing)| (choice, *standing)).collect();
        all.sort_by_key(|(_, standing)| (Reverse(standing.weight), standing.first));
        all
    }
}

#[cfg(test)]
#[path = "count/tests.rs"]
mod tests;
