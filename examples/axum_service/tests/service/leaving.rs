//! Clients that hang up.

use std::time::Duration;

use crate::rig::{Service, event, until};

/// A model so slow that everything is in the middle.
const SLOW: (&str, &str) = ("TOKENS_A_SECOND", "1");

async fn nothing_is_left(service: &Service) {
    until("no agent lives under the request", || async { service.agents().await.is_empty() }).await;
    assert_eq!(service.streams().await, 0, "an agent that has ended has closed its streams");
    let traffic = service.json("/models").await;
    assert!(traffic["hung_up"].as_u64().unwrap() > 0, "{traffic}");
}

#[tokio::test]
async fn who_hangs_up_in_mid_review_leaves_no_agent_and_no_stream() {
    let service = Service::start(&[SLOW]);
    let review = tokio::spawn(service.review("acme").send());
    until("three reviewers are at it", || async { service.streams().await == 3 }).await;
    assert_eq!(service.agents().await.len(), 1 + 1 + 3, "a lead, its scope, three reviewers");
    review.abort();
    nothing_is_left(&service).await;
}

#[tokio::test]
async fn who_hangs_up_in_mid_stream_leaves_no_agent_and_no_stream() {
    let service = Service::start(&[("TOKENS_A_SECOND", "20")]);
    let mut answer = service.stream("acme").send().await.unwrap();
    event(&mut answer, "text", &mut String::new()).await.unwrap();
    assert_eq!(service.streams().await, 1, "the summary is being written");
    drop(answer);
    nothing_is_left(&service).await;
}

#[tokio::test]
async fn who_stays_is_not_disturbed_by_who_leaves() {
    let service = Service::start(&[]);
    let stays = tokio::spawn(service.review("acme").send());
    for _ in 0..10 {
        let leaves = service.review("acme").timeout(Duration::from_millis(150)).send().await;
        assert!(leaves.is_err());
    }
    assert_eq!(stays.await.unwrap().unwrap().status(), 200);
    until("no agent lives", || async { service.agents().await.is_empty() }).await;
}
