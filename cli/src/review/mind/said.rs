//! What a model said of a part, and the findings that it comes to.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Part;
use crate::review::baseline::fingerprint;
use crate::review::suppress::Ignores;
use crate::review::{Category, Finding, Severity, Source, Touched};

/// What a model says of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The problems; none if there are none.
    findings: Vec<Problem>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Problem {
    /// The file, as it was named.
    file: String,
    /// The line, from 1.
    line: u32,
    severity: Harm,
    /// What is wrong, in one or two sentences.
    description: String,
    /// What to do instead, in one or two sentences.
    suggestion: String,
}

/// How much harm it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Harm {
    Low,
    Medium,
    High,
    Critical,
}

/// A text of the model's is no longer in a report.
const LONGEST: usize = 600;

impl Said {
    /// The findings, and how many problems are none: in no file of the part, on no line of it, outside of the change, or without words.
    #[must_use]
    pub fn findings<'t>(
        self,
        category: Category,
        part: &Part,
        touched: impl Fn(&str) -> &'t Touched,
    ) -> (Vec<Finding>, usize) {
        let all = self.findings.len();
        let found = self.findings.into_iter().filter_map(|problem| {
            let source = part.sources().find(|source| source.path() == problem.file)?;
            let lines = u32::try_from(source.text().lines().count()).unwrap_or(u32::MAX);
            let is_there = (1..=lines).contains(&problem.line) && !problem.description.trim().is_empty();
            (is_there && touched(source.path()).hold(problem.line, problem.line))
                .then(|| problem.finding(category, source))
        });
        let mut findings: Vec<Finding> = found.collect();
        let dropped = all - findings.len();
        findings.retain(|finding| {
            let source = part.sources().find(|source| source.path() == finding.file);
            !source.is_some_and(|source| Ignores::of(source).cover(&finding.rule, finding.line))
        });
        (findings, dropped)
    }
}

impl Problem {
    fn finding(self, category: Category, source: &Arc<Source>) -> Finding {
        let rule = format!("{}/model", category.word());
        let line = source.text().lines().nth(self.line as usize - 1).unwrap_or("");
        let severity = match self.severity {
            Harm::Low => Severity::Low,
            Harm::Medium => Severity::Medium,
            Harm::High => Severity::High,
            Harm::Critical => Severity::Critical,
        };
        Finding {
            file: self.file,
            line: self.line,
            end_line: None,
            column: None,
            severity,
            category,
            description: words(&self.description),
            suggestion: words(&self.suggestion),
            concern: rule.clone(),
            also: Vec::new(),
            // The line may hold a secret, and nobody has looked where.
            excerpt: String::new(),
            fingerprint: fingerprint(&rule, source.path(), line),
            rule,
        }
    }
}

/// On one line, and no longer than a report bears.
fn words(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(file: &str, line: u32) -> Said {
        let problem = Problem {
            file: file.into(),
            line,
            severity: Harm::High,
            description: "It does\nnot check.".into(),
            suggestion: "Check.".into(),
        };
        Said { findings: vec![problem] }
    }

    #[test]
    fn what_is_on_a_line_of_the_part_is_a_finding_and_all_else_is_none() {
        let text = b"fn a() {}\nfn b() {} // skep:ignore security/model -- known\n".to_vec();
        let source = Arc::new(Source::new("a.rs", text).unwrap());
        let part = super::super::parts([source]).remove(0);
        let findings = |said: Said| said.findings(Category::Security, &part, |_| &Touched::Whole);
        let (found, dropped) = findings(said("a.rs", 1));
        assert_eq!((found.len(), dropped, &*found[0].rule), (1, 0, "security/model"));
        assert_eq!(found[0].description, "It does not check.");
        for (file, line) in [("a.rs", 0), ("a.rs", 3), ("b.rs", 1), ("a.rs", u32::MAX)] {
            assert_eq!(findings(said(file, line)), (vec![], 1), "{file}:{line}");
        }
        assert_eq!(findings(said("a.rs", 2)), (vec![], 0), "it is ignored");
    }
}
