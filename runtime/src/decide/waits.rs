//! The way by which a wait would close a circle, in a graph of who waits for whom: pure.

use std::collections::{BTreeMap, VecDeque};

/// The shortest way from `from` to `goal` along what `next` gives, with both ends; none if there is none. What is in the
/// graph is asked for once a node, so a circle elsewhere does no harm.
pub(crate) fn way<N: Clone + Ord>(from: N, goal: &N, mut next: impl FnMut(&N) -> Vec<N>) -> Option<Vec<N>> {
    let mut came_from: BTreeMap<N, Option<N>> = BTreeMap::from([(from.clone(), None)]);
    let mut open = VecDeque::from([from]);
    while let Some(here) = open.pop_front() {
        if here == *goal {
            return Some(back(&came_from, here));
        }
        for there in next(&here) {
            if !came_from.contains_key(&there) {
                came_from.insert(there.clone(), Some(here.clone()));
                open.push_back(there);
            }
        }
    }
    None
}

fn back<N: Clone + Ord>(came_from: &BTreeMap<N, Option<N>>, end: N) -> Vec<N> {
    let mut way = vec![end];
    while let Some(Some(before)) = way.last().and_then(|here| came_from.get(here)) {
        way.push(before.clone());
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::way;
    use proptest::prelude::*;

    const NODES: usize = 8;

    fn next(edges: &[(usize, usize)], here: usize) -> Vec<usize> {
        edges.iter().filter(|(from, _)| *from == here).map(|(_, to)| *to).collect()
    }

    /// Warshall's closure: whether one is reached from the other, itself in no step.
    fn reaches(edges: &[(usize, usize)]) -> [[bool; NODES]; NODES] {
        let mut reached = [[false; NODES]; NODES];
        for (node, row) in reached.iter_mut().enumerate() {
            row[node] = true;
        }
        for (from, to) in edges {
            reached[*from][*to] = true;
        }
        for over in 0..NODES {
            for from in 0..NODES {
                for to in 0..NODES {
                    reached[from][to] |= reached[from][over] && reached[over][to];
                }
            }
        }
        reached
    }

    fn edges() -> impl Strategy<Value = Vec<(usize, usize)>> {
        prop::collection::vec((0..NODES, 0..NODES), 0..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_way_is_found_exactly_where_there_is_one(edges in edges(), from in 0..NODES, to in 0..NODES) {
            let found = way(from, &to, |here| next(&edges, *here));
            prop_assert_eq!(found.is_some(), reaches(&edges)[from][to]);
            if let Some(found) = found {
                prop_assert_eq!((found.first(), found.last()), (Some(&from), Some(&to)));
                prop_assert!(found.windows(2).all(|step| edges.contains(&(step[0], step[1]))), "{found:?}");
                prop_assert!((1..found.len()).all(|at| !found[at..].contains(&found[at - 1])), "{found:?}");
            }
        }

        #[test]
        fn waits_that_close_no_way_back_leave_no_circle(asked in edges(), ends in prop::collection::vec(any::<u8>(), 20)) {
            let mut standing: Vec<(usize, usize)> = Vec::new();
            for (at, (from, to)) in asked.into_iter().enumerate() {
                if way(to, &from, |here| next(&standing, *here)).is_none() {
                    standing.push((from, to));
                } else {
                    prop_assert!(reaches(&standing)[to][from], "refused without a reason");
                }
                if ends[at] % 3 == 0 && !standing.is_empty() {
                    standing.remove(usize::from(ends[at]) % standing.len());
                }
                let reached = reaches(&standing);
                prop_assert!(standing.iter().all(|(from, to)| !reached[*to][*from]), "{standing:?}");
            }
        }
    }
}
