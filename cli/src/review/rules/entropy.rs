//! How random a text is: what tells a secret from a name.

use std::collections::BTreeMap;

/// Whether the text may be a secret: letters and digits in it, and at least so many bits a character. Names and
/// sentences seldom hold a digit, numbers no letter.
pub(super) fn looks_random(text: &str, least_bits: f64) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
        && text.contains(|c: char| c.is_ascii_alphabetic())
        && bits_per_character(text) >= least_bits
}

/// Shannon entropy of the text in bits a character; 0 for an empty one. Words stay below 3.3 or so, random
/// letters and digits of twenty characters come to 3.7 and more.
fn bits_per_character(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    let mut length = 0_u32;
    for letter in text.chars() {
        *counts.entry(letter).or_default() += 1;
        length = length.saturating_add(1);
    }
    counts
        .values()
        .map(|count| f64::from(*count) / f64::from(length))
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_no_secrets() {
        assert!(looks_random("tR7xQ2mZ9vKp4LwB8nYc", 3.6));
        for name in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "1234567890987654321", "abababab1abababab"] {
            assert!(!looks_random(name, 3.6), "{name}");
        }
    }

    #[test]
    fn random_text_carries_more_than_words() {
        assert!(bits_per_character("").abs() < f64::EPSILON);
        assert!(bits_per_character("aaaaaaaaaaaaaaaa") < 0.1);
        assert!(bits_per_character("password_password") < 3.2);
        assert!(bits_per_character("tR7xQ2mZ9vKp4LwB8nYc") > 4.0);
    }
}
