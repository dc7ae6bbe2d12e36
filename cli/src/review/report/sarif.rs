//! The report as SARIF 2.1.0, for the code scanning pages of forges and editors.
//!
//! Follows the OASIS standard of 27 March 2020. Paths are relative to `%SRCROOT%`, which the reader knows.

use serde_json::{Value, json};

use super::Report;
use crate::review::finding::{Finding, Severity};
use crate::review::rules::{Rule, RuleSet};

/// The report as a SARIF log with one run.
#[must_use]
pub fn value(report: &Report, rules: &RuleSet) -> Value {
    let notifications: Vec<Value> = report
        .notes
        .iter()
        .map(|note| {
            notification(
                "note",
                &format!("{}{}{}", note.file, if note.file.is_empty() { "" } else { ": " }, note.why),
            )
        })
        .chain(report.reviewers.iter().filter_map(|reviewer| {
            let why = reviewer.failed.as_ref()?;
            Some(notification("error", &format!("the {} reviewer failed: {why}", reviewer.category)))
        }))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "skep review",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.all().iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": report.complete && report.reviewers.iter().all(|reviewer| reviewer.failed.is_none()),
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "The reviewed root." } } },
            "results": report.findings.iter().map(|finding| result(finding, rules)).collect::<Vec<_>>(),
        }],
    })
}

/// The SARIF log as text, with a line break at its end.
#[must_use]
pub fn render(report: &Report, rules: &RuleSet) -> String {
    format!("{:#}\n", value(report, rules))
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.description.replace("{detail}", "…") },
        "help": { "text": rule.suggestion },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": [rule.category.word()], "problem.severity": level(rule.severity) },
    })
}

fn result(finding: &Finding, rules: &RuleSet) -> Value {
    let mut region = json!({ "startLine": finding.line });
    for (name, number) in [("startColumn", finding.column), ("endLine", finding.end_line)] {
        if let Some(number) = number {
            region[name] = json!(number);
        }
    }
    if !finding.excerpt.is_empty() && finding.end_line.is_none() {
        region["snippet"] = json!({ "text": finding.excerpt });
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": format!("{} {}", finding.description, finding.suggestion) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&finding.file), "uriBaseId": "%SRCROOT%" },
            "region": region,
        }}],
        "partialFingerprints": { "skepLine/v1": finding.fingerprint },
        "properties": { "severity": finding.severity, "category": finding.category, "also": finding.also },
    });
    if let Some(index) = rules.all().iter().position(|rule| rule.id == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    result
}

fn notification(level: &str, text: &str) -> Value {
    json!({ "level": level, "message": { "text": text } })
}

/// SARIF has three levels; critical and high both stop a merge.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// A relative path as a URI reference: what RFC 3986 does not allow in a path is percent-encoded.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("writing into a String cannot fail");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty, full};
    use super::*;

    #[test]
    fn every_report_is_valid_by_the_schema_of_the_standard() {
        // The schema that OASIS publishes with the standard, word for word. The pattern of `language`, a field that
        // we do not write, has a bracket too many and is no regex to a strict reader.
        let mut schema: Value = serde_json::from_str(include_str!("sarif-2.1.0.schema.json")).unwrap();
        for owner in ["run", "toolComponent"] {
            let language = &mut schema["definitions"][owner]["properties"]["language"];
            assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
        }
        let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        for report in [empty(), full()] {
            let log: Value = serde_json::from_str(&render(&report, RuleSet::embedded())).unwrap();
            let errors: Vec<String> =
                schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{}", errors.join("\n"));
        }
        let mut wrong = value(&full(), RuleSet::embedded());
        wrong["runs"][0]["results"][0]["level"] = json!("critical");
        assert!(!schema.is_valid(&wrong));
    }

    #[test]
    fn a_result_names_its_rule_place_and_fingerprint() {
        let report = full();
        let log = value(&report, RuleSet::embedded());
        let run = &log["runs"][0];
        assert_eq!(run["invocations"][0]["executionSuccessful"], json!(false));
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.findings.len());
        for (result, finding) in results.iter().zip(&report.findings) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], json!(finding.rule));
            assert_eq!(result["partialFingerprints"]["skepLine/v1"], json!(finding.fingerprint));
        }
        assert!(results.iter().any(|result| {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == json!("src/a%20b.rs")
        }));
    }
}
