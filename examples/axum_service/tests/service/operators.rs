//! Control of agents by their ids, over HTTP.

use serde_json::{Value, json};

use crate::rig::{Service, until};

impl Service {
    /// Asks for something to be done to an agent.
    async fn done(&self, agent: &str, verb: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.post(&format!("/agents/{agent}/{verb}"));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A review that goes on for long, and the id of its lead.
    async fn lead(&self) -> (tokio::task::JoinHandle<Result<reqwest::Response, reqwest::Error>>, String) {
        let review = tokio::spawn(self.review("acme").send());
        until("its agents are at it", || async { self.streams().await == 3 }).await;
        let agents = self.json("/agents").await;
        let is_lead = |row: &&Value| row["agent_type"] == "Lead";
        let lead = agents.as_array().unwrap().iter().find(is_lead).unwrap();
        (review, lead["id"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn a_request_is_stopped_by_the_id_of_its_agent_and_its_client_is_told() {
    let service = Service::start(&[("TOKENS_A_SECOND", "1")]);
    let (review, lead) = service.lead().await;
    let status = service.json(&format!("/agents/{lead}")).await;
    assert_eq!((&status["id"], &status["agent_type"]), (&json!(lead), &json!("Lead")));
    let tenant = service.json("/agents/acme/children").await;
    assert_eq!(tenant[0]["id"], lead.as_str(), "a name does as well: {tenant}");

    let (code, receipt) = service.done(&lead, "stop", Some(json!({ "within_ms": 2_000 }))).await;
    assert_eq!((code, receipt["rows"].as_array().unwrap().len()), (200, 4), "{receipt}");
    assert_eq!(review.await.unwrap().unwrap().status(), 503);
    until("nothing is paid for any more", || async { service.streams().await == 0 }).await;

    let ended = service.json(&format!("/agents/{lead}")).await;
    assert!(ended["state"]["stopped"].is_string() || ended["state"]["stopped"].is_object(), "{ended}");
    let (code, error) = service.done(&lead, "pause", None).await;
    assert!(code == 410 && error["error"].as_str().unwrap().contains("has ended"), "{code} {error}");
    let history = service.json(&format!("/agents/{lead}/history")).await;
    assert!(history.as_array().unwrap().len() > 4, "{history}");
}

#[tokio::test]
async fn a_tenant_is_paused_resumed_and_granted_more_by_its_name() {
    let service = Service::start(&[("TOKENS_A_SECOND", "60")]);
    let review = tokio::spawn(service.review("acme").send());
    // It stays, unlike the streams of its review, which last a second or two.
    until("the tenant is there", || async { !service.tenants().await.is_empty() }).await;
    assert_eq!(service.done("acme", "pause", Some(json!({ "within_ms": 200 }))).await.0, 200);
    assert_eq!(service.json("/agents/acme").await["state"], "paused");
    assert_eq!(service.done("acme", "resume", None).await.0, 200);
    assert_eq!(service.done("acme", "resume", None).await.0, 409);
    assert_eq!(service.done("acme", "grant", Some(json!({ "usd": "1.00" }))).await.0, 200);
    assert_eq!(service.done("acme", "grant", Some(json!({ "usd": "a lot" }))).await.0, 400);
    assert_eq!(review.await.unwrap().unwrap().status(), 200, "it was held, and not harmed");
    let costs = service.json("/agents/acme/costs").await;
    assert!(costs["rows"][0]["subtree"]["spent"]["money"].as_u64().unwrap() > 0, "{costs}");
}

#[tokio::test]
async fn a_turn_is_interrupted_and_an_agent_killed_and_drained() {
    let service = Service::start(&[("TOKENS_A_SECOND", "1")]);
    let (review, lead) = service.lead().await;
    assert_eq!(service.done(&lead, "interrupt", None).await, (200, json!("turn")));
    assert_eq!(review.await.unwrap().unwrap().status(), 503);
    assert_eq!(service.done("acme", "interrupt", None).await, (200, json!("nothing")));
    assert_eq!(service.done("acme", "kill", None).await.0, 200);
    until("it is there again", || async { service.json("/agents/acme").await["incarnation"] == 2 }).await;
    assert_eq!(service.done("acme", "drain", Some(json!({ "within_ms": 1_000 }))).await.0, 200);
    assert_eq!(service.done("acme", "kill", None).await.0, 410);
    assert_eq!(service.done("nobody", "kill", None).await.0, 404);
    assert_eq!(service.done("reviews", "kill", None).await.0, 409, "the root can only be stopped");
}
