//! What was judged and what was not, language by language: silence about a file is no approval of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::review::config::Config;
use crate::review::finding::Category;
use crate::review::rules::RuleSet;
use crate::review::source::Language;

/// Files that were reviewed, by what they are written in.
pub type Written = BTreeMap<String, u64>;

/// What was judged of the files of one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// The language, as people call it.
    pub language: String,
    /// Files of it that were reviewed.
    pub files: u64,
    /// Rules that are about it.
    pub rules: u64,
    /// How they look: over the syntax tree, or over lines.
    pub by: Look,
    /// Specialists that have no rule for it.
    pub without: Vec<Category>,
}

/// How rules look at a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// Over its syntax tree.
    Tree,
    /// Over its lines, with comments and strings told apart.
    Lines,
    /// No rule is about it; what can stand in any text was looked for.
    AnyText,
}

/// What was judged, the language with the most files first.
#[must_use]
pub fn judged(written: &Written, rules: &RuleSet, config: &Config) -> Vec<Judged> {
    let mut judged: Vec<Judged> =
        written.iter().map(|(name, files)| of(name, *files, rules, config)).collect();
    judged.sort_by(|a, b| b.files.cmp(&a.files).then_with(|| a.language.cmp(&b.language)));
    judged
}

fn of(name: &str, files: u64, rules: &RuleSet, config: &Config) -> Judged {
    let language = Language::named(name);
    let count = |category: Category| {
        let about =
            |rule: &&crate::review::rules::Rule| language.is_some_and(|language| rule.is_about(language));
        // Where a rule is off for everything it judges nothing.
        let is_on = |rule: &&crate::review::rules::Rule| config.settings(rule, "").severity.is_some();
        rules.of(category).filter(about).filter(is_on).count() as u64
    };
    let counts = Category::ALL.map(|category| (category, count(category)));
    let sum = counts.iter().map(|(_, count)| count).sum();
    let by = match language {
        _ if sum == 0 => Look::AnyText,
        Some(language) if language.grammar().is_some() => Look::Tree,
        _ => Look::Lines,
    };
    let without = counts.into_iter().filter(|(_, count)| *count == 0).map(|(category, _)| category);
    Judged { language: name.to_owned(), files, rules: sum, by, without: without.collect() }
}

impl Judged {
    /// As one line without the language and the number of files.
    #[must_use]
    pub fn words(&self) -> String {
        let rules = if self.rules == 1 { "1 rule".to_owned() } else { format!("{} rules", self.rules) };
        let judged = match self.by {
            Look::AnyText => {
                return format!(
                    "no rules for {} here; checked only for keys and merge-conflict markers",
                    self.language
                );
            }
            Look::Tree => format!("{rules} on the syntax tree"),
            Look::Lines => format!("{rules} on lines"),
        };
        let without: Vec<&str> = self.without.iter().map(|category| category.word()).collect();
        match without.as_slice() {
            [] => judged,
            [one] => format!("{judged}; no rules for {one}"),
            [most @ .., last] => format!("{judged}; no rules for {} and {last}", most.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str) -> String {
        let written = Written::from([(name.to_owned(), 3)]);
        judged(&written, RuleSet::embedded(), &Config::default())[0].words()
    }

    #[test]
    fn each_language_says_how_it_was_judged_and_what_nobody_looked_for() {
        assert!(words("Rust").ends_with("rules on the syntax tree"), "{}", words("Rust"));
        for name in ["Python", "JavaScript", "TypeScript", "Go"] {
            assert!(words(name).ends_with("rules on lines"), "{name}: {}", words(name));
        }
        assert!(words("shell").contains("no rules for performance"), "{}", words("shell"));
        let ruby = "no rules for Ruby here; checked only for keys and merge-conflict markers";
        assert_eq!(words("Ruby"), ruby);
    }

    #[test]
    fn a_rule_that_is_off_judges_nothing() {
        let rules = RuleSet::embedded();
        let all: String = rules.all().iter().map(|rule| format!("\"{}\" = \"off\"\n", rule.id)).collect();
        let config = Config::from_toml(&format!("[rules]\n{all}"), rules).unwrap();
        let written = Written::from([("Go".to_owned(), 1)]);
        assert_eq!(judged(&written, rules, &config)[0].by, Look::AnyText);
    }

    #[test]
    fn the_language_with_the_most_files_comes_first() {
        let written = Written::from([("Go".to_owned(), 1), ("Rust".to_owned(), 9), ("C".to_owned(), 1)]);
        let judged = judged(&written, RuleSet::embedded(), &Config::default());
        assert_eq!(judged.iter().map(|one| &*one.language).collect::<Vec<_>>(), ["Rust", "C", "Go"]);
    }
}
