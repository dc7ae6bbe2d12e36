//! Ignore comments: `skep:ignore RULE[, RULE] -- reason` and `skep:ignore-file RULE[, RULE] -- reason`.
//!
//! The first is about its own line when there is code before it, and about the next line of code otherwise. It
//! works behind any mark that begins a comment somewhere, because a review reads more languages than it knows
//! grammars for.

use std::collections::{BTreeMap, BTreeSet};

use crate::review::source::Source;

/// What stands before the words of an ignore comment.
const MARKS: [&str; 8] = ["//", "#", "/*", "--", "<!--", ";", "%", "*"];

const WORD: &str = "skep:ignore";

/// The ignore comments of one source.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ignores {
    everywhere: BTreeSet<String>,
    lines: BTreeMap<u32, BTreeSet<String>>,
}

impl Ignores {
    /// Reads the ignore comments of a source.
    #[must_use]
    pub fn of(source: &Source) -> Self {
        let mut ignores = Self::default();
        if !source.text().contains(WORD) {
            return ignores;
        }
        let mut waiting: BTreeSet<String> = BTreeSet::new();
        for (number, line) in (1..).zip(source.text().lines()) {
            let Some((before, rest)) = line.split_once(WORD) else {
                if !is_comment(line.trim()) {
                    ignores.lines.entry(number).or_default().append(&mut waiting);
                }
                continue;
            };
            let Some(code) = before_mark(before) else { continue };
            if let Some(rest) = rest.strip_prefix("-file") {
                ignores.everywhere.extend(rules(rest));
            } else if code.trim().is_empty() {
                waiting.extend(rules(rest));
            } else {
                ignores.lines.entry(number).or_default().extend(rules(rest));
            }
        }
        ignores
    }

    /// Whether a finding of this rule on this line, counted from 1, was asked not to be reported.
    #[must_use]
    pub fn cover(&self, rule: &str, line: u32) -> bool {
        self.everywhere.contains(rule) || self.lines.get(&line).is_some_and(|rules| rules.contains(rule))
    }
}

/// What stands before the mark that ends `before`; none when no mark does.
fn before_mark(before: &str) -> Option<&str> {
    let before = before.trim_end();
    let mark = MARKS.iter().filter(|mark| before.ends_with(**mark)).max_by_key(|mark| mark.len())?;
    Some(before[..before.len() - mark.len()].trim_end_matches(['/', '*', '#', '!']))
}

fn is_comment(line: &str) -> bool {
    line.is_empty()
        || MARKS.iter().any(|mark| line.starts_with(mark))
            && !line.starts_with("#[")
            && !line.starts_with("#!")
}

/// The rule ids before the reason.
fn rules(list: &str) -> impl Iterator<Item = String> + '_ {
    let list = list.split(" --").next().unwrap_or(list);
    let list = list.trim_start_matches(':').split("*/").next().unwrap_or(list);
    list.split([',', ' ']).map(str::trim).filter(|rule| rule.contains('/')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(text: &str) -> Ignores {
        Ignores::of(&Source::new("a.txt", text.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_comment_behind_code_is_about_its_own_line() {
        let ignores = ignores("a\nlet x = 1; // skep:ignore style/a, style/b -- it is c/d\nb\n");
        assert!(ignores.cover("style/a", 2) && ignores.cover("style/b", 2));
        assert!(!ignores.cover("style/a", 3) && !ignores.cover("style/a", 1) && !ignores.cover("c/d", 2));
    }

    #[test]
    fn a_comment_of_its_own_is_about_the_next_line_of_code_in_any_syntax() {
        for open in ["//", "#", "--", "<!--", "/*", ";", "///", " * "] {
            let ignores =
                ignores(&format!("{open} skep:ignore tests/sleep -- why\n{open} more\n\ncode\nmore\n"));
            assert!(ignores.cover("tests/sleep", 4), "{open}");
            assert!(!ignores.cover("tests/sleep", 5), "{open}");
        }
    }

    #[test]
    fn a_file_comment_is_about_every_line_and_words_outside_a_comment_about_none() {
        assert!(ignores("# skep:ignore-file style/a\n").cover("style/a", 99));
        assert_eq!(ignores("say \"skep:ignore style/a\"\nx\n").lines.values().flatten().count(), 0);
    }
}
