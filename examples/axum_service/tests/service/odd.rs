//! Requests that make no sense, or too much of it.

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::rig::Service;

/// Sends a body as JSON and gives the status and what is said.
async fn send(service: &Service, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
    let order = service.post(path).header(CONTENT_TYPE, "application/json");
    let answer = order.body(body).send().await.unwrap();
    let status = answer.status();
    let said: Value = answer.json().await.expect("an error is JSON");
    assert_eq!(said["status"], status.as_u16());
    (status, said["error"].as_str().unwrap().to_owned())
}

fn order(field: &str, value: Value) -> String {
    let mut order = json!({"text": "fn main() {}", "areas": ["style"], "cap": "0.05"});
    order[field] = value;
    order.to_string()
}

#[tokio::test]
async fn an_order_that_cannot_be_carried_out_is_a_400_before_anything_is_begun() {
    let service = Service::start(&[]);
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("no area", order("areas", json!([""])).into()),
        ("only areas", r#"{"areas":[""]}"#.into()),
        ("none", order("areas", json!([])).into()),
        ("blank", order("areas", json!(["style", " \t"])).into()),
        ("twice", order("areas", json!(["style", "style"])).into()),
        ("a thousand", order("areas", json!(vec!["style"; 1_000])).into()),
        ("long", order("areas", json!(["x".repeat(10_000)])).into()),
        ("control", order("areas", json!(["a\u{1b}[2Jb"])).into()),
        ("line", order("areas", json!(["a\nb"])).into()),
        ("nul", order("areas", json!(["a\0b"])).into()),
        ("turned", order("areas", json!(["\u{202e}abc"])).into()),
        ("number", order("areas", json!([1])).into()),
        ("not a list", order("areas", json!("style")).into()),
        ("null", order("areas", json!(null)).into()),
        ("empty text", order("text", json!("")).into()),
        ("no text", r#"{"areas":["style"]}"#.into()),
        ("cap 0", order("cap", json!("0")).into()),
        ("cap below", order("cap", json!("-1")).into()),
        ("cap word", order("cap", json!("much")).into()),
        ("cap number", order("cap", json!(0.05)).into()),
        ("cap huge", order("cap", json!("9".repeat(40))).into()),
        ("unknown field", order("budget", json!("1")).into()),
        ("twice a field", r#"{"text":"a","text":"b","areas":["style"]}"#.into()),
        ("cut", r#"{"text": "a", "areas": ["#.into()),
        ("nothing", "".into()),
        ("no object", "[]".into()),
        ("deep", deep.into()),
        ("half a character", b"{\"text\": \"a\", \"areas\": [\"\xc3\"]}".to_vec()),
        ("half a pair", r#"{"text": "a", "areas": ["\ud800"]}"#.into()),
    ];
    for (what, body) in bodies {
        for path in ["/tenants/acme/reviews", "/tenants/acme/reviews/stream"] {
            let (status, said) = send(&service, path, body.clone()).await;
            assert_eq!(status, 400, "{what}: {said}");
            let is_line = said.len() < 400 && !said.chars().any(char::is_control);
            assert!(is_line && !said.contains("reviews."), "{what}: {said:?}");
        }
    }
    assert_eq!(service.tenants().await, [""; 0], "nobody was made for it");
    assert_eq!(service.json("/models").await["begun"], 0);
}

#[tokio::test]
async fn what_is_too_large_or_no_json_is_said_to_be_so() {
    let service = Service::start(&[]);
    let large = order("text", json!("x".repeat(300_000)));
    assert_eq!(send(&service, "/tenants/acme/reviews", large).await.0, 413);
    // A client that does not say how long it is.
    let mut endless = service.connect().await;
    let head = "POST /tenants/acme/reviews HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    endless.write_all(head.as_bytes()).await.unwrap();
    let piece = format!("400\r\n{}\r\n", " ".repeat(1_024));
    let (mut from, mut to) = endless.split();
    let sending = async { while to.write_all(piece.as_bytes()).await.is_ok() {} };
    let mut status = [0; 12];
    tokio::select! {
        biased;
        heard = from.read_exact(&mut status) => assert_eq!(heard.unwrap(), 12),
        () = async { sending.await; std::future::pending().await } => {}
    }
    assert_eq!(status, *b"HTTP/1.1 413");
    let plain = service.post("/tenants/acme/reviews").header(CONTENT_TYPE, "text/plain").body("{}");
    assert_eq!(plain.send().await.unwrap().status(), 415);
    assert_eq!(send(&service, "/nowhere", "{}").await.0, 404);
    assert_eq!(service.get("/tenants/acme/reviews").await.status(), 405);
}

#[tokio::test]
async fn a_client_reads_its_own_names_and_no_ids() {
    // Enough for a review's reviewers to begin, and not for all of them.
    let service = Service::start(&[("TENANT_USD", "0.0004")]);
    let answer = service.review("acme").send().await.unwrap();
    let said = answer.text().await.unwrap();
    assert!(said.contains("acme has $"), "{said}");
    let stream = service.stream("acme").send().await.unwrap();
    let told = stream.text().await.unwrap();
    assert!(told.contains("event: doing") && told.contains("acme has $"), "{told}");
    for text in [said, told] {
        assert!(!text.contains("reviews."), "{text}");
    }
}
