//! One file under review: its text, what it is written in, and the views of it that rules look at.
//!
//! # Invariants
//! 1. A `Source` is UTF-8 text of at most [`MAX_BYTES`]; everything else becomes a [`Note`].
//! 2. Every view has the same length and the same line breaks as the text, so a place in one is a place in all.
//! 3. A source is parsed at most once, and only when a rule asks for it.

mod blocks;
mod grammar;
mod imports;
mod language;
mod part;
mod refuse;
mod scan;
mod syntax;

use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub use blocks::Blocks;
pub use grammar::{Grammar, Tree};
pub(crate) use imports::path_text;
pub use imports::{Imports, Meaning};
pub use language::Language;
pub use part::Part;
pub use refuse::MAX_BYTES;
pub use syntax::{MAX_NESTING, Node, Syntax};

/// A line for the reader about a file that was not reviewed, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Path relative to the reviewed root; empty when the note is about the whole review.
    pub file: String,
    /// What happened to it, as a short clause.
    pub why: String,
}

/// What of a file a rule looks at. Left out parts are overwritten, so places stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Everything.
    Text,
    /// Code without comments and without the inside of string literals.
    Code,
    /// Code with string literals, without comments.
    Uncommented,
    /// Everything but the inside of string literals, whose letters become U+001A (substitute), which is no
    /// white space: white space that is left is white space of the source.
    Unquoted,
    /// Comments only.
    Comments,
    /// Comments that stand on lines of their own: what follows code speaks of it, and is none that was taken out.
    Remarks,
}

/// One file under review.
#[derive(Debug)]
pub struct Source {
    path: String,
    text: String,
    language: Language,
    part: Part,
    /// Without the word there is no test item, and no need for a tree to know it.
    says_test: bool,
    line_starts: Vec<usize>,
    syntax: OnceLock<Option<Syntax>>,
    views: OnceLock<Option<Views>>,
    blocks: OnceLock<Blocks>,
}

#[derive(Debug)]
struct Views {
    code: String,
    uncommented: String,
    unquoted: String,
    comments: String,
    remarks: String,
}

impl Source {
    /// Takes a file as it was read. `path` is relative to the reviewed root, with `/`.
    ///
    /// # Errors
    /// A [`Note`] for a file that cannot or should not be reviewed: larger than [`MAX_BYTES`], binary, not
    /// UTF-8, generated, minified, vendored or a lock file.
    pub fn new(path: &str, bytes: Vec<u8>) -> Result<Self, Note> {
        let note = |why: String| Note { file: path.to_owned(), why };
        let by_path = refuse::by_path(path).map(refuse::Refusal::words);
        if let Some(why) = by_path.or_else(|| refuse::by_bytes(&bytes)) {
            return Err(note(why));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            note(format!("not UTF-8 from byte {} on: skipped", error.utf8_error().valid_up_to()))
        })?;
        if let Some(why) = refuse::by_text(&text) {
            return Err(note(why));
        }
        let language = Language::of(path);
        let line_starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Ok(Self {
            part: Part::of(path),
            says_test: memchr::memmem::find(text.as_bytes(), b"test").is_some(),
            path: path.to_owned(),
            line_starts: line_starts.collect(),
            text,
            language,
            syntax: OnceLock::new(),
            views: OnceLock::new(),
            blocks: OnceLock::new(),
        })
    }

    /// Why a file of this path is not even read, if so: vendored, built, generated, minified, a lock file.
    #[must_use]
    pub(in crate::review) fn refusal(path: &str) -> Option<refuse::Refusal<'_>> {
        refuse::by_path(path)
    }

    /// Path relative to the reviewed root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the file is written in.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Which part of a project the file belongs to.
    #[must_use]
    pub const fn part(&self) -> Part {
        self.part
    }

    /// Number of lines; a last line without a line break counts.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.line_starts.len() - usize::from(self.text.is_empty() || self.text.ends_with('\n'))
    }

    /// The syntax tree; none when there is no grammar for the language or the text nests too deeply.
    #[must_use]
    pub fn syntax(&self) -> Option<&Syntax> {
        self.syntax
            .get_or_init(|| self.language.grammar().and_then(|grammar| Syntax::parse(grammar, &self.text)))
            .as_ref()
    }

    /// What the reader should know about a file that is reviewed only in part: it nests too deeply for a tree, so
    /// the rules about structure pass it by. It does not parse.
    #[must_use]
    pub fn caveat(&self) -> Option<Note> {
        let partly = self.language.grammar().is_some() && Syntax::is_too_deep(&self.text);
        let why = || format!("nested more than {MAX_NESTING} levels deep: only its text was reviewed");
        partly.then(|| Note { file: self.path.clone(), why: why() })
    }

    /// Whether the place lies in code that only tests run: a test file, or a test item inside another file.
    #[must_use]
    pub fn is_test(&self, at: usize) -> bool {
        self.part == Part::Tests || (self.says_test && self.syntax().is_some_and(|syntax| syntax.is_test(at)))
    }

    /// A view of the text; none when it needs a syntax tree that could not be made.
    #[must_use]
    pub fn view(&self, view: View) -> Option<&str> {
        if view == View::Text {
            return Some(&self.text);
        }
        let views = self.views.get_or_init(|| self.make_views()).as_ref()?;
        Some(match view {
            View::Text => &self.text,
            View::Code => &views.code,
            View::Uncommented => &views.uncommented,
            View::Unquoted => &views.unquoted,
            View::Comments => &views.comments,
            View::Remarks => &views.remarks,
        })
    }

    /// The blocks of a file without a grammar.
    #[must_use]
    pub fn blocks(&self) -> &Blocks {
        self.blocks.get_or_init(|| {
            self.view(View::Code).map_or_else(Blocks::default, |code| Blocks::of(self.language, code))
        })
    }

    /// Line and column of a byte, both counted from 1, the column in characters.
    #[must_use]
    pub fn place(&self, at: usize) -> (u32, u32) {
        let line = self.line_index(at);
        let start = self.line_starts[line];
        let column = self.text.get(start..at).map_or(at - start, |before| before.chars().count());
        (count(line + 1), count(column + 1))
    }

    /// The line at a byte, without its line break.
    #[must_use]
    pub fn line_at(&self, at: usize) -> &str {
        &self.text[self.line_range(at)]
    }

    /// Where the line at a byte begins and ends, without its line break.
    #[must_use]
    pub fn line_range(&self, at: usize) -> Range<usize> {
        let line = self.line_index(at);
        let start = self.line_starts[line];
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let text = &self.text[start..end];
        start..start + text.strip_suffix('\r').unwrap_or(text).len()
    }

    fn line_index(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn make_views(&self) -> Option<Views> {
        let scanned;
        let (comments, strings) = if self.language.grammar().is_some() {
            let syntax = self.syntax()?;
            (&syntax.comments, &syntax.strings)
        } else {
            scanned = scan::scan(self.language, &self.text);
            (&scanned.comments, &scanned.strings)
        };
        let uncommented = overwrite(&self.text, comments, ' ');
        let alone = |comment: &&Range<usize>| {
            let line = self.line_range(comment.start);
            self.text[line.start..comment.start].trim().is_empty()
        };
        let remarks: Vec<Range<usize>> = comments.iter().filter(alone).cloned().collect();
        Some(Views {
            code: overwrite(&uncommented, strings, ' '),
            unquoted: overwrite(&self.text, strings, '\u{1a}'),
            comments: overwrite(&self.text, &gaps(comments, self.text.len()), ' '),
            remarks: overwrite(&self.text, &gaps(&remarks, self.text.len()), ' '),
            uncommented,
        })
    }
}

/// The same text with each byte of the ranges replaced by the ASCII character `with`; line breaks stay.
fn overwrite(text: &str, ranges: &[Range<usize>], with: char) -> String {
    let mut written = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        // Ranges may touch or nest; what was written already is not written again.
        let start = range.start.max(from);
        if range.end <= start {
            continue;
        }
        written.push_str(&text[from..start]);
        written.extend(text[start..range.end].bytes().map(|byte| if byte == b'\n' { '\n' } else { with }));
        from = range.end;
    }
    written.push_str(&text[from..]);
    written
}

/// What lies between the ranges, which are sorted by their start.
fn gaps(ranges: &[Range<usize>], length: usize) -> Vec<Range<usize>> {
    let mut gaps = Vec::with_capacity(ranges.len() + 1);
    let mut from = 0;
    for range in ranges {
        if range.start > from {
            gaps.push(from..range.start);
        }
        from = from.max(range.end);
    }
    gaps.push(from..length);
    gaps
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path, text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn views_keep_every_place_and_leave_out_what_they_should() {
        let text = "let a = \"// no\\\" é\"; // yes \"x\"\nlet c = '\"'; /* b\n */ r#\"raw \" x\"# 'life\n";
        let source = source("src/lib.rs", text);
        let code = source.view(View::Code).unwrap();
        assert_eq!(code.len(), text.len());
        assert!(!code.contains("no") && !code.contains("yes") && !code.contains("raw"), "{code}");
        assert!(code.contains("'life"));
        let uncommented = source.view(View::Uncommented).unwrap();
        assert!(uncommented.contains("// no") && !uncommented.contains("yes"), "{uncommented}");
        let comments = source.view(View::Comments).unwrap();
        assert_eq!(comments.split_whitespace().collect::<Vec<_>>().join(" "), "// yes \"x\" /* b */");
        assert_eq!(comments.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn a_place_is_counted_in_characters_from_one() {
        let source = source("a.txt", "é\r\néx\n");
        assert_eq!(source.place(0), (1, 1));
        assert_eq!(source.place("é\r\né".len()), (2, 2));
        assert_eq!(source.line_at(0), "é");
        assert_eq!(source.lines(), 2);
        assert_eq!(source.place(source.text().len()), (3, 1));
    }

    #[test]
    fn test_items_inside_shipped_files_are_test_code() {
        let text = "fn a() {}\n#[cfg(test)]\n#[allow(unused)]\nmod t { fn b() {} }\n#[cfg(not(test))]\nfn c() {}\n\
                    #[tokio::test]\nasync fn d() {}\n";
        let source = source("src/lib.rs", text);
        for (name, expected) in [("fn a", false), ("fn b", true), ("fn c", false), ("fn d", true)] {
            assert_eq!(source.is_test(text.find(name).unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn text_that_nests_beyond_reason_has_no_tree_and_no_code_view() {
        let deep = format!("fn f() {{ {} }}", "(".repeat(MAX_NESTING + 1));
        let source = source("src/lib.rs", &deep);
        assert!(source.syntax().is_none());
        assert!(source.view(View::Code).is_none());
        assert!(source.view(View::Text).is_some());
        assert_eq!(
            source.caveat().unwrap().why,
            "nested more than 2000 levels deep: only its text was reviewed"
        );
        assert!(Source::new("src/lib.rs", b"fn f() {}".to_vec()).unwrap().caveat().is_none());
    }
}
