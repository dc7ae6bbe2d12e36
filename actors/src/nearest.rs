//! What somebody may have meant: the known name that is the fewest changes away from an unknown one.

/// Longer names are not a typing error, and are not compared.
const LONGEST: usize = 64;

/// The known name nearest to an unknown one: at most a third of its letters may differ, and always at least one. If
/// several are equally near, the first.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > LONGEST {
        return None;
    }
    let most = (name.chars().count() / 3).max(1);
    let known = known.into_iter().filter(|known| known.len() <= LONGEST);
    let near = known.map(|known| (changes(name, known), known)).filter(|(changes, _)| *changes <= most);
    near.min_by_key(|(changes, _)| *changes).map(|(_, known)| known)
}

/// The end of an error message: the nearest name, or else all known names.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str> + Clone) -> String {
    if let Some(nearest) = nearest(name, known.clone()) {
        return format!("did you mean {nearest:?}?");
    }
    let all: Vec<_> = known.into_iter().collect();
    match &all[..] {
        [] => "there is none".to_owned(),
        all => format!("there is {}", all.join(", ")),
    }
}

/// How many letters have to be inserted, removed, replaced, or swapped with the next one to turn one name into the other.
fn changes(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // The rows of the table for the letter before the last, for the last one, and for this one.
    let (mut before, mut last) = (vec![0; b.len() + 1], (0..=b.len()).collect::<Vec<_>>());
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slip_is_known_and_a_stranger_is_not() {
        let known = ["writer", "reviewer", "fact-checker"];
        for (slip, meant) in [("writr", "writer"), ("wirter", "writer"), ("Reviewer", "reviewer")] {
            assert_eq!(nearest(slip, known), Some(meant), "{slip}");
        }
        assert_eq!(nearest("editor", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(did_you_mean("editor", known), "there is writer, reviewer, fact-checker");
        assert_eq!(did_you_mean("writr", known), "did you mean \"writer\"?");
        assert_eq!(did_you_mean("writer", []), "there is none");
    }

    proptest! {
        #[test]
        fn it_counts_the_same_both_ways_and_nothing_between_equals(a in ".{0,12}", b in ".{0,12}") {
            prop_assert_eq!(changes(&a, &b), changes(&b, &a));
            prop_assert_eq!(changes(&a, &b) == 0, a == b);
            prop_assert!(changes(&a, &b) <= a.chars().count().max(b.chars().count()));
        }
    }
}
