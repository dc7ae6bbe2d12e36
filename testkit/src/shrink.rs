//! The least of a list with which something still happens: delta debugging, as a function of a list and a question.
//!
//! # Invariants
//! 1. What is returned was asked about and the answer was yes, or it is the list that was given.
//! 2. If the questions sufficed, nothing of what is returned can be left out alone.
//! 3. A list is asked about once; the questions are bounded.
//!
//! The way of halving is `ddmin` of Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input* (2002).

/// What is left of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shrunk<T> {
    /// What matters, in its old order.
    pub(crate) kept: Vec<T>,
    /// How many lists were asked about.
    pub(crate) asked: usize,
    /// Whether nothing of it can be left out alone. Else the questions did not suffice.
    pub(crate) is_minimal: bool,
}

/// Looks for the least of a list with which something still happens.
pub(crate) struct Search<T, F> {
    happens: F,
    known: Vec<(Vec<T>, bool)>,
    most: usize,
    is_over: bool,
}

impl<T: Clone + PartialEq, F: FnMut(&[T]) -> bool> Search<T, F> {
    /// A search that asks about at most so many lists.
    pub(crate) const fn new(most: usize, happens: F) -> Self {
        Self { happens, known: Vec::new(), most, is_over: false }
    }

    /// How many lists were asked about so far.
    pub(crate) const fn asked(&self) -> usize {
        self.known.len()
    }

    /// Whether it happens with this list; no, where it is not known and no more may be asked.
    pub(crate) fn happens(&mut self, list: &[T]) -> bool {
        if let Some((_, answer)) = self.known.iter().find(|(known, _)| known == list) {
            return *answer;
        }
        if self.known.len() == self.most {
            self.is_over = true;
            return false;
        }
        let answer = (self.happens)(list);
        self.known.push((list.to_vec(), answer));
        answer
    }

    /// The part of a list that matters. It has to happen with all of it.
    pub(crate) fn least(&mut self, list: Vec<T>) -> Shrunk<T> {
        let kept = if self.happens(&[]) { Vec::new() } else { self.halve(list) };
        self.shrunk(kept)
    }

    /// The same, after each element was replaced by what is simpler, as long as it still happens. `simpler` gives the
    /// candidates, best first, and none for what is as simple as can be; `together` gives whole lists that are simpler in
    /// several elements at once, for those that only go together.
    pub(crate) fn simplest(
        &mut self,
        list: Vec<T>,
        simpler: impl Fn(&T) -> Vec<T>,
        together: impl Fn(&[T]) -> Vec<Vec<T>>,
    ) -> Shrunk<T> {
        let mut kept = self.least(list).kept;
        loop {
            for place in 0..kept.len() {
                while let Some(better) = self.better(&kept, place, &simpler) {
                    kept = better;
                }
            }
            match together(&kept).into_iter().find(|list| self.happens(list)) {
                Some(better) => kept = better,
                None => break,
            }
        }
        // What got simpler may stand for what stood beside it.
        self.least(kept)
    }

    fn better(&mut self, kept: &[T], place: usize, simpler: &impl Fn(&T) -> Vec<T>) -> Option<Vec<T>> {
        let with = |candidate| {
            let mut list = kept.to_vec();
            list[place] = candidate;
            list
        };
        simpler(&kept[place]).into_iter().map(with).find(|list| self.happens(list))
    }

    fn halve(&mut self, mut kept: Vec<T>) -> Vec<T> {
        let mut parts = 2;
        while kept.len() > 1 && !self.is_over {
            let size = kept.len().div_ceil(parts);
            if let Some(part) = kept.chunks(size).find(|part| self.happens(part)) {
                (kept, parts) = (part.to_vec(), 2);
            } else if let Some(rest) = self.without_one(&kept, size) {
                (kept, parts) = (rest, parts.saturating_sub(1).max(2));
            } else if size == 1 {
                break;
            } else {
                parts *= 2;
            }
        }
        kept
    }

    /// All but one part of this size.
    fn without_one(&mut self, kept: &[T], size: usize) -> Option<Vec<T>> {
        let without = |from: usize| {
            let until = (from + size).min(kept.len());
            [&kept[..from], &kept[until..]].concat()
        };
        (0..kept.len()).step_by(size).map(without).find(|rest| self.happens(rest))
    }

    fn shrunk(&self, kept: Vec<T>) -> Shrunk<T> {
        Shrunk { kept, asked: self.asked(), is_minimal: !self.is_over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dice;

    /// Something that happens if all of one of these groups are there, and, for some, only with an even number beside them.
    struct Riddle {
        groups: Vec<Vec<u64>>,
        is_fickle: bool,
    }

    impl Riddle {
        fn of(dice: &mut Dice, size: u64) -> Self {
            let mut group = || (0..dice.between(1, 5)).map(|_| dice.below(size)).collect::<Vec<_>>();
            let groups = vec![group(), group()];
            Self { groups, is_fickle: dice.chance(400) }
        }

        fn happens(&self, list: &[u64]) -> bool {
            let has = |group: &Vec<u64>| group.iter().all(|wanted| list.iter().any(|it| it / 100 == *wanted));
            self.groups.iter().any(has) && (!self.is_fickle || list.len() % 3 != 2)
        }
    }

    fn assert_minimal(riddle: &Riddle, kept: &[u64]) {
        for without in 0..kept.len() {
            let mut rest = kept.to_vec();
            rest.remove(without);
            assert!(!riddle.happens(&rest), "{} can be left out of {kept:?}", kept[without]);
        }
    }

    #[test]
    fn what_is_left_still_makes_it_happen_and_nothing_of_it_can_be_left_out() {
        let mut dice = Dice::seeded(14);
        for _ in 0..3_000 {
            let size = dice.between(1, 40);
            let riddle = Riddle::of(&mut dice, size);
            // A hundred times its number, plus how far it is from simple.
            let list: Vec<u64> = (0..size).map(|number| number * 100 + dice.below(9)).collect();
            if !riddle.happens(&list) {
                continue;
            }
            let most = if dice.chance(300) { dice.below(30) } else { 5_000 } as usize;
            let mut asked = 0;
            let mut search = Search::new(most, |list: &[u64]| {
                asked += 1;
                riddle.happens(list)
            });
            let simpler =
                |it: &u64| if it.is_multiple_of(100) { vec![] } else { vec![it - it % 100, it - 1] };
            let shrunk = search.simplest(list.clone(), simpler, |_| Vec::new());
            assert!(riddle.happens(&shrunk.kept), "{shrunk:?}");
            assert!(
                shrunk.kept.is_sorted()
                    && shrunk.kept.iter().all(|it| list.iter().any(|of| of / 100 == it / 100))
            );
            assert!(asked <= most && asked == shrunk.asked, "{asked} of {most}");
            if shrunk.is_minimal {
                assert_minimal(&riddle, &shrunk.kept);
                assert!(shrunk.kept.iter().all(|it| it % 100 == 0), "{shrunk:?}");
            } else {
                assert_eq!(asked, most);
            }
        }
    }

    #[test]
    fn one_of_a_thousand_is_found_in_a_few_questions() {
        let mut search = Search::new(100, |list: &[u32]| list.contains(&617));
        let shrunk = search.least((0..1_000).collect());
        assert_eq!((&*shrunk.kept, shrunk.is_minimal), (&[617][..], true));
        assert!(shrunk.asked < 40, "{}", shrunk.asked);
    }

    #[test]
    fn what_happens_anyway_needs_nothing_and_one_question() {
        let shrunk = Search::new(9, |_: &[u32]| true).least(vec![1, 2, 3]);
        assert_eq!(shrunk, Shrunk { kept: vec![], asked: 1, is_minimal: true });
    }

    #[test]
    fn elements_that_only_get_simpler_together_do() {
        // Two numbers that have to be one apart.
        let mut search =
            Search::new(1_000, |list: &[u64]| list.len() == 2 && list[0] + 1 == list[1] && list[0] > 2);
        let less = |it: &u64| (1..*it).collect();
        let both = |list: &[u64]| {
            list.iter().map(|it| it.checked_sub(1)).collect::<Option<_>>().into_iter().collect()
        };
        assert_eq!(search.simplest(vec![7, 8], less, |_| Vec::new()).kept, [7, 8]);
        let shrunk = search.simplest(vec![7, 8], less, both);
        assert_eq!((shrunk.kept, shrunk.is_minimal), (vec![3, 4], true));
    }
}
