//! A file that is too large to be reviewed is swept for keys, line by line: they are the one thing in a dump of data that
//! cannot wait.

use skep_actors::tools::grep::{Match, Searched};

use crate::review::rules::Rule;
use crate::review::source::MAX_BYTES as REVIEWED;
use crate::review::{Category, Config, Finding, Note, RuleSet, Source, apply};

/// Larger files are not even swept: 256 MiB, which fit an effect's second with room to spare.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// Lines of one file that are looked at.
pub(super) const MATCHES: usize = 50;

/// What findings have to be about.
const CONCERN: &str = "secret";

/// The words that a known key begins with, from the rules themselves.
pub(super) fn pattern() -> String {
    let rules = RuleSet::embedded().of(Category::Security).filter(|rule| rule.concern == CONCERN);
    let words: Vec<String> = rules.flat_map(Rule::literals).map(|literal| regex::escape(&literal)).collect();
    words.join("|")
}

/// What the rules say about the lines that were found.
pub(super) fn findings(path: &str, searched: &Searched, config: &Config) -> Vec<Finding> {
    let Searched::Lines(matches) = searched else { return Vec::new() };
    matches.iter().flat_map(|found| judge(path, found, config)).collect()
}

fn judge(path: &str, found: &Match, config: &Config) -> Vec<Finding> {
    let Ok(source) = Source::new(path, found.text.clone().into_bytes()) else { return Vec::new() };
    let mut findings = apply(Category::Security, RuleSet::embedded(), config, &source);
    findings.retain(|finding| finding.concern == CONCERN);
    for finding in &mut findings {
        // The rules have seen one line, perhaps a piece of it.
        finding.line = u32::try_from(found.line).unwrap_or(u32::MAX);
        (finding.end_line, finding.column) = (None, None);
    }
    findings
}

/// What the reader is told about the file.
pub(super) fn note(path: &str, size: u64, swept: bool) -> Note {
    let mib = size as f64 / REVIEWED as f64;
    let then = if swept { "searched for known keys only" } else { "skipped" };
    Note { file: path.to_owned(), why: format!("larger than 1 MiB ({mib:.1} MiB): {then}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_line_of_a_dump_is_found_with_its_place_and_blotted_out() {
        let key = concat!("AKIA", "Q3EGVB7XNTPLWZ5M");
        let searched = Searched::Lines(vec![
            Match { line: 70_001, text: format!("{{\"key\": \"{key}\"}},") },
            Match { line: 70_002, text: "AKIA is what keys begin with".to_owned() },
        ]);
        let found = findings("data/dump.json", &searched, &Config::default());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].line, &*found[0].rule), (70_001, "security/known-token"));
        assert!(!found[0].excerpt.contains(key));
        assert!(regex::Regex::new(&pattern()).unwrap().is_match(key));
    }
}
