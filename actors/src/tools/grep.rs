//! Searching a file by line, with ripgrep's engine: a file of any size in little memory, and none outside the folder.

use std::path::{Path, PathBuf};

use grep_matcher::Matcher as _;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use serde::{Deserialize, Serialize};
use skep_runtime::EffectError;

use super::beneath::Beneath;
use super::wanted::Wanted;
use super::{Toolbox, price};

/// Lines that one search gives at most, whatever it is asked for: some 20 MB.
const MOST: usize = 10_000;

/// A line longer than this ends the search of its file.
const LONGEST_LINE: usize = 16 << 20;

/// How much of a line is given, around the match: a minified file is one line.
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
    /// The line, or as much of a long one as lies around the match.
    pub text: String,
}

/// What a search of one file came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Searched {
    /// The lines that match, the first `most` of them; none beyond the first NUL.
    Lines(Vec<Match>),
    /// The pattern is no regular expression, and why.
    BadPattern(String),
    /// The file could not be read to its end, in the system's words.
    Unreadable(String),
}

impl<'c> Grep<'c> {
    pub(super) fn new(tools: Toolbox<'c>, root: &Path) -> Self {
        Self { tools, root: root.to_owned() }
    }

    /// The lines of one regular file below the folder that match a regular expression: the first `most`, and never more than
    /// 10,000. What is written to it meanwhile is not searched. `size` is what the file is known to hold: what is reserved for
    /// the call.
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
    let matcher = match RegexMatcherBuilder::new().line_terminator(Some(b'\n')).build(pattern) {
        Ok(matcher) => matcher,
        Err(error) => return Searched::BadPattern(error.to_string()),
    };
    let file = match Beneath::open(root).and_then(|beneath| beneath.file(path)) {
        Ok(file) => file,
        Err(error) => return Searched::Unreadable(error.to_string()),
    };
    if most == 0 {
        return Searched::Lines(Vec::new());
    }
    let size = file.size;
    let mut searcher = SearcherBuilder::new()
        .line_number(true)
        .heap_limit(Some(LONGEST_LINE))
        .binary_detection(BinaryDetection::quit(0))
        .build();
    let mut lines = Lines { matcher: &matcher, most, found: Vec::new() };
    match searcher.search_reader(&matcher, file.reader(size, wanted), &mut lines) {
        Ok(()) => Searched::Lines(lines.found),
        Err(error) => Searched::Unreadable(error.to_string()),
    }
}

struct Lines<'m> {
    matcher: &'m RegexMatcher,
    most: usize,
    found: Vec<Match>,
}

impl Sink for Lines<'_> {
    type Error = std::io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, Self::Error> {
        let line = found.bytes();
        let at = self.matcher.find(line).ok().flatten().map_or(0, |found| found.start());
        let start = at.saturating_sub(SHOWN / 4);
        let end = (start + SHOWN).min(line.len());
        let text = String::from_utf8_lossy(&line[start..end]).trim_end().to_owned();
        self.found.push(Match { line: found.line_number().unwrap_or(0), text });
        Ok(self.found.len() < self.most)
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
