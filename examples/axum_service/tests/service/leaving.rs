//! Clients that hang up.

use std::time::Duration;

use crate::rig::{Outage, Service, event, until};

/// Waits until nothing is left of a request, and says of how many streams the service has hung up.
async fn nothing_is_left(service: &Service) -> u64 {
    until("no agent lives under the request", || async { service.agents().await.is_empty() }).await;
    assert_eq!(service.streams().await, 0, "an agent that has ended has closed its streams");
    service.json("/models").await["hung_up"].as_u64().unwrap()
}

#[tokio::test]
async fn who_hangs_up_in_mid_review_leaves_no_agent_and_no_stream() {
    let outage = Outage::begin();
    let service = Service::start(&[outage.setting()]);
    let review = tokio::spawn(service.review("acme").send());
    until("three reviewers are at it", || async { service.streams().await == 3 }).await;
    assert_eq!(service.agents().await.len(), 1 + 1 + 3, "a lead, its scope, three reviewers");
    review.abort();
    assert_eq!(nothing_is_left(&service).await, 3);
}

#[tokio::test]
async fn who_hangs_up_in_mid_stream_leaves_no_agent_and_no_stream() {
    let service = Service::start(&[("TOKENS_A_SECOND", "20")]);
    // A summary that was written to its end before its client was gone says nothing: then once more.
    for _ in 0..20 {
        let mut answer = service.stream("acme").send().await.unwrap();
        event(&mut answer, "text", &mut String::new()).await.unwrap();
        drop(answer);
        if nothing_is_left(&service).await > 0 {
            return;
        }
    }
    panic!("nobody was ever cut in the middle");
}

#[tokio::test]
async fn who_stays_is_not_disturbed_by_who_leaves() {
    let outage = Outage::begin();
    let service = Service::start(&[outage.setting()]);
    let stays = tokio::spawn(service.review("acme").send());
    until("it is at it", || async { service.streams().await == 3 }).await;
    for _ in 0..10 {
        let leaves = service.review("acme").timeout(Duration::from_millis(50)).send().await;
        assert!(leaves.is_err(), "nobody is answered before the outage is over");
    }
    outage.end();
    assert_eq!(stays.await.unwrap().unwrap().status(), 200);
    until("no agent lives", || async { service.agents().await.is_empty() }).await;
}
