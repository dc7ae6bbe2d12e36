//! Text that others wrote, as it may stand in a line of ours: on one line, and no longer than it may be.
//!
//! A line break in a name or a message would let it pass for a line of its own in a log or a receipt, and a control character
//! would do to a terminal what it says. Both are shown as what they are.

use std::fmt;

/// Shows a text on one line: what would break the line, steer a terminal or turn the direction of writing is escaped.
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        // Plain text, which most is, is seen to be that at a glance.
        while !rest.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            let Some((at, char)) = rest.char_indices().find(|(_, char)| breaks_a_line(*char)) else { break };
            write!(f, "{}{}", &rest[..at], char.escape_default())?;
            rest = &rest[at + char.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Whether a character has no place on a line: controls, the other line ends of Unicode, and what turns its direction.
#[must_use]
pub fn breaks_a_line(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same text on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    OneLine(text).to_string()
}

/// A text of at most so many bytes, cut between two characters; what was cut off is told by a mark at the end, which counts.
pub(crate) fn at_most(mut text: String, bytes: usize) -> String {
    const MARK: &str = "…";
    if text.len() > bytes {
        let most = bytes.saturating_sub(MARK.len());
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(MARK);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_breaks_a_line_is_shown_as_what_it_is() {
        assert_eq!(
            one_line("a\nb\r\tc\u{1b}[31m\u{2028}\u{85}\u{202e}é✓"),
            "a\\nb\\r\\tc\\u{1b}[31m\\u{2028}\\u{85}\\u{202e}é✓"
        );
    }

    proptest! {
        #[test]
        fn a_line_is_one_whatever_was_written(text in any::<String>()) {
            let line = one_line(&text);
            prop_assert!(!line.chars().any(breaks_a_line), "{line:?}");
            prop_assert_eq!(&one_line(&line), &line);
        }

        #[test]
        fn a_cut_text_is_a_beginning_of_the_whole(text in any::<String>(), bytes in 3_usize..64) {
            let cut = at_most(text.clone(), bytes);
            prop_assert!(cut.len() <= bytes.max(text.len().min(bytes)));
            prop_assert!(text == cut || text.starts_with(cut.strip_suffix('…').unwrap()));
        }
    }
}
