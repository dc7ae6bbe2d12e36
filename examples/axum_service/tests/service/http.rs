//! What clients get.

use serde_json::Value;

use crate::rig::{Service, event};

#[tokio::test]
async fn a_review_is_a_report_with_a_row_for_each_area_and_its_cost() {
    let service = Service::start(&[]);
    let answer = service.review("acme").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let report: Value = answer.json().await.unwrap();
    let areas: Vec<_> =
        report["areas"].as_array().unwrap().iter().map(|row| row["area"].as_str().unwrap()).collect();
    assert_eq!(areas, ["security", "style", "tests"]);
    assert!(report["areas"][0]["findings"]["Ok"].is_string(), "{report}");
    assert!(report["cost"].as_u64().unwrap() > 0 && !report["summary"].as_str().unwrap().is_empty());
    // What it cost is what its tenant is billed.
    let agents = service.json("/agents").await;
    let tenant = agents.as_array().unwrap().iter().find(|row| row["name"] == "acme").unwrap();
    assert_eq!(tenant["cost"]["spent"]["money"], report["cost"]);
    let costs = service.get("/costs").await.text().await.unwrap();
    assert!(costs.contains("acme") && costs.contains("security"), "{costs}");
}

#[tokio::test]
async fn a_stream_tells_what_is_done_then_the_summary_and_the_report() {
    let service = Service::start(&[]);
    let mut answer = service.stream("acme").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut heard = String::new();
    let doing = event(&mut answer, "doing", &mut heard).await.unwrap();
    assert_eq!(doing, "reviewing 3 areas");
    assert!(event(&mut answer, "text", &mut heard).await.unwrap().is_string());
    let report = event(&mut answer, "report", &mut heard).await.unwrap();
    assert_eq!(report["areas"].as_array().unwrap().len(), 3);
    assert!(event(&mut answer, "text", &mut heard).await.is_none(), "the report is the last");
}

#[tokio::test]
async fn a_refused_budget_is_a_429_and_costs_nothing() {
    let service = Service::start(&[("TENANT_USD", "0.0001")]);
    let answer = service.review("poor").send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert!(!answer.headers().contains_key("retry-after"), "tomorrow it would be too little, too");
    let error: Value = answer.json().await.unwrap();
    assert!(error["error"].as_str().unwrap().contains("left of its budget"), "{error}");
    assert_eq!(service.json("/models").await["begun"], 0);
}

#[tokio::test]
async fn what_happened_is_counted_for_whoever_scrapes_it() {
    let service = Service::start(&[]);
    service.review("acme").send().await.unwrap();
    let page = service.get("/metrics").await;
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let page = page.text().await.unwrap();
    let calls = page.lines().filter(|line| line.contains("kind=\"model\"")).count();
    assert!(calls > 0, "{page}");
}

#[tokio::test]
async fn one_tenants_budget_is_nothing_to_another() {
    let service = Service::start(&[("TENANT_USD", "0.0028")]);
    let mut refused = 0;
    for _ in 0..40 {
        let answer = service.review("spender").send().await.unwrap();
        refused = i32::from(answer.status() == 429);
        if refused > 0 {
            let retry_after: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=86_400).contains(&retry_after), "within the day: {retry_after}");
            break;
        }
    }
    assert_eq!(refused, 1, "a tenant that spends comes to the end of its budget");
    assert_eq!(service.review("other").send().await.unwrap().status(), 200);
}
