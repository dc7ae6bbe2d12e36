//! Rankings of answers that bear labels in the place of names: pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The labels of answers, the best first: each exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranking(pub Vec<String>);

impl Ranking {
    /// Reads a ranking that says labels and nothing else, the best first, in whatever way they are parted and numbered:
    /// `B > A > C`, `B, A, C`, `["B", "A", "C"]`, or a line for each such as `1. B`.
    ///
    /// # Errors
    /// Whatever else is said, since a word such as `A` may be a label or not.
    pub fn parse<T: AsRef<str> + ?Sized>(text: &T) -> Result<Self, String> {
        let words = text.as_ref().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let mut labels = Vec::new();
        for word in words {
            if word.chars().all(|c| c.is_ascii_uppercase()) {
                labels.push(word.to_owned());
            } else if !word.chars().all(|c| c.is_ascii_digit()) {
                let word: String = word.chars().take(40).collect();
                return Err(format!(
                    "`{word}` is no label: say the labels alone, the best first, such as B > A > C"
                ));
            }
        }
        Ok(Self(labels))
    }

    /// Whether it has each of these labels once and no other, which are sorted.
    pub(super) fn check(&self, labels: &BTreeSet<String>) -> Result<(), String> {
        let mut named = BTreeSet::new();
        for label in &self.0 {
            if !labels.contains(label) {
                let label: String = label.chars().take(40).collect();
                return Err(format!("there is no answer `{label}`"));
            }
            if !named.insert(label) {
                return Err(format!("`{label}` stands in it twice"));
            }
        }
        match labels.iter().find(|label| !named.contains(label)) {
            Some(label) => Err(format!("`{label}` is missing")),
            None => Ok(()),
        }
    }
}

/// The label of an answer: A to Z, then AA, AB and so on.
pub(super) fn label(at: usize) -> String {
    let (mut rest, mut label) = (at, Vec::new());
    loop {
        label.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        match (rest / 26).checked_sub(1) {
            Some(more) => rest = more,
            None => return label.into_iter().rev().collect(),
        }
    }
}

/// How much rankings agree, by Kendall's W: 1 if all are the same, 0 if every answer has the same mean rank. Each gives the rank of
/// each answer, from 1. None for fewer than two rankings or answers: one agrees with itself, which says nothing.
///
/// Kendall and Babington Smith, "The Problem of m Rankings" (1939), without ties.
#[allow(clippy::cast_precision_loss, reason = "a figure from 0 to 1")]
pub(super) fn agreement(rankings: &[Vec<usize>], answers: usize) -> Option<f64> {
    let (m, n) = (rankings.len() as i128, answers as i128);
    if m < 2 || n < 2 {
        return None;
    }
    // Twice the distance of each sum of ranks from the mean, so that all of it is whole.
    let far = |answer: usize| {
        let sum: i128 = rankings.iter().filter_map(|ranks| ranks.get(answer)).map(|rank| *rank as i128).sum();
        2 * sum - m * (n + 1)
    };
    let squares: i128 = (0..answers).map(far).map(|far| far * far).sum();
    Some((3 * squares) as f64 / (m * m * (n * n * n - n)) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(labels: &str) -> Ranking {
        Ranking(labels.chars().map(String::from).collect())
    }

    #[test]
    fn labels_go_on_after_the_alphabet() {
        let labels: Vec<_> = [0, 1, 25, 26, 27, 51, 52, 701, 702].map(label).into_iter().collect();
        assert_eq!(labels, ["A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]);
        let many: BTreeSet<_> = (0..20_000).map(label).collect();
        assert_eq!(many.len(), 20_000);
    }

    #[test]
    fn a_ranking_is_read_in_many_ways_and_never_out_of_prose() {
        for text in ["B > A > C", "B,A,C", "[\"B\", \"A\", \"C\"]", "1. B\n2. A\n3. C\n", "B>A>C."] {
            assert_eq!(Ranking::parse(text), Ok(ranking("BAC")), "{text}");
        }
        assert_eq!(Ranking::parse("AA > Z").unwrap().0, ["AA", "Z"]);
        let error = Ranking::parse("A good answer is B").unwrap_err();
        assert!(error.starts_with("`good` is no label"), "{error}");
        assert_eq!(Ranking::parse(""), Ok(Ranking(vec![])));
    }

    #[test]
    fn a_ranking_has_each_answer_once() {
        let labels: BTreeSet<_> = (0..3).map(label).collect();
        let check = |labels_of: &str| ranking(labels_of).check(&labels);
        assert_eq!(check("CAB"), Ok(()));
        assert_eq!(check("CAD"), Err("there is no answer `D`".to_owned()));
        assert_eq!(check("CAA"), Err("`A` stands in it twice".to_owned()));
        assert_eq!(check("CB"), Err("`A` is missing".to_owned()));
    }

    #[test]
    fn agreement_goes_from_none_to_all() {
        let same = vec![vec![1, 2, 3]; 4];
        assert_eq!(agreement(&same, 3), Some(1.0));
        assert_eq!(agreement(&[vec![1, 2, 3], vec![3, 2, 1]], 3), Some(0.0));
        // Three judges of six wines.
        let judges = [vec![5, 6, 2, 3, 4, 1], vec![4, 3, 6, 2, 5, 1], vec![2, 5, 1, 3, 4, 6]];
        let squares: f64 =
            [11.0, 14.0, 9.0, 8.0, 13.0, 8.0].iter().map(|sum: &f64| (sum - 10.5).powi(2)).sum();
        let by_hand = 12.0 * squares / (9.0 * (216.0 - 6.0));
        assert!((agreement(&judges, 6).unwrap() - by_hand).abs() < 1e-12);
        assert_eq!(agreement(&same[..1], 3), None, "one agrees with itself");
        assert_eq!(agreement(&[vec![1], vec![1]], 1), None, "there is nothing to rank");
        assert_eq!(agreement(&[], 0), None);
    }
}
