//! Clients that send slowly, or read slowly, or not at all.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::{Service, until};

/// A service that is impatient, and has one place.
fn impatient() -> Service {
    Service::start(&[("PATIENCE_SECONDS", "1"), ("AT_ONCE", "1")])
}

/// Sends what there is byte by byte, as long as the other side listens, and gives what it answers until it closes.
async fn drip(stream: &mut TcpStream, text: &[u8]) -> String {
    let (mut from, mut to) = stream.split();
    let send = async {
        for byte in text.iter().cycle() {
            if to.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut heard = Vec::new();
    let hear = async {
        match from.read_to_end(&mut heard).await {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => {}
        }
    };
    tokio::select! {
        () = hear => {}
        () = send => {}
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("it was never cut off"),
    }
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let service = impatient();
    for begin in ["", "POST /tenants/acme/reviews HTTP/1.1\r\nhost: x\r\n", "G"] {
        let mut stream = service.connect().await;
        stream.write_all(begin.as_bytes()).await.unwrap();
        drip(&mut stream, b"x-slow: y\r\n").await;
    }
    assert_eq!(service.review("acme").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let service = impatient();
    let mut stream = service.connect().await;
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut heard)).await;
    assert_eq!(closed.expect("it is closed").unwrap(), 0);
}

#[tokio::test]
async fn a_body_that_never_ends_is_a_408_and_holds_no_place() {
    let service = impatient();
    let head = "POST /tenants/acme/reviews HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 1000\r\n\r\n{\"text\": \"";
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = service.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(tokio::spawn(async move { drip(&mut stream, b"x").await }));
    }
    assert_eq!(service.review("acme").send().await.unwrap().status(), 200, "the one place is free");
    for stream in slow {
        let heard = stream.await.unwrap();
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 408"), "{heard}");
    }
}

#[tokio::test]
async fn who_does_not_read_its_answers_is_cut_off() {
    let service = impatient();
    assert_eq!(service.review("acme").send().await.unwrap().status(), 200);
    let mut stream = service.connect().await;
    let ask = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    // It asks and asks, until nobody listens to it any more.
    let asking = async { while stream.write_all(&ask).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it is cut off");
    assert_eq!(service.get("/agents").await.status(), 200);
}

#[tokio::test]
async fn a_review_whose_client_does_not_read_gives_its_place_back() {
    let service = impatient();
    let mut stream = service.connect().await;
    let body = r#"{"text": "fn main() {}", "areas": ["style"]}"#;
    let length = body.len();
    let ask = format!(
        "POST /tenants/acme/reviews/stream HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    until("it is over, unread", || async {
        service.agents().await.is_empty() && service.json("/models").await["begun"] != 0
    })
    .await;
    // The place comes back with the handler, a moment after its agents are gone.
    until("the place is free", || async { service.review("acme").send().await.unwrap().status() == 200 })
        .await;
    drop(stream);
}
