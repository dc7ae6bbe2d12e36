//! A baseline: findings that a project knows already, so that a review speaks of new ones only.
//!
//! A finding is known by rule, path and the words of its line, not by the line's number, so moving code does
//! not bring it back. Equal lines in one file are counted: a third copy of two known ones is new.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::review::finding::Finding;

/// The format that is written; another number is refused.
const VERSION: u32 = 1;

/// The known findings of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    version: u32,
    known: BTreeMap<String, Known>,
}

/// One known finding; rule and file are for the people who read the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    rule: String,
    file: String,
    count: u32,
}

/// What a baseline left of the findings of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filtered {
    /// Findings that are not known, in their order.
    pub new: Vec<Finding>,
    /// How many were known.
    pub known: usize,
    /// How many entries of the baseline nothing was found for: they can be dropped by writing it anew.
    pub stale: usize,
}

/// A baseline file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no baseline.
    #[error("the baseline cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It was written by another version.
    #[error(
        "the baseline has format {0}, but this skep reads format {VERSION}: write it again with --write-baseline"
    )]
    Version(u32),
}

impl Baseline {
    /// A baseline that knows these findings.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        for finding in findings {
            known
                .entry(finding.fingerprint.clone())
                .or_insert_with(|| Known { rule: finding.rule.clone(), file: finding.file.clone(), count: 0 })
                .count += 1;
        }
        Self { version: VERSION, known }
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    /// When it is no baseline, or one of another format.
    pub fn from_json(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text)?;
        if baseline.version == VERSION { Ok(baseline) } else { Err(BaselineError::Version(baseline.version)) }
    }

    /// The text of a baseline file, the same for the same findings, one entry a few lines: it diffs well.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("strings and numbers are always JSON");
        text + "\n"
    }

    /// Takes the known findings out.
    #[must_use]
    pub fn filter(&self, findings: Vec<Finding>) -> Filtered {
        let mut left: BTreeMap<&str, u32> =
            self.known.iter().map(|(print, known)| (&**print, known.count)).collect();
        let before = findings.len();
        let mut new = findings;
        new.retain(|finding| match left.get_mut(&*finding.fingerprint) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        let stale = left.values().filter(|count| **count > 0).count();
        Filtered { known: before - new.len(), new, stale }
    }
}

/// What a finding is known by: rule, path and line without white space, as 16 hexadecimal digits.
pub(crate) fn fingerprint(rule: &str, path: &str, line: &str) -> String {
    let mut hash = Sha256::new();
    for part in [rule, path] {
        hash.update(part);
        hash.update([0]);
    }
    for word in line.split_whitespace() {
        hash.update(word);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::{Category, Config, RuleSet, Source, apply};

    fn review(text: &str) -> Vec<Finding> {
        let source = Source::new("src/lib.rs", text.as_bytes().to_vec()).unwrap();
        apply(Category::Style, RuleSet::embedded(), &Config::default(), &source)
    }

    #[test]
    fn known_findings_stay_known_when_they_move_and_a_further_copy_is_new() {
        let before = review("fn a() { todo!() }\n");
        assert_eq!(before.len(), 1);
        let baseline = Baseline::from_json(&Baseline::of(&before).to_json()).unwrap();
        let moved = baseline.filter(review("//! Moved.\n\n  fn a()  { todo!() }\n"));
        assert_eq!((moved.new.len(), moved.known, moved.stale), (0, 1, 0));
        let copied = baseline.filter(review("fn a() { todo!() }\nfn a() { todo!() }\n"));
        assert_eq!((copied.new.len(), copied.known, copied.stale), (1, 1, 0));
        assert_eq!(copied.new[0].line, 2);
    }

    #[test]
    fn entries_without_a_finding_are_counted_as_stale() {
        let baseline = Baseline::of(&review("fn a() { todo!() }\n"));
        assert_eq!(baseline.filter(Vec::new()).stale, 1);
    }

    #[test]
    fn another_format_is_refused_by_its_number() {
        let error = Baseline::from_json("{\"version\": 9, \"known\": {}}").unwrap_err();
        assert!(error.to_string().contains("format 9"), "{error}");
    }
}
