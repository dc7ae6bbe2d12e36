//! What a call of a server's tool may do: by the embedder's table, and by nothing that the server says.

use serde_json::json;
use skep::actors::Mcp;
use skep::actors::permit::{Equip as _, Mode, Permissions};
use skep::actors::tool::Card;
use skep::effect::Tier;
use skep::{Ceiling, Reach, Repeat, Stop, Swarm};

use super::rig::{Caller, call, server};

fn told() -> Mcp {
    server("good")
        .card("echo", |card| Card { repeat: Repeat::Pure, tier: Tier::Reads, modifies: false, ..card })
        .reach("echo", |arguments| arguments["text"].as_str().map_or(Reach::Unknown, Reach::path))
}

#[tokio::test]
async fn no_ceiling_with_targets_lets_a_call_pass_unless_the_table_says_what_it_reaches() {
    let mcp = told();
    let swarm = Swarm::builder("mcp").start().await.unwrap();
    swarm.spawn(mcp.spec("own")).await.unwrap();
    let spec = Caller::spec("caller", &mcp.tools().await.unwrap());
    let caller = swarm.spawn(spec.ceiling(Ceiling::new().paths(["/repo/**"]))).await.unwrap();
    let output = call(&caller, "echo", json!({ "text": "/repo/a" })).await;
    assert_eq!((&*output.text, output.is_error), ("/repo/a", false));
    for (tool, text) in [("echo", "/etc/passwd"), ("echo", "/repo/../etc/passwd"), ("pid", "/repo/a")] {
        let output = call(&caller, tool, json!({ "text": text })).await;
        assert!(
            output.is_error && output.text.starts_with("you may not do that"),
            "{tool} {text}: {}",
            output.text
        );
    }
    let output = call(&caller, "echo", json!({ "path": "/repo/a" })).await;
    assert!(output.is_error, "what the table does not find is unknown");
    drop(swarm.stop(Stop::default()).await);
}

#[tokio::test]
async fn read_only_lets_pass_what_the_table_says_modifies_nothing_and_kinds_name_server_and_tool() {
    let mcp = told();
    let permissions = Permissions::only(["mcp.own.*"]).mode(Mode::ReadOnly);
    let swarm = Swarm::builder("mcp").permissions(permissions).start().await.unwrap();
    swarm.spawn(mcp.spec("own")).await.unwrap();
    let caller = swarm.spawn(Caller::spec("caller", &mcp.tools().await.unwrap())).await.unwrap();
    assert!(!call(&caller, "echo", json!({ "text": "a" })).await.is_error);
    let output = call(&caller, "pid", json!({})).await;
    assert!(output.is_error && output.text.contains("mcp.own.pid"), "{}", output.text);
    drop(swarm.stop(Stop::default()).await);
}
