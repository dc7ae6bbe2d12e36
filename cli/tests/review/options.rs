//! Options, formats and exit codes.

use serde_json::Value;

use crate::bench::{Bench, findings};

#[test]
fn it_finds_what_is_there_and_ends_with_0_or_with_1_if_asked() {
    let bench = Bench::with_findings();
    let report = bench.json(&[]);
    let found = findings(&report);
    for expected in [
        "style/left-over-macro src/lib.rs:2",
        "security/unsafe-without-reason src/raw.rs:2",
        "performance/blocking-in-async src/slow.rs:2",
        "tests/sleep tests/t.rs:3",
    ] {
        assert!(found.iter().any(|found| found == expected), "{expected}: {found:?}");
    }
    assert_eq!(report["complete"], true);
    assert!(report["receipt"].as_str().unwrap().contains("5 agents stopped"), "{}", report["receipt"]);
    assert!(report["receipt"].as_str().unwrap().ends_with("nothing left"), "{}", report["receipt"]);
    assert_eq!(bench.review(&["--fail-on", "low"]).code, Some(1));
    assert_eq!(bench.review(&["--fail-on", "critical"]).code, Some(0));
}

#[test]
fn the_bill_is_that_of_its_parts_and_says_that_its_prices_are_simulated() {
    let bench = Bench::with_findings();
    let report = bench.json(&[]);
    let cost = &report["cost"];
    let children = cost["children"].as_array().unwrap();
    assert_eq!(children.len(), 4);
    let sum = |field: &str| children.iter().map(|child| child[field].as_u64().unwrap()).sum::<u64>();
    assert!(cost["nano_usd"].as_u64().unwrap() > sum("nano_usd"), "the lead's own look is billed too");
    assert!(sum("nano_usd") > 0);
    assert_eq!(
        (cost["files"].as_u64().unwrap(), sum("tool_calls")),
        (16, 32),
        "4 files, 4 reviewers, 2 calls each"
    );
    assert!(report["prices"].as_str().unwrap().contains("simulated"));
}

#[test]
fn every_format_is_what_it_says() {
    let bench = Bench::with_findings();
    let text = bench.review(&[]);
    assert!(
        text.out.contains("src/raw.rs") && text.out.contains("receipt: ") && !text.out.contains('\u{1b}')
    );
    assert!(text.err.contains("4 files, not a git repository: the whole tree"), "{}", text.err);
    assert!(bench.review(&["--format", "markdown"]).out.starts_with("### skep review: "));
    let sarif: Value = serde_json::from_str(&bench.review(&["--format", "sarif"]).out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let schema = serde_json::from_str(skep_cli::review::report::json::SCHEMA).unwrap();
    let report = bench.json(&["--chaos", "1"]);
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(
        schema.is_valid(&report),
        "{:?}",
        schema.iter_errors(&report).map(|e| e.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn a_report_goes_into_a_file_and_one_that_cannot_is_refused_before_the_work() {
    let bench = Bench::with_findings();
    let ran = bench.review(&["--format", "json", "--out", "report.json"]);
    assert_eq!((ran.code, &*ran.out), (Some(0), ""));
    let report: Value = serde_json::from_slice(&std::fs::read(bench.path("report.json")).unwrap()).unwrap();
    assert!(!findings(&report).is_empty());
    let ran = bench.review(&["--out", "none/report.txt"]);
    ran.could_not(&["--out none/report.txt", "the folder none does not exist"]);
    assert!(!ran.err.contains("files"), "the work began: {}", ran.err);
}

#[test]
fn settings_and_a_baseline_are_heard() {
    let bench = Bench::with_findings();
    let all = findings(&bench.json(&["--write-baseline", "known.json"])).len();
    let report = bench.json(&["--baseline", "known.json"]);
    assert_eq!((findings(&report).len(), report["known"].as_u64()), (0, Some(all as u64)));
    bench.write("skep.toml", "fail-on = \"low\"\n[rules]\n\"tests/sleep\" = \"off\"\n");
    let ran = bench.review(&["--format", "json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(!ran.out.contains("tests/sleep"));
    bench.write("skep.toml", "fail_on = \"low\"\n");
    bench.review(&[]).could_not(&["skep.toml", "line 1", "fail-on"]);
    bench.review(&["--config", "none.toml"]).could_not(&["--config none.toml"]);
}

#[test]
fn more_than_fifty_files_go_in_batches_of_ten() {
    let bench = Bench::new();
    for number in 0..53 {
        bench.write(&format!("src/f{number:02}.rs"), "pub fn a() {\n    todo!()\n}\n");
    }
    let report = bench.json(&[]);
    assert_eq!(report["files"], 53);
    for reviewer in report["reviewers"].as_array().unwrap() {
        assert_eq!(
            (reviewer["batches"].as_u64(), reviewer["files"].as_u64()),
            (Some(6), Some(53)),
            "{reviewer}"
        );
    }
    assert_eq!(findings(&report).len(), 53);
}

#[test]
fn a_budget_that_runs_out_is_a_row_for_each_reviewer_and_what_was_found_stays() {
    let bench = Bench::new();
    for number in 0..60 {
        bench.write(&format!("f{number:02}.rs"), "pub fn a() {\n    todo!()\n}\n");
    }
    let ran = bench.review(&["--format", "json", "--budget", "0.0008"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["complete"]), (Some(0), &Value::Bool(false)));
    let found = findings(&report).len();
    assert!(found > 0 && found < 60, "{found}");
    for reviewer in report["reviewers"].as_array().unwrap() {
        let failed = reviewer["failed"].as_str().unwrap();
        assert!(failed.contains("budget has $") && failed.contains("--budget"), "{failed}");
    }
    assert!(report["cost"]["nano_usd"].as_u64().unwrap() <= 800_000);
    bench.review(&["--budget", "0.000001"]).could_not(&["the budget has", "--budget"]);
    let ran = bench.review(&["--budget", "0.0008", "--fail-on", "critical"]);
    assert_eq!(ran.code, Some(1), "of what was not reviewed nobody can say that it is fine");
}
