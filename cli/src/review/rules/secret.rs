//! What tells a secret from a name: how random a text is, and how it is put together.

use std::collections::BTreeMap;

/// A password that people make up has letters of both sizes, digits and a sign; it need not be long. Bits a character.
const MIXED: f64 = 2.8;

/// Whether `value`, which is given to `name`, may be a secret: it carries so many bits a character, or all that a password has
/// to have. Names and sentences are none, nor is what says its own name.
pub(super) fn is_secret(name: &str, value: &str, least_bits: f64) -> bool {
    if !value.contains(|c: char| c.is_ascii_digit()) || !value.contains(|c: char| c.is_ascii_alphabetic()) {
        return false;
    }
    let bits = bits_per_character(value);
    let is_random = value.len() >= 16 && bits >= least_bits || is_mixed(value) && bits >= MIXED;
    is_random && !is_name(value) && !says(value, name) && !is_pattern(value)
}

/// Whether a text is a regex or has places to be filled in.
fn is_pattern(value: &str) -> bool {
    let ranges = ["a-z", "A-Z", "0-9", ".*", ".+", "{}", "{0}", "%s", "%d", "%v", "${", "#{"];
    let has_places = value.split('{').skip(1).any(|rest| {
        rest.split_once('}')
            .is_some_and(|(place, _)| place.chars().all(|c| c.is_alphanumeric() || "_.:".contains(c)))
    });
    value.starts_with('^') || has_places || ranges.iter().any(|range| value.contains(range))
}

/// Letters of both sizes, a digit and a sign that no name, path or pattern for a text has.
fn is_mixed(value: &str) -> bool {
    let has = |kind: fn(char) -> bool| value.contains(kind);
    has(|c| c.is_ascii_lowercase())
        && has(|c| c.is_ascii_uppercase())
        && has(|c| "$#!@%^&*~?+=|<>;,(){}[]".contains(c))
        && !value.contains(['{', '}'])
}

/// Whether a text is words: each part, by its signs and its capitals, is letters and perhaps a number behind them.
fn is_name(text: &str) -> bool {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    for letter in text.chars() {
        if !letter.is_ascii_alphanumeric() && !"_-./: ".contains(letter) {
            return false;
        }
        let begins = letter.is_ascii_uppercase() && !before.is_ascii_uppercase();
        if begins || !before.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(letter);
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    let is_word = |word: &String| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = word.len() - letters.len();
        letters.chars().all(|c| c.is_ascii_alphabetic()) && digits <= 4 && (letters.len() != 1 || digits <= 1)
    };
    let long = words.iter().filter(|word| word.len() > 2).count();
    // One number tells a version; several are what chance puts between letters.
    let numbers = words
        .iter()
        .filter(|word| word.starts_with(char::is_alphabetic) && word.ends_with(|c: char| c.is_ascii_digit()))
        .count();
    (numbers <= 1 || numbers * 3 <= words.len())
        && words.iter().all(is_word)
        && long * 2 >= words.len()
        && longest_run(&words) <= 20
}

fn longest_run(words: &[String]) -> usize {
    words.iter().map(String::len).max().unwrap_or(0)
}

/// Whether a value says the name that it is given to, as the variants of an enum do.
fn says(value: &str, name: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let (value, name) = (plain(value), plain(name));
    value == name || (value.len() >= 8 && name.contains(&value))
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
    fn what_is_random_or_made_up_is_a_secret() {
        for value in [
            "tR7xQ2mZ9vKp4LwB8nYc",
            "g7#Kp$(2mZ9vKp4L",
            "Tr0ub4dor&3$x",
            "e83c5163316f89bfbde7d9ab23ca2e25604af290",
            "pA$$w0rd(x)#9",
            "xK9-mQ2v-77Lp-zR4t",
        ] {
            assert!(is_secret("password", value, 3.6), "{value}");
        }
    }

    #[test]
    fn names_and_numbers_are_no_secrets() {
        for (name, value) in [
            ("secret", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
            ("secret", "1234567890987654321"),
            ("secret", "abababab1abababab"),
            ("OAUTH2_ACCESS_TOKEN", "oauth2_access_token"),
            ("AccessTokenV2Kind", "AccessTokenV2Kind"),
            ("CLIENT_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0"),
            ("api_key_header", "X-Api-Key-Version2"),
            ("password_path", "etc/secrets2/passwords.json"),
            ("access_token", "https://host:8080/oauth2/token"),
            ("password_label", "{Name1}: {Value}!"),
        ] {
            assert!(!is_secret(name, value, 3.6), "{value}");
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
