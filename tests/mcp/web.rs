//! The protocol over HTTP: a small server by hand, one thread a connection, which answers as JSON or as events.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::{Value, json};
use skep::actors::{Mcp, Secret};
use skep::{Stop, Swarm};

use super::rig::{Caller, call, swarm};

#[derive(Clone, Default)]
struct Web {
    /// What came, each request's method and its keys.
    heard: Arc<Mutex<Vec<String>>>,
    as_events: bool,
    /// The session that is known.
    session: Arc<Mutex<u32>>,
}

impl Web {
    /// Begins to serve, and says where.
    fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let web = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let web = web.clone();
                std::thread::spawn(move || while web.answer(stream.as_ref().unwrap()).is_some() {});
            }
        });
        url
    }

    fn answer(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        let (mut head, mut length) = (Vec::new(), 0);
        while reader.read_line(&mut line).ok()? > 2 {
            let text = line.trim().to_lowercase();
            length = text.strip_prefix("content-length: ").map_or(length, |length| length.parse().unwrap());
            head.push(std::mem::take(&mut line).trim().to_owned());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let has = |header: &str| head.iter().any(|line| line.eq_ignore_ascii_case(header));
        let session = format!("s{}", self.session.lock().unwrap());
        let reply = |status: &str, headers: &str, body: &str| {
            let length = body.len();
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}")
        };
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let method = message["method"].as_str().unwrap_or(head.first()?).to_owned();
        self.heard.lock().unwrap().push(method.clone());
        let answer = if !has("authorization: Bearer sk-1") {
            reply("401 Unauthorized", "", "your key sk-1 is wrong")
        } else if !method.starts_with("initialize") && !has(&format!("mcp-session-id: {session}")) {
            reply("404 Not Found", "", "")
        } else if head[0].starts_with("GET") {
            reply("405 Method Not Allowed", "", "")
        } else if head[0].starts_with("DELETE") || message["id"].is_null() {
            reply("202 Accepted", "", "")
        } else {
            let result = match &*method {
                "initialize" => json!({
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": { "tools": {} },
                    "serverInfo": { "name": "web", "version": "1" },
                }),
                "tools/list" => json!({ "tools": [
                    { "name": "echo", "inputSchema": {} }, { "name": "breaks", "inputSchema": {} },
                ] }),
                _ if message["params"]["name"] == "breaks" => {
                    stream.write_all(reply("500 Internal Server Error", "", "sk-1").as_bytes()).ok()?;
                    return Some(());
                }
                _ => {
                    let text = message["params"]["arguments"]["text"].as_str().unwrap();
                    json!({ "content": [{ "type": "text", "text": text }] })
                }
            };
            let said = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
            let session = format!("mcp-session-id: {session}\r\n");
            if self.as_events {
                let events = format!(": a comment\n\nevent: message\ndata: {said}\n\n");
                reply("200 OK", &format!("{session}content-type: text/event-stream\r\n"), &events)
            } else {
                reply("200 OK", &format!("{session}content-type: application/json\r\n"), &said.to_string())
            }
        };
        stream.write_all(answer.as_bytes()).ok()
    }
}

fn mcp(url: &str, key: &str) -> Mcp {
    let key = Secret::new(&format!("Bearer {key}")).unwrap();
    Mcp::http(url).unwrap().header("authorization", &key).unwrap()
}

#[tokio::test]
async fn tools_are_called_over_http_as_json_and_as_events() {
    for as_events in [false, true] {
        let web = Web { as_events, ..Web::default() };
        let mcp = mcp(&web.serve(), "sk-1");
        let (swarm, _) = swarm(&mcp).await;
        let tools = mcp.tools().await.unwrap();
        let calls = (0..64).map(|number| {
            let (swarm, spec) = (&swarm, Caller::spec(&format!("caller-{number}"), &tools));
            async move {
                let caller = swarm.spawn(spec).await.unwrap();
                call(&caller, "echo", json!({ "text": number.to_string() })).await.text
            }
        });
        assert_eq!(join_all(calls).await, (0..64).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(swarm.stop(Stop::default()).await.is_clean());
    }
}

#[tokio::test]
async fn a_session_that_is_lost_is_begun_anew_and_an_error_tells_a_status_and_no_text() {
    let web = Web::default();
    let (swarm, caller) = swarm(&mcp(&web.serve(), "sk-1")).await;
    *web.session.lock().unwrap() += 1;
    let output = call(&caller, "echo", json!({ "text": "again" })).await;
    assert_eq!((&*output.text, output.is_error), ("again", false));
    let output = call(&caller, "breaks", json!({})).await;
    assert!(
        output.is_error && output.text.contains("500") && !output.text.contains("sk-1"),
        "{}",
        output.text
    );
    assert!(!call(&caller, "echo", json!({ "text": "a" })).await.is_error);
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn a_wrong_key_and_a_server_that_is_not_there_say_so() {
    let swarm = Swarm::builder("mcp").start().await.unwrap();
    let web = Web::default();
    let said = swarm.spawn(mcp(&web.serve(), "sk-2").spec("own")).await.err().unwrap().to_string();
    assert!(said.contains("status 401") && !said.contains("sk-"), "{said}");
    let said =
        swarm.spawn(mcp("http://127.0.0.1:1/mcp", "sk-1").spec("none")).await.err().unwrap().to_string();
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
#[ignore = "it needs node and servers from npm: the everything server, told `streamableHttp`, where SKEP_MCP_HTTP says"]
async fn the_everything_server_answers_over_http() {
    let Ok(url) = std::env::var("SKEP_MCP_HTTP") else {
        eprintln!("skipped: SKEP_MCP_HTTP names no server");
        return;
    };
    let mcp = Mcp::http(&url).unwrap();
    let (swarm, caller) = swarm(&mcp).await;
    super::reference::everything(&mcp, &caller).await;
    assert!(swarm.stop(Stop::default()).await.is_clean());
}
