//! Who is served, and for how long they stay.

use serde_json::Value;
use skep::NanoUsd;

use crate::rig::{Service, until};

#[tokio::test]
async fn strangers_are_refused_and_nothing_is_made_for_them() {
    let service = Service::start(&[]);
    for number in 0..500 {
        for name in [format!("stranger-{number}"), format!("acme{number}"), format!("%00{number}")] {
            assert_eq!(service.review(&name).send().await.unwrap().status(), 404, "{name}");
        }
    }
    for name in ["ACME", "acme%20", "%20acme", "acme%0A", "acme%2Fother", "%FF%FE", "..", &"x".repeat(5_000)]
    {
        let answer = service.stream(name).send().await.unwrap();
        assert!([400, 404].contains(&answer.status().as_u16()), "{name}: {}", answer.status());
        assert!(answer.text().await.unwrap().len() < 200, "{name}");
    }
    let agents = service.json("/agents").await;
    assert_eq!(agents.as_array().unwrap().len(), 1, "the swarm's root alone: {agents}");
    assert!(service.get("/costs").await.text().await.unwrap().len() < 200);
    assert_eq!(service.review("acme").send().await.unwrap().status(), 200);
    assert_eq!(service.tenants().await, ["acme"]);
}

#[tokio::test]
async fn a_tenant_leaves_when_idle_and_what_it_has_spent_today_still_counts() {
    let service = Service::start(&[("IDLE_SECONDS", "1"), ("TENANT_USD", "0.0028")]);
    // One whose areas are refused costs less than another, so the end of a budget may be come to more than once.
    let reviews_until_refused = async || {
        for reviews in 0..100 {
            let answer = service.review("spender").send().await.unwrap();
            if answer.status() == 429 {
                return (reviews, answer);
            }
            assert_eq!(answer.status(), 200);
        }
        panic!("a tenant that spends comes to the end of its budget");
    };
    let (at_first, refusal) = reviews_until_refused().await;
    assert!(at_first > 2, "its budget is for some: {at_first}");
    let left = |said: &Value| -> NanoUsd {
        let said = said["error"].as_str().unwrap();
        said.split(" has ").nth(1).unwrap().split(" left").next().unwrap().parse().unwrap()
    };
    let before = left(&refusal.json().await.unwrap());
    until("the tenant has left", || async { service.tenants().await.is_empty() }).await;
    // How many more that is for is chance: what is left may be enough for some areas of several.
    let (_, again) = reviews_until_refused().await;
    // By the budget of the agent that it has today, which is what was left, that much can never be spent: no time is said.
    let wait = again.headers().get("retry-after").map(|wait| wait.to_str().unwrap().parse::<u64>().unwrap());
    assert!(wait.is_none_or(|wait| (1..=86_400).contains(&wait)), "until its day is over: {wait:?}");
    let after = left(&again.json().await.unwrap());
    assert!(after <= before, "it has what it had, less what this has cost: {before}, then {after}");
    // Another is not held to it.
    assert_eq!(service.review("other").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn who_asks_while_their_agent_leaves_is_served_all_the_same() {
    let service = Service::start(&[("IDLE_SECONDS", "0"), ("TENANT_USD", "100")]);
    for round in 0..12 {
        let asks: Vec<_> = (0..4).map(|_| tokio::spawn(service.review("acme").send())).collect();
        for ask in asks {
            let answer = ask.await.unwrap().unwrap();
            let status = answer.status();
            assert_eq!(status, 200, "round {round}: {}", answer.text().await.unwrap());
        }
    }
    until("the tenant has left", || async { service.tenants().await.is_empty() }).await;
    assert_eq!(service.json("/agents").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_tenant_does_not_leave_while_it_is_served() {
    let service = Service::start(&[("IDLE_SECONDS", "0"), ("TOKENS_A_SECOND", "1")]);
    let review = tokio::spawn(service.review("acme").send());
    until("three reviewers are at it", || async { service.streams().await == 3 }).await;
    // Others come and go meanwhile.
    assert_eq!(service.review("stranger").send().await.unwrap().status(), 404);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!((service.streams().await, service.tenants().await), (3, vec!["acme".to_owned()]));
    review.abort();
    until("the tenant has left", || async { service.tenants().await.is_empty() }).await;
}
