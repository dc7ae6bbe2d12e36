//! The examples in the data are the tests of the rules.

use super::data::RuleFile;
use super::{EMBEDDED, RuleSet};
use crate::review::{Category, Config, Source, apply};

fn found(category: Category, rule: &str, path: &str, text: &str) -> usize {
    let source = Source::new(path, text.as_bytes().to_vec()).unwrap();
    let findings = apply(category, RuleSet::embedded(), &Config::default(), &source);
    findings.iter().filter(|finding| finding.rule == rule).count()
}

#[test]
fn every_rule_finds_its_hits_and_passes_its_near_misses() {
    let mut wrong = Vec::new();
    for (category, text) in EMBEDDED {
        let file: RuleFile = toml::from_str(text).unwrap();
        for rule in file.rule {
            for example in &rule.examples {
                if found(category, &rule.id, &example.path, &example.hit) == 0 {
                    wrong.push(format!("{} misses {}", rule.id, example.hit));
                }
                if found(category, &rule.id, &example.path, &example.near_miss) > 0 {
                    wrong.push(format!("{} finds {}", rule.id, example.near_miss));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

#[test]
fn every_rule_with_a_matcher_has_an_example() {
    // The two that are left are tested in code: one needs a very long text, one a whole change.
    let elsewhere = ["style/long-function", "tests/untested-change"];
    for (_, text) in EMBEDDED {
        let file: RuleFile = toml::from_str(text).unwrap();
        for rule in file.rule {
            assert_ne!(rule.examples.is_empty(), !elsewhere.contains(&&*rule.id), "{}", rule.id);
        }
    }
}

#[test]
fn a_function_is_long_by_its_lines_of_code_only() {
    let body = |lines: usize, filler: &str| format!("fn f() {{\n{}}}\n", filler.repeat(lines));
    let long = |text: &str| found(Category::Style, "style/long-function", "src/lib.rs", text);
    assert_eq!(long(&body(200, "    a();\n")), 1);
    assert_eq!(long(&body(100, "    a();\n\n    // words\n")), 0);
    assert_eq!(long(&format!("fn f() {{ match a {{\n{}}} }}\n", "1 => b,\n".repeat(300))), 0);
}

#[test]
fn ids_are_unique_and_literals_do_not_contradict_matchers() {
    let rules = RuleSet::embedded();
    for rule in rules.all() {
        assert!(std::ptr::eq(rules.get(&rule.id).unwrap(), rule), "{} twice", rule.id);
        assert!(rule.description.ends_with('.') && rule.suggestion.ends_with('.'), "{}", rule.id);
    }
}
