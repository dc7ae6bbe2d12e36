//! Searching a file by line, with ripgrep's engine: files of any size in little memory, and none outside the folder.

use std::path::{Path, PathBuf};

use grep_matcher::Matcher as _;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use serde::{Deserialize, Serialize};
use skep_runtime::EffectError;

use super::beneath::{Beneath, Regular};
use super::wanted::Wanted;
use super::{Toolbox, price};

/// The most lines that one search returns, whatever is asked for: some 20 MB.
const MOST: usize = 10_000;

/// A line longer than this ends the search of its file.
const LONGEST_LINE: usize = 16 << 20;

/// How much of a line is returned, around the match: a minified file is a single line.
const SHOWN: usize = 2_048;

/// Search below one folder.
#[derive(Clone, Debug)]
pub struct Grep<'c> {
    tools: Toolbox<'c>,
    root: PathBuf,
}

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Its number, from 1.
    pub line: u64,
    /// The line; of a long one, the part around the match.
    pub text: String,
}

/// The result of searching one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Searched {
    /// The lines that match, the first `most` of them; none beyond the first NUL.
    Lines(Vec<Match>),
    /// The pattern is not a regular expression, and why.
    BadPattern(String),
    /// The file could not be read to its end; the system's message.
    Unreadable(String),
}

impl<'c> Grep<'c> {
    pub(super) fn new(tools: Toolbox<'c>, root: &Path) -> Self {
        Self { tools, root: root.to_owned() }
    }

    /// The lines of one regular file below the folder that match a regular expression: the first `most`, and never more
    /// than 10,000. What is added to the file meanwhile is not searched. `size` is the file's known size, which is
    /// reserved for the call.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run. A path that leads out of the folder, a pipe or a device is
    /// [`Searched::Unreadable`].
    pub async fn search(
        &self,
        pattern: &str,
        path: &str,
        size: u64,
        most: usize,
    ) -> Result<Searched, EffectError> {
        let (root, file, sought) = (self.root.clone(), path.to_owned(), pattern.to_owned());
        let most = most.min(MOST);
        let work = move |wanted: &Wanted| Ok((search(&sought, &root, &file, most, wanted), size));
        self.tools.run_wanted(("grep", price::GREP), (pattern, path), size, work).await
    }
}

fn search(pattern: &str, root: &Path, path: &str, most: usize, wanted: &Wanted) -> Searched {
    let matcher = match matcher(pattern, false) {
        Ok(matcher) => matcher,
        Err(why) => return Searched::BadPattern(why),
    };
    let file = match Beneath::open(root).and_then(|beneath| beneath.file(path)) {
        Ok(file) => file,
        Err(error) => return Searched::Unreadable(error.to_string()),
    };
    match look(&matcher, file, 0, most, wanted) {
        Ok(seen) => Searched::Lines(
            seen.lines.into_iter().map(|line| Match { line: line.number, text: line.text }).collect(),
        ),
        Err(error) => Searched::Unreadable(error.to_string()),
    }
}

/// A compiled pattern, or what is wrong with it.
pub(super) fn matcher(pattern: &str, ignores_case: bool) -> Result<RegexMatcher, String> {
    let mut builder = RegexMatcherBuilder::new();
    builder.line_terminator(Some(b'\n')).case_insensitive(ignores_case);
    builder.build(pattern).map_err(|error| error.to_string())
}

/// What was found in one file.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) lines: Vec<Line>,
    pub(super) matches: usize,
    /// It is not text: the search ended at a NUL.
    pub(super) is_binary: bool,
}

/// A line that matches, or is near one that does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: String,
    pub(super) is_match: bool,
}

/// Finds the first `most` lines that match, with this many lines of context around each.
pub(super) fn look(
    matcher: &RegexMatcher,
    file: Regular,
    around: usize,
    most: usize,
    wanted: &Wanted,
) -> std::io::Result<Seen> {
    if most == 0 {
        return Ok(Seen::default());
    }
    let size = file.size;
    let mut searcher = SearcherBuilder::new()
        .line_number(true)
        .before_context(around)
        .after_context(around)
        .heap_limit(Some(LONGEST_LINE))
        .binary_detection(BinaryDetection::quit(0))
        .build();
    let mut lines = Lines { matcher, most, seen: Seen::default() };
    searcher.search_reader(matcher, file.reader(size, wanted), &mut lines)?;
    Ok(lines.seen)
}

struct Lines<'m> {
    matcher: &'m RegexMatcher,
    most: usize,
    seen: Seen,
}

impl Lines<'_> {
    fn keep(&mut self, number: Option<u64>, line: &[u8], is_match: bool) {
        let found = if is_match { self.matcher.find(line).ok().flatten() } else { None };
        let start = found.map_or(0, |found| found.start()).saturating_sub(SHOWN / 4);
        let end = (start + SHOWN).min(line.len());
        let text = String::from_utf8_lossy(&line[start..end]).trim_end().to_owned();
        self.seen.lines.push(Line { number: number.unwrap_or(0), text, is_match });
    }
}

impl Sink for Lines<'_> {
    type Error = std::io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, Self::Error> {
        self.keep(found.line_number(), found.bytes(), true);
        self.seen.matches += 1;
        Ok(self.seen.matches < self.most)
    }

    fn context(&mut self, _: &Searcher, near: &SinkContext<'_>) -> Result<bool, Self::Error> {
        self.keep(near.line_number(), near.bytes(), false);
        Ok(true)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> Result<bool, Self::Error> {
        self.seen.is_binary = true;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::wanted::Waiter;

    fn search(pattern: &str, root: &Path, path: &str, most: usize) -> Searched {
        super::search(pattern, root, path, most, &Waiter::default().wanted())
    }

    fn lines(text: &[u8], pattern: &str) -> Vec<u64> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), text).unwrap();
        match search(pattern, folder.path(), "a", 2) {
            Searched::Lines(found) => found.into_iter().map(|found| found.line).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_lines_that_match_are_found() {
        assert_eq!(lines(b"a\nbee\nc\nbee\nbee\n", "be+"), [2, 4]);
        assert_eq!(lines(b"a\n", "b"), [0; 0]);
    }

    #[test]
    fn of_a_long_line_only_what_lies_around_the_match_is_given() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("a.min.js"),
            format!("{}needle{}", "x".repeat(100_000), "y".repeat(100_000)),
        )
        .unwrap();
        let Searched::Lines(found) = search("needle", folder.path(), "a.min.js", 2) else { panic!() };
        assert!(found[0].text.len() <= SHOWN && found[0].text.contains("needle"));
    }

    #[test]
    fn a_bad_pattern_and_a_missing_file_are_results() {
        assert!(matches!(search("(", Path::new("."), ".", 1), Searched::BadPattern(_)));
        assert!(matches!(search("a", Path::new("."), "there-is-none", 1), Searched::Unreadable(_)));
    }
}
