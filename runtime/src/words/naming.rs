//! What may be a name: of an agent, a scope, a session, a kind of effect.
//!
//! Names come from outside, a tenant's or a model's among them, and stand in logs, receipts, drawings and look-ups. So they are
//! of one line and not longer than [`NAME`]. They may have dots and slashes, for a file's path is a good name; an id is
//! never taken for one, since it begins with the session's name and goes on in numbers.

use crate::words::defaults::NAME;
use crate::words::text::breaks_a_line;

/// Whether a text may be a name.
///
/// # Errors
/// What is wrong with it and how to mend it.
pub(crate) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("it is empty; give a name that people will recognise".to_owned());
    }
    if name.len() > NAME {
        let bytes = name.len();
        return Err(format!("it has {bytes} bytes; use at most {NAME}, and put the rest into the task"));
    }
    match name.chars().find(|char| breaks_a_line(*char)) {
        None => Ok(()),
        Some(char) => Err(format!("it contains the character {char:?}, which breaks a line; leave it out")),
    }
}

/// The beginning of a text that is to be shown as a name and was not checked, for an error about it.
pub(crate) fn shown(name: &str) -> String {
    crate::words::text::at_most(name.to_owned(), NAME)
}

/// A text that tells things apart, of a length that an id can have: what is too long is told apart by its digest.
pub(crate) fn short(text: String) -> String {
    if text.len() <= NAME {
        return text;
    }
    let digest = blake3::hash(text.as_bytes()).to_hex();
    format!("{}~{}", crate::words::text::at_most(text, NAME / 2), &digest[..32])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_of_one_line_and_of_a_length_that_can_be_read() {
        for good in ["a", "src/lib.rs", "été 7", &"x".repeat(NAME)] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
        for bad in [
            "",
            "a\nb",
            "a\u{2028}b",
            "\u{1b}[2J",
            "a\0",
            "\u{202e}cod",
            &"x".repeat(NAME + 1),
            &"é".repeat(70_000),
        ] {
            assert!(check(bad).is_err_and(|why| why.len() < 200 && !why.contains(breaks_a_line)), "{bad:?}");
        }
    }

    #[test]
    fn long_texts_that_differ_at_their_end_are_told_apart() {
        let long = |end: &str| short("x".repeat(70_000) + end);
        assert!(long("a") != long("b") && long("a") == long("a") && long("a").len() <= NAME);
        assert_eq!(short("as it is".to_owned()), "as it is");
    }

    proptest! {
        #[test]
        fn what_is_shown_of_any_name_is_short(name in any::<String>(), times in 1_usize..400) {
            prop_assert!(shown(&name.repeat(times)).len() <= NAME);
        }
    }
}
