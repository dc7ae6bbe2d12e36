//! The count against itself: whatever is heard in whatever order, and against all that could still be heard.

use super::*;

/// A stream of numbers that its seed fixes.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    fn ballot(&mut self) -> Option<Ballot<u64>> {
        match self.below(8) {
            0 => None,
            1 => Some(Ballot::Abstain),
            2 | 3 => Some(Ballot::Ranked((0..self.below(4)).map(|_| self.below(3)).collect())),
            _ => Some(Ballot::For(self.below(3))),
        }
    }
}

fn votes(rule: Rule, ties: Ties, quorum: usize, ballots: &[(f64, &str)]) -> Result<char, Undecided> {
    let weights: Vec<_> = ballots.iter().map(|(weight, _)| Weight::of(*weight)).collect();
    let mut count = Count::new(rule, ties, quorum, &weights);
    for (at, (_, ballot)) in ballots.iter().enumerate() {
        match *ballot {
            "-" => count.miss(at),
            ranks => count.cast(at, Ballot::Ranked(ranks.chars().collect())),
        }
    }
    assert!(count.is_decided(), "all were heard");
    count.outcome()
}

fn plain(rule: Rule, ties: Ties, ballots: &[&str]) -> Result<char, Undecided> {
    votes(rule, ties, 1, &ballots.iter().map(|ballot| (1.0, *ballot)).collect::<Vec<_>>())
}

#[test]
fn a_majority_is_more_than_half_of_what_was_voted_for_something() {
    let majority = |ballots: &[&str]| plain(Rule::Majority, Ties::First, ballots);
    assert_eq!(majority(&["a", "a", "b"]), Ok('a'));
    assert_eq!(majority(&["a", "a", "b", "b"]), Err(Undecided::NoMajority), "two halves are none");
    assert_eq!(majority(&["a", "", "-", ""]), Ok('a'));
    assert_eq!(majority(&["", ""]), Err(Undecided::AllAbstained));
    assert_eq!(majority(&[]), Err(Undecided::NoQuorum { voted: 0, quorum: 1 }));
    let weights = [(0.1, "a"), (0.2, "a"), (0.3, "b"), (f64::NAN, "a"), (-1.0, "b")];
    assert_eq!(votes(Rule::Plurality, Ties::Open, 1, &weights), Err(Undecided::Tied), "0.1 and 0.2 are 0.3");
    assert_eq!(
        votes(Rule::Majority, Ties::Open, 4, &weights),
        Err(Undecided::NoQuorum { voted: 3, quorum: 4 })
    );
}

#[test]
fn a_tie_is_open_or_falls_to_what_the_first_voter_named() {
    assert_eq!(plain(Rule::Plurality, Ties::Open, &["b", "a", "a", "b", "c"]), Err(Undecided::Tied));
    assert_eq!(plain(Rule::Plurality, Ties::First, &["b", "a", "a", "b", "c"]), Ok('b'));
    assert_eq!(plain(Rule::Plurality, Ties::Open, &["b", "a", "a", "", "c"]), Ok('a'));
}

#[test]
fn all_have_to_vote_for_a_vote_to_be_unanimous() {
    let unanimous = |ballots: &[&str]| plain(Rule::Unanimous, Ties::Open, ballots);
    assert_eq!(unanimous(&["a", "a", ""]), Ok('a'));
    assert_eq!(unanimous(&["a", "a", "-"]), Err(Undecided::NotUnanimous), "one is missing");
    assert_eq!(unanimous(&["a", "a", "b"]), Err(Undecided::NotUnanimous));
    let weightless = votes(Rule::Unanimous, Ties::Open, 1, &[(1.0, "a"), (f64::NAN, "a")]);
    assert_eq!(weightless, Err(Undecided::NotUnanimous));
}

#[test]
fn a_run_off_passes_ballots_on_until_one_has_more_than_half() {
    let ranked = |ties, ballots: &[&str]| plain(Rule::Ranked, ties, ballots);
    assert_eq!(ranked(Ties::Open, &["a", "a", "b", "b", "cb"]), Ok('b'));
    // a: 4, b: 3, c: 2. c goes out, and one of its two is used up.
    assert_eq!(ranked(Ties::Open, &["a", "a", "a", "a", "b", "b", "b", "cb", "c"]), Err(Undecided::Tied));
    assert_eq!(ranked(Ties::First, &["a", "a", "a", "a", "b", "b", "b", "cb", "c"]), Ok('a'));
    // Out together: c and d have less than b, in whatever order they go.
    assert_eq!(ranked(Ties::Open, &["a", "a", "a", "b", "b", "b", "cb", "da", "b"]), Ok('b'));
    // d is nobody's first and goes before all; a ballot skips what is out.
    assert_eq!(ranked(Ties::Open, &["adc", "a", "cda", "bdc", "b", "cdb", "c"]), Err(Undecided::Tied));
    assert_eq!(ranked(Ties::First, &["adc", "a", "cda", "bdc", "b", "cdb", "c"]), Ok('c'));
    assert_eq!(ranked(Ties::Open, &["aab", "aab", "b"]), Ok('a'), "named twice counts once");
    assert_eq!(ranked(Ties::Open, &["", "-", "b"]), Ok('b'));
}

/// Against a run-off that is written as it is explained.
#[test]
fn the_run_off_agrees_with_a_plain_one() {
    let mut chance = Chance(11);
    for _ in 0..20_000 {
        let voters = chance.below(9);
        let ballots: Vec<(Weight, Vec<u64>)> = (0..voters)
            .map(|_| {
                let ballot = chance.ballot().unwrap_or(Ballot::Abstain);
                (
                    Weight::of(chance.pick(&[1.0, 1.0, 2.0])).unwrap(),
                    ballot.choices().into_iter().copied().collect(),
                )
            })
            .collect();
        let lent = ballots.iter().map(|(weight, ranks)| (*weight, ranks.iter().collect()));
        assert_eq!(runoff(lent, Ties::First).copied(), by_hand(&ballots), "{ballots:?}");
    }
}

fn by_hand(ballots: &[(Weight, Vec<u64>)]) -> Option<u64> {
    let mut named: Vec<u64> = Vec::new();
    for choice in ballots.iter().flat_map(|(_, ranks)| ranks) {
        if !named.contains(choice) {
            named.push(*choice);
        }
    }
    loop {
        let has = |choice: &u64| -> Weight {
            let best = |ranks: &Vec<u64>| ranks.iter().find(|choice| named.contains(choice)).copied();
            ballots.iter().filter(|(_, ranks)| best(ranks) == Some(*choice)).map(|(weight, _)| *weight).sum()
        };
        let all: Weight = named.iter().map(has).sum();
        if let Some(won) = named.iter().find(|choice| has(choice).is_more_than_half_of(all)) {
            return Some(*won);
        }
        if named.len() <= 1 {
            return named.first().copied();
        }
        // The least; of equal ones the one that was named last.
        let out = named.iter().copied().rev().min_by_key(has)?;
        named.retain(|choice| *choice != out);
    }
}

/// Invariants 1 and 2: when it is said to be decided, every end of it gives the same winner, in whatever order it is heard; and it
/// is said as soon as that is so.
#[test]
fn what_is_decided_is_the_same_in_every_end_of_it() {
    let mut chance = Chance(7);
    for round in 0..1_500 {
        let rule = chance.pick(&[Rule::Majority, Rule::Plurality, Rule::Unanimous, Rule::Ranked]);
        let ties = chance.pick(&[Ties::Open, Ties::First]);
        let voters = chance.below(5) as usize;
        let quorum = 1 + chance.below(voters as u64 + 2) as usize;
        let weigh = |chance: &mut Chance| Weight::of(chance.pick(&[1.0, 1.0, 1.0, 0.5, 2.0, f64::NAN]));
        let weights: Vec<_> = (0..voters).map(|_| weigh(&mut chance)).collect();
        let mut order: Vec<_> = (0..voters).filter(|at| weights[*at].is_some()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, chance.below(at as u64 + 1) as usize);
        }
        let ballots: Vec<_> = (0..voters).map(|_| chance.ballot()).collect();
        let heard = chance.below(order.len() as u64 + 1) as usize;
        let count_of = |order: &[usize], ballots: &[Option<Ballot<u64>>]| {
            let mut count = Count::new(rule, ties, quorum, &weights);
            for at in order {
                match &ballots[*at] {
                    Some(ballot) => count.cast(*at, ballot.clone()),
                    None => count.miss(*at),
                }
            }
            count
        };
        let now = count_of(&order[..heard], &ballots);
        let mut ends = std::collections::BTreeSet::new();
        for_each_end(&order[heard..], &mut ballots.clone(), &mut |ballots| {
            ends.insert(count_of(&order, ballots).outcome().ok());
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(count_of(&sorted, ballots).outcome(), count_of(&order, ballots).outcome());
        });
        let told = format!(
            "{round}: {rule:?} {ties:?} {quorum} {weights:?} {ballots:?} {:?} | {ends:?}",
            &order[..heard]
        );
        if now.is_decided() {
            assert_eq!(ends.len(), 1, "{told}");
            assert_eq!(ends.first(), Some(&now.outcome().ok()), "{told}");
        } else if rule != Rule::Ranked {
            assert!(ends.len() > 1, "it was decided already: {told}");
        }
    }
}

type See<'s> = dyn FnMut(&[Option<Ballot<u64>>]) + 's;

/// All that voters could still say, with a choice that nobody has named yet.
fn for_each_end(rest: &[usize], ballots: &mut Vec<Option<Ballot<u64>>>, see: &mut See<'_>) {
    let Some((first, rest)) = rest.split_first() else { return see(ballots) };
    let says =
        [None, Some(Ballot::Abstain)].into_iter().chain((0..4).map(|choice| Some(Ballot::For(choice))));
    for ballot in says {
        ballots[*first] = ballot;
        for_each_end(rest, ballots, see);
    }
}
