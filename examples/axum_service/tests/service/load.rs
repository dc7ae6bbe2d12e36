//! Many clients, and the end of the service under them.

use crate::rig::{Outage, Service, event, until};

#[tokio::test]
async fn fifty_at_once_are_all_answered() {
    let service = Service::start(&[("AT_ONCE", "50")]);
    let reviews: Vec<_> = (0..50)
        .map(|number| tokio::spawn(service.review(&format!("tenant-{}", number % 5)).send()))
        .collect();
    for review in reviews {
        assert_eq!(review.await.unwrap().unwrap().status(), 200);
    }
    until("no agent lives", || async { service.agents().await.is_empty() }).await;
    let traffic = service.json("/models").await;
    assert_eq!(traffic["open"], 0, "{traffic}");
}

#[tokio::test]
async fn what_is_too_much_is_refused_at_the_door() {
    let outage = Outage::begin();
    let service = Service::start(&[("AT_ONCE", "2"), outage.setting()]);
    let goes_on: Vec<_> = (0..2).map(|_| tokio::spawn(service.review("acme").send())).collect();
    until("two reviews go on", || async { service.streams().await == 6 }).await;
    for _ in 0..50 {
        let refused = service.review("acme").send().await.unwrap();
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"1".parse().unwrap())
        );
    }
    assert_eq!(service.streams().await, 6, "what goes on goes on");
    for review in goes_on {
        review.abort();
    }
    until("there is room again", || async { service.streams().await == 0 }).await;
}

#[tokio::test]
async fn sigterm_lets_go_on_what_goes_on_and_logs_the_receipt() {
    let outage = Outage::begin();
    let mut service = Service::start(&[outage.setting(), ("DRAIN_SECONDS", "100")]);
    let reviews: Vec<_> = (0..10).map(|_| tokio::spawn(service.review("acme").send())).collect();
    until("all are at it", || async { service.streams().await == 30 }).await;
    assert_eq!(service.agents().await.len(), 50, "of each a lead, its scope, three reviewers");
    service.terminate();
    service.logs("SIGTERM: draining").await;
    outage.end();
    for review in reviews {
        assert_eq!(review.await.unwrap().unwrap().status(), 200, "what had begun is finished");
    }
    let (status, log) = service.ended().await;
    assert!(status.success(), "{status}\n{log}");
    assert!(log.contains("nothing left"), "{log}");
}

#[tokio::test]
async fn sigterm_under_load_ends_open_streams_at_the_deadline() {
    let outage = Outage::begin();
    let service = Service::start(&[outage.setting(), ("DRAIN_SECONDS", "1")]);
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(service.stream("acme").send().await.unwrap());
    }
    let asks: Vec<_> = (0..10).map(|_| tokio::spawn(service.review("acme").send())).collect();
    until("all are at it", || async { service.streams().await == 60 }).await;
    service.terminate();
    for mut stream in streams {
        assert!(event(&mut stream, "closed", &mut String::new()).await.is_some(), "who listens is told");
    }
    for ask in asks {
        assert_eq!(ask.await.unwrap().unwrap().status(), 503, "who waits is told");
    }
    let (status, log) = service.ended().await;
    assert!(status.success() && log.contains("nothing left"), "{status}\n{log}");
}
