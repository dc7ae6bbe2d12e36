//! Partitions of items, for a fan-out or a map-reduce over more than one item at a time: pure.
//!
//! ```
//! # use skep_patterns::split;
//! assert_eq!(split::even(1..=7, 3), [vec![1, 2, 3], vec![4, 5], vec![6, 7]]);
//! assert_eq!(split::by_weight(["a", "bcd", "ef", "g"], 3, |text| text.len() as u64), [vec!["a"], vec!["bcd"], vec!["ef", "g"]]);
//! let by_length = split::by_key(["ant", "bee", "wasp"], |name| name.len());
//! assert_eq!(by_length, [(3, vec!["ant", "bee"]), (4, vec!["wasp"])]);
//! ```

use std::collections::BTreeMap;

/// So many parts of neighbours (at least 1), of which none has more than one item more than another. Fewer items than parts
/// give a part each: no part is empty.
pub fn even<I>(items: impl IntoIterator<Item = I>, parts: usize) -> Vec<Vec<I>> {
    let items: Vec<I> = items.into_iter().collect();
    let parts = parts.clamp(1, items.len().max(1));
    let (each, longer) = (items.len() / parts, items.len() % parts);
    let mut items = items.into_iter();
    let sizes = (0..parts).map(|at| each + usize::from(at < longer));
    sizes.map(|size| items.by_ref().take(size).collect()).filter(|part: &Vec<I>| !part.is_empty()).collect()
}

/// Neighbours together while their weights come to `most` at most. An item that is heavier stands alone.
pub fn by_weight<I>(items: impl IntoIterator<Item = I>, most: u64, weigh: impl Fn(&I) -> u64) -> Vec<Vec<I>> {
    let mut parts: Vec<Vec<I>> = Vec::new();
    // What the last part can still take; none if it is over the bound by one item alone.
    let mut room = None;
    for item in items {
        let weight = weigh(&item);
        match parts.last_mut().filter(|_| room.is_some_and(|room| weight <= room)) {
            Some(part) => part.push(item),
            None => {
                room = Some(most);
                parts.push(vec![item]);
            }
        }
        room = room.and_then(|room: u64| room.checked_sub(weight));
    }
    parts
}

/// The items of each key together, in their order; the keys in theirs.
pub fn by_key<I, K: Ord>(items: impl IntoIterator<Item = I>, key: impl Fn(&I) -> K) -> Vec<(K, Vec<I>)> {
    let mut parts: BTreeMap<K, Vec<I>> = BTreeMap::new();
    for item in items {
        parts.entry(key(&item)).or_default().push(item);
    }
    parts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_parts_differ_by_one_item_at_most_and_lose_none() {
        for items in 0..40_usize {
            for parts in 0..12 {
                let split = even(0..items, parts);
                assert_eq!(split.concat(), (0..items).collect::<Vec<_>>());
                assert_eq!(split.len(), parts.max(1).min(items), "{items} in {parts}");
                let sizes = || split.iter().map(Vec::len);
                assert!(sizes().max().unwrap_or(0) - sizes().min().unwrap_or(0) <= 1);
            }
        }
    }

    #[test]
    fn neighbours_stand_together_while_they_fit_and_a_heavy_one_stands_alone() {
        assert_eq!(by_weight([2, 2, 9, 1, 3, 0], 4, |n| *n), [vec![2, 2], vec![9], vec![1, 3, 0]]);
        assert_eq!(by_weight([9, 0, 1], 4, |n| *n), [vec![9], vec![0, 1]]);
        assert_eq!(by_weight([1, 1], 0, |n| *n), [[1], [1]]);
        assert_eq!(by_weight([u64::MAX, u64::MAX], u64::MAX, |n| *n).len(), 2);
        assert_eq!(by_weight([0_u64; 0], 4, |n| *n), [[0; 0]; 0]);
    }

    #[test]
    fn the_items_of_a_key_keep_their_order() {
        let parts = by_key([3, 1, 4, 1, 5, 9], |n| n % 2);
        assert_eq!(parts, [(0, vec![4]), (1, vec![3, 1, 1, 5, 9])]);
    }
}
