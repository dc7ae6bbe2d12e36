//! Splits a server's output into lines of bounded length, and finds out which call an unreadable line answers.

use std::collections::VecDeque;

/// How many bytes are kept of each end of a line that is too long: a call's number is in one of them.
const ENDS: usize = 256;

/// A line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It is whole.
    Whole(Vec<u8>),
    /// It was longer than a line may be; everything between its two ends is lost.
    TooLong { begin: Vec<u8>, end: Vec<u8> },
}

/// Splits incoming bytes into lines. It holds at most one line of the maximum length.
pub(super) struct Lines {
    most: usize,
    line: Vec<u8>,
    /// The beginning of a line that is too long; then `line` is its end.
    begin: Option<Vec<u8>>,
    whole: VecDeque<Line>,
}

impl Lines {
    /// For lines of at most this many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(2 * ENDS), line: Vec::new(), begin: None, whole: VecDeque::new() }
    }

    /// Takes more bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_end) = match part.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (part, false),
            };
            self.add(text);
            if is_end {
                self.end_line();
            }
        }
    }

    /// The next line; empty lines are skipped.
    pub(super) fn next(&mut self) -> Option<Line> {
        self.whole.pop_front()
    }

    fn add(&mut self, text: &[u8]) {
        if self.begin.is_none() && self.line.len() + text.len() > self.most {
            // Part of `text` may belong to the beginning.
            self.line.extend_from_slice(&text[..text.len().min(ENDS)]);
            self.begin = Some(self.line[..self.line.len().min(ENDS)].to_vec());
            self.line = Vec::new();
        }
        self.line.extend_from_slice(if self.begin.is_some() { last(text) } else { text });
        if self.begin.is_some() && self.line.len() > ENDS {
            self.line.drain(..self.line.len() - ENDS);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        match self.begin.take() {
            Some(begin) => self.whole.push_back(Line::TooLong { begin, end: line }),
            None if line.iter().all(u8::is_ascii_whitespace) => {}
            None => self.whole.push_back(Line::Whole(line)),
        }
    }
}

fn last(text: &[u8]) -> &[u8] {
    &text[text.len().saturating_sub(ENDS)..]
}

/// The number of the call that a line answers, found at the line's beginning or end: there it cannot be part of the
/// answer itself.
pub(super) fn answers(begin: &[u8], end: &[u8]) -> Option<i64> {
    first_member(begin).or_else(|| last_member(end))
}

/// From `{"jsonrpc":"2.0","id":3,…`, with these two members in either order.
fn first_member(begin: &[u8]) -> Option<i64> {
    let text: String = ascii(begin).collect();
    let mut rest = text.strip_prefix('{')?;
    rest = rest.strip_prefix("\"jsonrpc\":\"2.0\",").unwrap_or(rest);
    let digits = rest.strip_prefix("\"id\":")?;
    let length = digits.find(',')?;
    digits[..length].parse().ok()
}

/// From `…,"id":3}`: what comes before the last brace is a member of the whole object.
fn last_member(end: &[u8]) -> Option<i64> {
    let text: String = ascii(end).collect();
    let (_, digits) = text.strip_suffix('}')?.rsplit_once(",\"id\":")?;
    digits.parse().ok()
}

/// The text without blanks. Characters that are not ASCII are never what we look for.
fn ascii(text: &[u8]) -> impl Iterator<Item = char> {
    text.iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(most: usize, parts: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::new(most);
        parts.iter().for_each(|part| lines.feed(part));
        std::iter::from_fn(|| lines.next()).collect()
    }

    #[test]
    fn the_call_that_a_line_answers_is_found_at_either_end_and_not_in_the_answer() {
        let found = |text: &str| {
            let bytes = text.as_bytes();
            answers(&bytes[..bytes.len().min(ENDS)], last(bytes))
        };
        let long = "x".repeat(1_000);
        assert_eq!(found(&format!(r#"{{"jsonrpc":"2.0","id":3,"result":"{long}"}}"#)), Some(3));
        assert_eq!(found(&format!(r#"{{"id": 4, "jsonrpc":"2.0", "result":"{long}"}}"#)), Some(4));
        assert_eq!(found(&format!("{{\"result\":\"{long}\",\"jsonrpc\":\"2.0\",\"id\":5}} \r")), Some(5));
        for other in [
            format!(r#"{{"result":{{"text":"{long}","id":6}}}}"#),
            format!(r#"{{"result":{{"id":6,"text":"{long}"}},"jsonrpc":"2.0"}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":"six","result":"{long}"}}"#),
            format!(r#"{{"result":"{long}\",\"id\":6}}"#),
            String::new(),
            "}".to_owned(),
            "é".repeat(300),
        ] {
            assert_eq!(found(&other), None, "{other}");
        }
    }

    #[test]
    fn a_line_without_end_takes_no_more_memory_than_a_line_may_have() {
        let mut lines = Lines::new(10_000);
        for _ in 0..1_000 {
            lines.feed(&[b'x'; 8_192]);
            assert!(lines.line.capacity() <= 40_000 && lines.next().is_none());
        }
        lines.feed(b"end\nnext\n");
        let Some(Line::TooLong { begin, end }) = lines.next() else { panic!("it was too long") };
        assert_eq!((begin.len(), &end[end.len() - 4..]), (ENDS, &b"xend"[..]));
        assert_eq!(lines.next(), Some(Line::Whole(b"next".to_vec())));
    }

    proptest! {
        /// Wherever the input is cut, the lines are the same.
        #[test]
        fn lines_do_not_depend_on_how_they_come(
            text in proptest::collection::vec(prop_oneof![4 => Just(b'a'), 1 => Just(b'\n'), 1 => any::<u8>()], 0..3_000),
            cuts in proptest::collection::vec(0_usize..3_000, 0..20),
            most in 0_usize..2_000,
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let mut from = 0;
            let parts: Vec<&[u8]> = cuts.iter().map(|to| &text[std::mem::replace(&mut from, *to)..*to]).collect();
            let whole = lines(most, &[&text]);
            prop_assert_eq!(&lines(most, &parts), &whole);
            let longest = most.max(2 * ENDS);
            let expected = text.split(|byte| *byte == b'\n');
            let ended: Vec<_> = expected.clone().take(expected.count() - 1).collect();
            let shown: Vec<_> = ended.into_iter().filter(|line| !line.iter().all(u8::is_ascii_whitespace)).map(|line| {
                if line.len() <= longest { return Line::Whole(line.to_vec()) }
                Line::TooLong { begin: line[..ENDS].to_vec(), end: last(line).to_vec() }
            }).collect();
            prop_assert_eq!(whole, shown);
        }
    }
}
