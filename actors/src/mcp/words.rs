//! Foreign text in our messages: on one line, and of limited length.

use skep_runtime::text::one_line;

/// The most characters of a server's text in a message.
const SHOWN: usize = 600;

/// The beginning of a text, on one line.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", one_line(&text[..at])),
        None => one_line(text),
    }
}

/// The end of a program's output, on one line.
pub(super) fn last_words(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let said = said.trim();
    let from = said.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
    (!said.is_empty()).then(|| one_line(said[from..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_by_one_end_and_never_on_two_lines() {
        let long = format!("first\n{}\nlast", "é".repeat(10_000));
        let (begin, end) = (brief(&long), last_words(long.as_bytes()).unwrap());
        assert!(begin.starts_with("first\\né") && begin.ends_with('…') && begin.len() < 3 * SHOWN);
        assert!(end.ends_with("é\\nlast") && end.len() < 3 * SHOWN);
        assert_eq!((brief("a"), last_words(b" \n")), ("a".to_owned(), None));
        assert_eq!(last_words(b"\xff no\n").as_deref(), Some("\u{fffd} no"));
    }
}
