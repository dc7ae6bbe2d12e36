//! Instant run-off: pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::ballot::Ties;
use super::weight::Weight;

/// A ballot on its way: what it weighs, and its choices with the next one last.
struct Paper {
    weight: Weight,
    choices: Vec<usize>,
}

/// The choices that are still in, by what they have: the least first, and among equal ones what was named last.
type Ranks = BTreeSet<(Weight, Reverse<usize>)>;

/// The winner of ballots in the order of their voters, each with its choices, the best first. None if it is tied, or if nothing
/// was chosen.
pub(super) fn runoff<'c, C: Ord>(
    ballots: impl Iterator<Item = (Weight, Vec<&'c C>)>,
    ties: Ties,
) -> Option<&'c C> {
    // In the order in which they were named.
    let mut choices = Vec::new();
    let mut places = BTreeMap::new();
    let mut papers = Vec::new();
    for (weight, named) in ballots {
        let place = |choice: &'c C| {
            *places.entry(choice).or_insert_with(|| {
                choices.push(choice);
                choices.len() - 1
            })
        };
        let mut named: Vec<_> = named.into_iter().map(place).collect();
        named.reverse();
        papers.push(Paper { weight, choices: named });
    }
    let mut piles: Vec<Vec<Paper>> = choices.iter().map(|_| Vec::new()).collect();
    for mut paper in papers {
        if let Some(first) = paper.choices.pop() {
            piles[first].push(paper);
        }
    }
    let weigh = |pile: &Vec<Paper>| pile.iter().map(|paper| paper.weight).sum::<Weight>();
    let mut has: Vec<Weight> = piles.iter().map(weigh).collect();
    let mut ranks: Ranks = has.iter().enumerate().map(|(choice, has)| (*has, Reverse(choice))).collect();
    let mut base: Weight = has.iter().copied().sum();
    loop {
        let (most, Reverse(leader)) = *ranks.last()?;
        if ranks.len() == 1 || most.is_more_than_half_of(base) {
            return choices.get(leader).copied();
        }
        for out in going(&ranks, ties)? {
            ranks.remove(&(has[out], Reverse(out)));
            for mut paper in std::mem::take(&mut piles[out]) {
                let is_in = |choice: &usize| ranks.contains(&(has[*choice], Reverse(*choice)));
                let next = loop {
                    match paper.choices.pop() {
                        Some(choice) if !is_in(&choice) => {}
                        next => break next,
                    }
                };
                match next {
                    Some(next) => {
                        ranks.remove(&(has[next], Reverse(next)));
                        has[next] = has[next] + paper.weight;
                        ranks.insert((has[next], Reverse(next)));
                        piles[next].push(paper);
                    }
                    None => base = base.without(paper.weight),
                }
            }
        }
    }
}

/// Those that go out next. None if that is a tie.
fn going(ranks: &Ranks, ties: Ties) -> Option<Vec<usize>> {
    let (least, Reverse(last_named)) = *ranks.first()?;
    let equal = ranks.iter().take_while(|(weight, _)| *weight == least);
    let lowest: Vec<_> = equal.map(|(_, Reverse(choice))| *choice).collect();
    let together: Weight = lowest.iter().map(|_| least).sum();
    let is_safe = ranks.iter().nth(lowest.len()).is_some_and(|(next, _)| together < *next);
    match ties {
        _ if lowest.len() == 1 || is_safe => Some(lowest),
        Ties::First => Some(vec![last_named]),
        Ties::Open => None,
    }
}
