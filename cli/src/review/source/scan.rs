//! Comments and strings of languages without a grammar, found by their delimiters.
//!
//! It is a scan, not a parse: a string ends at the end of its line unless its language lets strings run on, so
//! a misread quote costs one line and not the rest of the file.

use std::ops::Range;

use super::Language;

/// What was found, each sorted by its start.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Comments with their marks.
    pub(super) comments: Vec<Range<usize>>,
    /// Insides of strings, without their quotes.
    pub(super) strings: Vec<Range<usize>>,
}

struct Marks {
    line: &'static [&'static str],
    block: Option<(&'static str, &'static str)>,
    /// Quotes whose string may span lines; looked for before the others.
    long: &'static [&'static str],
    short: &'static [&'static str],
}

const fn marks(language: Language) -> Marks {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Go => {
            Marks { line: &["//"], block: Some(("/*", "*/")), long: &["`"], short: &["\"", "'"] }
        }
        Language::Java | Language::C | Language::Rust => {
            Marks { line: &["//"], block: Some(("/*", "*/")), long: &[], short: &["\"", "'"] }
        }
        Language::Python => {
            Marks { line: &["#"], block: None, long: &["\"\"\"", "'''"], short: &["\"", "'"] }
        }
        Language::Shell | Language::Settings => {
            Marks { line: &["#"], block: None, long: &["\"\"\"", "'''"], short: &["\"", "'"] }
        }
        Language::Json => Marks { line: &[], block: None, long: &[], short: &["\""] },
        Language::Prose | Language::Other => Marks { line: &[], block: None, long: &[], short: &[] },
    }
}

/// Finds comments and strings.
pub(super) fn scan(language: Language, text: &str) -> Scanned {
    let marks = marks(language);
    let mut found = Scanned::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let begins = |mark: &&&str| rest.starts_with(mark.as_bytes());
        if let Some(mark) = marks.line.iter().find(begins) {
            // `a#b` and `$#` are no comments in the languages whose comments begin with `#`.
            let alone = *mark != "#" || at == 0 || bytes[at - 1].is_ascii_whitespace();
            let end = if alone { at + until_line_end(rest) } else { at + 1 };
            if alone {
                found.comments.push(at..end);
            }
            at = end;
        } else if let Some((_, close)) = marks.block.filter(|(open, _)| rest.starts_with(open.as_bytes())) {
            let end = memchr::memmem::find(&rest[2..], close.as_bytes()).map_or(rest.len(), |end| end + 4);
            found.comments.push(at..at + end);
            at += end;
        } else if let Some(quote) = marks.long.iter().find(begins) {
            at = string(&mut found, bytes, at, quote.len(), true);
        } else if marks.short.iter().any(|quote| rest.starts_with(quote.as_bytes())) {
            at = string(&mut found, bytes, at, 1, false);
        } else {
            at += 1;
        }
    }
    found
}

/// Notes the string that opens at `at` with a quote of `width` bytes, and returns the place behind it.
fn string(found: &mut Scanned, bytes: &[u8], at: usize, width: usize, spans_lines: bool) -> usize {
    let quote = &bytes[at..at + width];
    let inside = at + width;
    let mut end = inside;
    while end < bytes.len() && !bytes[end..].starts_with(quote) && (spans_lines || bytes[end] != b'\n') {
        end +=
            if bytes[end] == b'\\' && bytes.get(end + 1).is_some_and(|next| *next != b'\n') { 2 } else { 1 };
    }
    // A backslash may have jumped over the end, or into the middle of a character.
    let mut end = end.min(bytes.len());
    while end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
        end += 1;
    }
    found.strings.push(inside..end);
    if bytes[end..].starts_with(quote) { end + width } else { end }
}

fn until_line_end(rest: &[u8]) -> usize {
    memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_hide_each_others_marks() {
        for (language, text, comments, strings) in [
            (Language::Python, "a = '# no' # yes 'x'\nb", vec!["# yes 'x'"], vec!["# no"]),
            (Language::Python, "'''a\n# b''' + \"\\\"\"", vec![], vec!["a\n# b", "\\\""]),
            (
                Language::JavaScript,
                "x = `//\n${a}`; /* ' */ y = 'don' // it's",
                vec!["/* ' */", "// it's"],
                vec!["//\n${a}", "don"],
            ),
            (Language::Shell, "echo $# ${#a} # c", vec!["# c"], vec![]),
        ] {
            let found = scan(language, text);
            let texts = |ranges: &[Range<usize>]| {
                ranges.iter().map(|r| text[r.clone()].to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(texts(&found.comments), comments, "{text}");
            assert_eq!(texts(&found.strings), strings, "{text}");
        }
    }

    #[test]
    fn a_misread_quote_costs_one_line() {
        let text = "it's\nx = 'a' # c";
        let comments = scan(Language::Python, text).comments;
        assert_eq!((comments.len(), comments[0].start), (1, text.find('#').unwrap()));
    }
}
