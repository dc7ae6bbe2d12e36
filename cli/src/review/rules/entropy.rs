//! How random a text is: what tells a secret from a name.

use std::collections::BTreeMap;

/// Shannon entropy of the text in bits a character; 0 for an empty one. Words stay below 3.3 or so, random
/// letters and digits of twenty characters come to 3.7 and more.
pub(super) fn bits_per_character(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    let mut length = 0_u32;
    for letter in text.chars() {
        *counts.entry(letter).or_default() += 1;
        length = length.saturating_add(1);
    }
    counts.values().map(|count| f64::from(*count) / f64::from(length)).map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_carries_more_than_words() {
        assert!(bits_per_character("").abs() < f64::EPSILON);
        assert!(bits_per_character("aaaaaaaaaaaaaaaa") < 0.1);
        assert!(bits_per_character("password_password") < 3.2);
        assert!(bits_per_character("tR7xQ2mZ9vKp4LwB8nYc") > 4.0);
    }
}
