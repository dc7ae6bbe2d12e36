//! What a server may do to us: nothing that takes memory or time without end.

use std::time::Duration;

use serde_json::json;
use skep::actors::Mcp;
use skep::actors::mcp::McpError;
use skep::{SpawnError, Stop, Swarm};

use super::rig::{Caller, call, server, swarm};

/// Why it did not start.
async fn refused(mcp: Mcp) -> String {
    let swarm = Swarm::builder("mcp").start().await.unwrap();
    assert_eq!(mcp.tools().await.err(), Some(McpError::NotStarted));
    let error = swarm.spawn(mcp.spec("own")).await.err();
    assert!(matches!(error, Some(SpawnError::Start { .. })), "{error:?}");
    assert!(swarm.stop(Stop::default()).await.is_clean());
    error.map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn a_server_that_does_not_get_ready_says_why() {
    let soon = Duration::from_millis(500);
    let said = refused(server("hangs").ready_within(soon)).await;
    assert!(said.contains("not ready within 500ms"), "{said}");
    let said = refused(server("exits")).await;
    assert!(said.contains("exit status: 3") && said.contains("there is\\nno such folder"), "{said}");
    let said = refused(server("prints").ready_within(soon)).await;
    assert!(said.contains("not ready") && said.contains("Listening on port 3000"), "{said}");
    let said = refused(server("floods").ready_within(soon)).await;
    assert!(said.contains("not ready"), "{said}");
    let said = refused(Mcp::stdio("there-is-no-such-program", [""; 0])).await;
    assert!(said.contains("there-is-no-such-program cannot be started"), "{said}");
    let said = refused(server("good").ready_within(Duration::ZERO)).await;
    assert!(said.contains("not ready within 0"), "{said}");
    let said = refused(Mcp::stdio("cat", [""; 0]).ready_within(soon)).await;
    assert!(!said.is_empty());
}

#[tokio::test]
async fn a_list_that_cannot_be_offered_says_what_to_do() {
    let cases = [
        ("many", "more than 128 tools", "only"),
        ("endless", "more than 128 tools", "only"),
        ("twice", "another of its name", "without"),
        ("schema", "its schema is no object", "without"),
    ];
    for (conduct, problem, way_out) in cases {
        let mcp = server(conduct);
        let swarm = Swarm::builder("mcp").start().await.unwrap();
        swarm.spawn(mcp.spec("own")).await.unwrap();
        let said = mcp.tools().await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(problem) && said.contains(way_out) && said.contains("own"), "{said}");
        match conduct {
            "many" => assert_eq!(mcp.only(["tool_777*"]).tools().await.unwrap().names().count(), 11),
            "schema" => assert_eq!(mcp.without(["odd"]).tools().await.unwrap().names().count(), 1),
            _ => {}
        }
        assert!(swarm.stop(Stop::default()).await.is_clean());
    }
}

#[tokio::test]
async fn long_answers_are_cut_and_one_beyond_all_bounds_fails_its_call_alone() {
    let (swarm, caller) = swarm(&server("good")).await;
    let output = call(&caller, "long", json!({})).await;
    assert!(output.cut == 200_000 - 65_536 && output.text.ends_with("bytes more were cut]"));
    let output = call(&caller, "huge", json!({})).await;
    assert!(output.is_error && output.text.contains("more than 16777216 bytes"), "{}", output.text);
    let output = call(&caller, "floods", json!({})).await;
    assert_eq!((&*output.text, output.is_error), ("flooded", false));
    assert!(!call(&caller, "pid", json!({})).await.is_error, "it is the same server");
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn one_mcp_is_one_server() {
    let mcp = server("good");
    let swarm = Swarm::builder("mcp").start().await.unwrap();
    swarm.spawn(mcp.spec("own")).await.unwrap();
    let said = swarm.spawn(mcp.spec("other")).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("own already"), "{said}");
    let caller = swarm.spawn(Caller::spec("caller", &mcp.tools().await.unwrap())).await.unwrap();
    assert!(!call(&caller, "pid", json!({})).await.is_error);
    assert!(swarm.stop(Stop::default()).await.is_clean());
}
