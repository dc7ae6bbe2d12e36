//! Chats: a model agent's answer, piece by piece.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::rig::{Outage, Service, event, events, until};

fn chat(service: &Service, body: &Value) -> RequestBuilder {
    service.post("/tenants/acme/chat").json(body)
}

#[tokio::test]
async fn a_chat_comes_piece_by_piece_and_its_answer_is_the_pieces_put_together() {
    let service = Service::start(&[]);
    let before = json!([{"user": "hello"}, {"model": "hello to you"}]);
    let answer = chat(&service, &json!({"text": "who are you?", "before": before})).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let (mut pieces, mut text) = (0, String::new());
    let told = events(answer).await;
    for (name, data) in &told {
        match &**name {
            "text" => (pieces, text) = (pieces + 1, text + data.as_str().unwrap()),
            // A try that was cut short begins once more.
            "again" => text.clear(),
            _ => {}
        }
    }
    let (name, answer) = told.last().unwrap();
    assert_eq!((&**name, answer["text"].as_str()), ("answer", Some(&*text)));
    assert!(pieces > 1, "it came in pieces: {told:?}");
    let agents = service.json("/agents").await;
    let tenant = agents.as_array().unwrap().iter().find(|row| row["name"] == "acme").unwrap();
    assert!(answer["cost"].as_u64().unwrap() > 0);
    assert_eq!(tenant["cost"]["spent"]["money"], answer["cost"], "its tenant is billed for it");
}

#[tokio::test]
async fn who_hangs_up_in_mid_chat_stops_the_stream_that_is_paid_for() {
    let service = Service::start(&[("TOKENS_A_SECOND", "20")]);
    // An answer that was written to its end before its client was gone says nothing: then once more.
    for _ in 0..20 {
        let mut answer = chat(&service, &json!({"text": "tell me a story"})).send().await.unwrap();
        event(&mut answer, "text", &mut String::new()).await.unwrap();
        drop(answer);
        until("no agent lives under the request", || async { service.agents().await.is_empty() }).await;
        let models = service.json("/models").await;
        assert_eq!(models["open"], 0, "an agent that has ended has closed its stream");
        if models["hung_up"].as_u64().unwrap() > 0 {
            let agents = service.json("/agents").await;
            let tenant = agents.as_array().unwrap().iter().find(|row| row["name"] == "acme").unwrap();
            assert!(tenant["cost"]["spent"]["money"].as_u64().unwrap() > 0, "what came is owed");
            assert_eq!(tenant["cost"]["reserved"]["money"], 0, "and nothing more is kept back for it");
            return;
        }
    }
    panic!("nobody was ever cut in the middle");
}

#[tokio::test]
async fn chats_of_one_tenant_go_on_side_by_side() {
    let outage = Outage::begin();
    let service = Service::start(&[outage.setting()]);
    let asked = (0..3).map(|_| tokio::spawn(chat(&service, &json!({"text": "hello"})).send()));
    let asked: Vec<_> = asked.collect();
    until("three are being answered", || async { service.streams().await == 3 }).await;
    outage.end();
    for answer in asked {
        let told = events(answer.await.unwrap().unwrap()).await;
        assert_eq!(told.last().unwrap().0, "answer");
    }
}

#[tokio::test]
async fn a_chat_that_cannot_be_answered_is_a_400_that_says_why() {
    let service = Service::start(&[]);
    for (body, why) in [
        (json!({"text": " \n"}), "text:"),
        (json!({"text": "a", "cap": "0"}), "cap:"),
        (json!({"text": "a", "cap": "much"}), "cap:"),
        (json!({"text": "a", "before": [{"system": "b"}]}), "system"),
        (json!({"text": "a", "more": 1}), "more"),
        (json!({}), "text"),
    ] {
        let answer = chat(&service, &body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        let error: Value = answer.json().await.unwrap();
        assert!(error["error"].as_str().unwrap().contains(why), "{body}: {error}");
    }
    assert_eq!(service.json("/models").await["begun"], 0, "nothing was asked of a model");
}
