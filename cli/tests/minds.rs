//! A review with models: what they find is found, billed and bounded, and what they get wrong is said.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "the command is a process")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use skep_actors::Scripted;
use skep_actors::model::{Prices, Request};
use skep_actors::pool::ProcessPool;
use skep_cli::review::mind::Minds;
use skep_cli::review::swarm::{Order, Review};
use skep_cli::review::{Config, Report};
use skep_runtime::NanoUsd;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pay.rb"), "def pay(user, sum)\n  user.charge(sum)\nend\n").unwrap();
    std::fs::write(folder.path().join("a.rs"), "pub fn a() {\n    todo!()\n}\n").unwrap();
    folder
}

fn order(root: &Path, minds: Minds, budget: u64) -> Order {
    Order {
        root: root.canonicalize().unwrap(),
        only: None,
        named: "here".into(),
        base: None,
        whole_files: false,
        head: None,
        config: Arc::new(Config::default()),
        budget: NanoUsd(budget),
        within: None,
        chaos: None,
        minds: Some(Arc::new(minds)),
        only_survey: false,
    }
}

fn is_about(field: &'static str) -> impl Fn(&Request) -> bool + Send + Sync + 'static {
    move |request| {
        request.system.as_ref().is_some_and(|system| system.contains(&format!("Your field is {field}")))
    }
}

fn says(findings: &serde_json::Value) -> String {
    json!({ "findings": findings }).to_string()
}

fn problem(file: &str, line: u32) -> serde_json::Value {
    json!({ "file": file, "line": line, "severity": "critical", "description": "Nobody checks who pays.", "suggestion": "Check it." })
}

/// Dollars a million, so that a token costs a millionth of a dollar.
fn prices() -> Prices {
    Prices::per_million("1", "1").unwrap()
}

async fn review(order: Order) -> Report {
    let review = Review::start(order).await.unwrap();
    let ending = review.run().await;
    review.end(ending).await.unwrap()
}

#[tokio::test]
async fn what_a_model_finds_in_any_language_is_found_and_billed_to_its_reviewer() {
    let folder = folder();
    let rules = json!({ "file": "a.rs", "field": "style" });
    let smart = Scripted::new()
        .prices(prices())
        .when(|request| is_about("security")(request) && request.messages.len() > 1)
        .says(says(&json!([problem("pay.rb", 2), problem("pay.rb", 99), problem("other.rb", 1)])))
        .when(is_about("security"))
        .calls("rules", &rules)
        .when(is_about("tests"))
        .says(says(&json!([])));
    let fast = Scripted::new().prices(prices()).says(says(&json!([]))).says(says(&json!([])));
    let asked = smart.clone();
    let report = review(order(folder.path(), Minds::of(smart, fast, prices()), 1_000_000_000)).await;
    let found: Vec<_> = report.findings.iter().filter(|finding| finding.rule == "security/model").collect();
    let places: Vec<_> = found.iter().map(|finding| (&*finding.file, finding.line)).collect();
    assert_eq!(places, [("pay.rb", 2)], "{:?} {:?}", report.notes, report.reviewers);
    assert!(
        report.findings.iter().any(|finding| finding.rule == "style/left-over-macro"),
        "rules judge as before"
    );
    assert!(
        report.notes.iter().any(|note| note.why.starts_with("2 problems of the security model")),
        "{:?}",
        report.notes
    );
    assert!(report.complete && report.needs_model.is_empty(), "{:?}", report.notes);
    // The tool has said what the rules find there.
    let told = asked.requests().iter().flat_map(|request| request.messages.clone()).collect::<Vec<_>>();
    assert!(told.iter().any(|message| message.text().contains("style/left-over-macro")), "{told:?}");
    let mind = |name: &str| report.cost.children.iter().find(|child| child.name == name).unwrap().clone();
    assert!(mind("security-mind").nano_usd > mind("style-mind").nano_usd);
    assert_eq!(mind("security").nano_usd, 0, "tools cost nothing beside a model");
    assert!(report.prices.contains("billed at their prices"));
}

#[tokio::test]
async fn a_model_searches_by_shape_in_a_process_of_its_own() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/b.rs"), "fn b() {\n    c\n        .unwrap();\n}\n").unwrap();
    let search = |pattern: &str, path: &str| json!({ "pattern": pattern, "path": path });
    let smart = Scripted::new()
        .prices(prices())
        .when(|request| is_about("security")(request) && request.messages.len() > 1)
        .says(says(&json!([])))
        .when(is_about("security"))
        .calls("structure_search", &search("$X.unwrap()", "src"))
        .when(|request| is_about("tests")(request) && request.messages.len() > 1)
        .says(says(&json!([])))
        .when(is_about("tests"))
        .calls("structure_search", &search("$X", ""));
    let fast = Scripted::new().prices(prices()).says(says(&json!([]))).says(says(&json!([])));
    let asked = smart.clone();
    let workers = ProcessPool::of(env!("CARGO_BIN_EXE_skep"), ["worker"]);
    let minds = Minds::of(smart, fast, prices()).workers(workers);
    let report = review(order(folder.path(), minds, 1_000_000_000)).await;
    assert!(report.complete, "{:?} {:?}", report.notes, report.reviewers);
    let told: Vec<String> = asked
        .requests()
        .iter()
        .flat_map(|request| request.messages.clone())
        .map(|message| message.text().to_owned())
        .collect();
    let has = |text: &str| told.iter().any(|told| told.contains(text));
    assert!(has("src/b.rs:2: c …\n[matches: 1; Rust files searched: 1]"), "{told:?}");
    assert!(has("the pattern fits everything"), "{told:?}");
}

#[tokio::test]
async fn a_budget_ends_what_the_models_may_spend_and_the_report_says_so() {
    let folder = folder();
    let script = || Scripted::new().prices(prices()).says(says(&json!([]))).says(says(&json!([])));
    let report = review(order(folder.path(), Minds::of(script(), script(), prices()), 1_000)).await;
    assert!(!report.complete);
    assert!(
        report
            .reviewers
            .iter()
            .all(|reviewer| reviewer.failed.as_ref().is_some_and(|why| why.contains("--budget")))
    );
    assert_eq!(report.cost.nano_usd, 0);
    assert!(
        report.findings.iter().any(|finding| finding.rule == "style/left-over-macro"),
        "rules have judged all the same"
    );
}

#[tokio::test]
async fn an_estimate_asks_no_model() {
    let folder = folder();
    let model = Scripted::new().prices(prices());
    let order = Order {
        only_survey: true,
        ..order(folder.path(), Minds::of(model.clone(), model.clone(), prices()), 1_000_000_000)
    };
    let review = Review::start(order).await.unwrap();
    let ending = review.run().await;
    let estimate = review.estimate(ending).await.unwrap().unwrap();
    assert_eq!((estimate.files, model.requests().len()), (2, 0));
    assert!(estimate.rows.iter().all(|(.., span)| span.least.calls == 1));
}

#[test]
fn options_that_cannot_be_are_told_before_anything_is_sent() {
    let folder = folder();
    let run = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        command.arg("review").arg(folder.path()).args(options);
        command.env_remove("OPENAI_API_KEY").env_remove("ANTHROPIC_API_KEY");
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&["--model", "openai:gpt-5"]);
    assert!(code == Some(2) && said.contains("OPENAI_API_KEY"), "{said}");
    let (code, said) = run(&["--model", "openai:sim", "--base-url", "http://127.0.0.1:9/v1"]);
    assert!(code == Some(2) && said.contains("--price"), "{said}");
    let (code, said) = run(&["--model", "gpt-5"]);
    assert!(code == Some(2) && said.contains("openai:gpt-5"), "{said}");
    let (code, said) = run(&["--estimate"]);
    assert!(code == Some(2) && said.contains("--model"), "{said}");
}
