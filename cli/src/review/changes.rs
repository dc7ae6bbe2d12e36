//! Findings about a change as a whole: source that changed while no test did.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::review::baseline::fingerprint;
use crate::review::config::Config;
use crate::review::finding::Finding;
use crate::review::rules::RuleSet;
use crate::review::source::{Language, Part, Source, View};
use crate::review::touched::Touched;

/// Id of the rule; its words stand with the others in the data.
const RULE: &str = "tests/untested-change";

/// What one changed file tells about the change; small, so that batches can pass it up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedFile {
    path: String,
    /// Lines of code that users run; 0 for tests, data and prose.
    code_lines: usize,
    /// Whether it holds a test, or feeds one.
    tests: bool,
}

impl ChangedFile {
    /// What a changed source tells. Where nobody knows which lines are touched, a file that holds a test counts as a tested
    /// change: silence is better than a false alarm.
    #[must_use]
    pub fn of(source: &Source, touched: &Touched) -> Self {
        let is_rust = source.language() == Language::Rust;
        let shipped = is_rust && matches!(source.part(), Part::Library | Part::Program);
        let code = source.view(View::Code).filter(|_| shipped).unwrap_or("");
        let (mut code_lines, mut tests) = (0, source.part() == Part::Tests);
        let mut at = 0;
        for (number, line) in (1..).zip(code.split('\n')) {
            if touched.hold(number, number) && !line.trim().is_empty() {
                let is_test = source.is_test(at);
                tests |= is_test;
                code_lines += usize::from(!is_test);
            }
            at += line.len() + 1;
        }
        if *touched == Touched::Whole && is_rust {
            let marks = ["#[test]", "cfg(test)", "::test]"];
            tests |= marks.iter().any(|mark| source.text().contains(mark));
        }
        Self { path: source.path().to_owned(), code_lines, tests }
    }
}

/// One finding for each crate whose source changed while none of its tests did.
///
/// `crates` are the folders with a manifest, relative to the root, the root itself as an empty text.
#[must_use]
pub fn untested_changes(
    changed: &[ChangedFile],
    crates: &[String],
    rules: &RuleSet,
    config: &Config,
) -> Vec<Finding> {
    let Some(rule) = rules.get(RULE) else { return Vec::new() };
    let mut by_crate: BTreeMap<&str, Vec<&ChangedFile>> = BTreeMap::new();
    for file in changed.iter().collect::<BTreeSet<_>>() {
        by_crate.entry(crate_of(&file.path, crates)).or_default().push(file);
    }
    let finding = |files: Vec<&ChangedFile>| {
        let largest = files.iter().filter(|file| file.code_lines > 0).max_by_key(|file| file.code_lines)?;
        let settings = config.settings(rule, &largest.path);
        let lines: usize = files.iter().map(|file| file.code_lines).sum();
        if files.iter().any(|file| file.tests) || lines <= settings.limit as usize {
            return None;
        }
        let sources = files.iter().filter(|file| file.code_lines > 0).count();
        let detail =
            if sources == 1 { "1 source file".to_owned() } else { format!("{sources} source files") };
        Some(Finding {
            file: largest.path.clone(),
            line: 1,
            end_line: None,
            column: None,
            severity: settings.severity?,
            category: rule.category,
            description: rule.description.replace("{detail}", &detail),
            suggestion: rule.suggestion.clone(),
            rule: rule.id.clone(),
            concern: rule.concern.clone(),
            also: Vec::new(),
            excerpt: String::new(),
            fingerprint: fingerprint(&rule.id, &largest.path, ""),
        })
    };
    by_crate.into_values().filter_map(finding).collect()
}

/// The innermost crate that holds the path; the root when none does.
fn crate_of<'c>(path: &str, crates: &'c [String]) -> &'c str {
    crates
        .iter()
        .filter(|folder| {
            path.strip_prefix(folder.as_str()).is_some_and(|rest| folder.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|folder| folder.len())
        .map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::touched::Edit;

    fn changed(path: &str, text: &str) -> ChangedFile {
        part_of(path, text, &Touched::Whole)
    }

    fn part_of(path: &str, text: &str, touched: &Touched) -> ChangedFile {
        ChangedFile::of(&Source::new(path, text.as_bytes().to_vec()).unwrap(), touched)
    }

    fn findings(files: &[ChangedFile]) -> Vec<String> {
        let crates = [String::new(), "a".to_owned(), "ab".to_owned()];
        let found = untested_changes(files, &crates, RuleSet::embedded(), &Config::default());
        found.into_iter().map(|finding| finding.file).collect()
    }

    #[test]
    fn each_crate_with_changed_source_and_no_changed_test_is_named_once() {
        let long = "fn f() {\n    g();\n}\n".repeat(20);
        let source = |path| changed(path, &long);
        assert_eq!(findings(&[source("a/src/x.rs"), source("a/src/y.rs"), source("ab/src/z.rs")]).len(), 2);
        assert_eq!(findings(&[source("a/src/x.rs"), changed("a/tests/t.rs", "")]), [""; 0]);
        assert_eq!(findings(&[source("a/src/x.rs"), changed("ab/tests/t.rs", "")]), ["a/src/x.rs"]);
        assert_eq!(
            findings(&[source("a/src/x.rs"), changed("a/src/y.rs", "#[cfg(test)] mod t {}")]),
            [""; 0]
        );
    }

    #[test]
    fn a_test_in_the_same_file_counts_when_it_is_touched_and_only_touched_lines_are_counted() {
        let text =
            format!("{}#[cfg(test)]\nmod t {{\n    fn a() {{}}\n}}\n", "fn f() {\n    g();\n}\n".repeat(20));
        let lines = |first, added| Touched::Lines(vec![Edit { first, added, removed: 0 }]);
        assert_eq!(findings(&[part_of("a/src/x.rs", &text, &lines(1, 30))]), ["a/src/x.rs"]);
        assert_eq!(findings(&[part_of("a/src/x.rs", &text, &lines(1, 3))]), [""; 0]);
        assert_eq!(findings(&[part_of("a/src/x.rs", &text, &lines(30, 33))]), [""; 0]);
    }

    #[test]
    fn prose_comments_and_small_changes_need_no_test() {
        assert_eq!(findings(&[changed("README.md", "words")]), [""; 0]);
        assert_eq!(findings(&[changed("a/src/x.rs", &"// words\n".repeat(99))]), [""; 0]);
        assert_eq!(findings(&[changed("a/src/x.rs", "pub mod b;\n")]), [""; 0]);
    }
}
