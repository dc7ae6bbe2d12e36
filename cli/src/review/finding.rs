//! One place in a file that deserves a look, and how the findings of several reviewers become one list.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How much harm a finding may do. Ordered: `Low < Medium < High < Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing breaks.
    Low,
    /// Should be put right when the place is touched next.
    Medium,
    /// Should be put right before it is merged.
    High,
    /// Must not be shipped.
    Critical,
}

impl Severity {
    /// All severities, the worst first: the order of a report.
    pub const WORST_FIRST: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word used in reports, options and `skep.toml`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for Severity {
    type Err = String;

    /// Reads the word of a severity; the error names the four that exist.
    fn from_str(word: &str) -> Result<Self, String> {
        Self::WORST_FIRST
            .into_iter()
            .find(|severity| severity.word() == word)
            .ok_or_else(|| format!("`{word}` is not a severity: use critical, high, medium or low"))
    }
}

/// What a reviewer is a specialist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Injection, secrets, `unsafe` without a reason, paths from outside.
    Security,
    /// Blocking calls in async code, queries and other work repeated in loops, leaks.
    Performance,
    /// Complexity, formatting, leftovers.
    Style,
    /// Tests that cannot fail, sleep, are ignored, or are missing.
    Tests,
}

impl Category {
    /// The four specialists in the order in which they are named everywhere.
    pub const ALL: [Self; 4] = [Self::Security, Self::Performance, Self::Style, Self::Tests];

    /// The word used in rule ids, reports and agent names.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Performance => "performance",
            Self::Style => "style",
            Self::Tests => "tests",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One place that deserves a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Path relative to the reviewed root, with `/` on every system.
    pub file: String,
    /// First line, counted from 1.
    pub line: u32,
    /// Last line when the finding spans several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// Column of the first character, counted from 1 in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// How much harm it may do.
    pub severity: Severity,
    /// The specialist that found it.
    pub category: Category,
    /// What is wrong here, as one or two sentences.
    pub description: String,
    /// What to do instead.
    pub suggestion: String,
    /// Id of the rule, like `security/sql-injection`.
    pub rule: String,
    /// What the finding is about. Findings of one line with the same concern are one finding, whoever made them.
    pub concern: String,
    /// Rules of other findings that were merged into this one, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The line of the source as a reader may see it: secrets are blotted out, long lines cut.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// Hash of rule, path and the line without its white space: stays the same when the line moves.
    pub fingerprint: String,
}

impl Finding {
    /// The order of a report: the worst first, then by place, then by rule.
    fn order(&self) -> impl Ord + '_ {
        (Reverse(self.severity), &self.file, self.line, self.column, &self.rule)
    }
}

/// Merges the findings of all reviewers into one list in a fixed order, whatever order they came in.
///
/// Findings of one line with the same concern become one: the most severe stays and names the rules of the
/// others in [`Finding::also`]. Two findings of equal severity are decided by their order, so the result does
/// not depend on which reviewer was quicker.
#[must_use]
pub fn merge(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut merged: Vec<Finding> = Vec::with_capacity(findings.len());
    let mut seen: BTreeMap<(String, u32, String), usize> = BTreeMap::new();
    for finding in findings {
        let place = (finding.file.clone(), finding.line, finding.concern.clone());
        if let Some(&kept) = seen.get(&place) {
            let kept: &mut Finding = &mut merged[kept];
            kept.also.extend(finding.also);
            kept.also.push(finding.rule);
            kept.also.sort();
            kept.also.dedup();
            let own = &kept.rule;
            kept.also.retain(|rule| rule != own);
        } else {
            seen.insert(place, merged.len());
            merged.push(finding);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(line: u32, rule: &str, concern: &str, severity: Severity) -> Finding {
        Finding {
            file: "src/lib.rs".into(),
            line,
            end_line: None,
            column: Some(1),
            severity,
            category: Category::Security,
            description: String::new(),
            suggestion: String::new(),
            rule: rule.into(),
            concern: concern.into(),
            also: Vec::new(),
            excerpt: String::new(),
            fingerprint: String::new(),
        }
    }

    #[test]
    fn the_more_severe_of_two_findings_of_one_concern_stays_and_names_the_other() {
        let merged = merge(vec![
            finding(3, "tests/asleep", "sleep", Severity::Low),
            finding(3, "tests/blocking", "sleep", Severity::High),
            finding(3, "style/other", "style/other", Severity::Low),
        ]);
        assert_eq!(merged.len(), 2);
        assert_eq!(merged[0].rule, "tests/blocking");
        assert_eq!(merged[0].also, ["tests/asleep"]);
        assert!(merged[1].also.is_empty());
    }

    #[test]
    fn a_finding_made_twice_is_one_and_does_not_name_itself() {
        let twice = vec![finding(1, "a/b", "a/b", Severity::Low), finding(1, "a/b", "a/b", Severity::Low)];
        let merged = merge(twice);
        assert_eq!(merged.len(), 1);
        assert!(merged[0].also.is_empty());
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let all: Vec<Finding> = (1..20)
            .flat_map(|line| {
                [
                    finding(line % 5, "z/z", "same", Severity::High),
                    finding(line, "a/a", "same", Severity::High),
                    finding(line, "m/m", "m/m", Severity::Critical),
                ]
            })
            .collect();
        let mut reversed = all.clone();
        reversed.reverse();
        assert_eq!(merge(all.clone()), merge(reversed));
        let mut rotated = all.clone();
        rotated.rotate_left(7);
        assert_eq!(merge(all), merge(rotated));
    }

    #[test]
    fn a_severity_is_read_from_its_word_only() {
        assert_eq!("high".parse(), Ok(Severity::High));
        assert!(
            "High".parse::<Severity>().is_err_and(|error| error.contains("critical, high, medium or low"))
        );
    }
}
