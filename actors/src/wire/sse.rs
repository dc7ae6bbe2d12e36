//! Server-sent events: extracts the data of each event from bytes that may be cut anywhere.
//!
//! The format is the WHATWG's: lines end with CR, LF or both, an empty line ends an event, the `data:` lines of one event
//! are joined, and all other fields are ignored, since both protocols put the type of an event into its data.

use std::collections::VecDeque;

use super::odd;
use crate::model::ModelError;

/// No event of a provider is nearly this long. Without the limit, a line without an end would fill the memory.
const MOST: usize = 8 << 20;

#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    was_return: bool,
    has_begun: bool,
    data: String,
    has_data: bool,
    events: VecDeque<String>,
}

impl Lines {
    pub(super) fn next(&mut self) -> Option<String> {
        self.events.pop_front()
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ModelError> {
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let (part, rest) = bytes.split_at(at);
            let is_return = rest[0] == b'\r';
            // The second half of a CRLF, not a line of its own.
            if part.is_empty() && !is_return && self.was_return && self.line.is_empty() {
                self.was_return = false;
            } else {
                self.add(part)?;
                self.end_line()?;
                self.was_return = is_return;
            }
            bytes = &rest[1..];
        }
        if !bytes.is_empty() {
            self.was_return = false;
        }
        self.add(bytes)
    }

    pub(super) fn end(&mut self) -> Result<(), ModelError> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.end_event();
        Ok(())
    }

    fn add(&mut self, part: &[u8]) -> Result<(), ModelError> {
        if self.line.len() + self.data.len() + part.len() > MOST {
            return Err(odd("an event of more than 8 MiB"));
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), ModelError> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line).map_err(|_| odd("a line that is not UTF-8"))?;
        let line = if self.has_begun { line } else { line.strip_prefix('\u{feff}').unwrap_or(line) };
        self.has_begun = true;
        if line.is_empty() {
            self.end_event();
        } else if let Some(data) = line.strip_prefix("data:").or_else(|| (line == "data").then_some("")) {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push('\n');
            }
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        }
        Ok(())
    }

    fn end_event(&mut self) {
        if std::mem::take(&mut self.has_data) {
            self.events.push_back(std::mem::take(&mut self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8], cuts: &[usize]) -> Result<Vec<String>, ModelError> {
        let (mut lines, mut from) = (Lines::default(), 0);
        for to in cuts.iter().copied().chain([text.len()]) {
            lines.feed(&text[from..to])?;
            from = to;
        }
        lines.end()?;
        Ok(lines.events.into())
    }

    #[test]
    fn events_are_read_as_the_format_says() {
        let text = "\u{feff}: a comment\ndata: one\n\ndata:two\r\ndata:  three\r\n\r\nevent: x\nid: 7\ndata\rdata: {\"a\":\"é🐝\"}\r\rretry: 1\n\n\ndata: last";
        let events = ["one", "two\n three", "\n{\"a\":\"é🐝\"}", "last"];
        assert_eq!(read(text.as_bytes(), &[]).unwrap(), events);
        // Cut at every pair of positions, even within characters and line ends.
        for first in 0..=text.len() {
            for second in first..=text.len() {
                assert_eq!(read(text.as_bytes(), &[first, second]).unwrap(), events, "{first} {second}");
            }
        }
    }

    #[test]
    fn what_is_no_stream_of_events_is_an_error_and_never_fills_the_memory() {
        assert!(read(b"data: \xff\n\n", &[]).is_err());
        let mut lines = Lines::default();
        let more = vec![b'x'; 1 << 20];
        let fed = (0..100).find(|_| lines.feed(&more).is_err());
        assert!(fed.is_some_and(|at| at < 10) && lines.line.len() <= MOST);
        // Many short lines of one event cannot do it either.
        let mut lines = Lines::default();
        let line = [b"data:", &more[..], b"\n"].concat();
        assert!((0..100).any(|_| lines.feed(&line).is_err()) && lines.data.len() <= MOST);
    }

    proptest! {
        #[test]
        fn bytes_cut_anywhere_give_the_same_events(
            text in "(data:? ?|[a:\r\n]|é){0,30}",
            cuts in proptest::collection::vec(0_usize..200, 0..6),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            prop_assert_eq!(read(text.as_bytes(), &cuts), read(text.as_bytes(), &[]));
        }
    }
}
