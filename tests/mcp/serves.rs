//! What a server that behaves gives to agents.

use futures_util::future::join_all;
use serde_json::json;
use skep::{Budget, Stop, Swarm};

use super::rig::{Caller, call, server, swarm};

#[tokio::test]
async fn texts_are_read_and_pictures_told_and_errors_stay_errors() {
    let (swarm, caller) = swarm(&server("good")).await;
    let output = call(&caller, "echo", json!({ "text": "two\nlines" })).await;
    assert_eq!((&*output.text, output.is_error), ("two\nlines", false));
    let output = call(&caller, "picture", json!({})).await;
    assert_eq!(output.text, "[image of type image/png, 30000 bytes, which is not shown]");
    let output = call(&caller, "fails", json!({})).await;
    assert_eq!((&*output.text, output.is_error), ("there is no such thing", true));
    let output = call(&caller, "echo", json!(7)).await;
    assert_eq!((&*output.text, output.is_error), ("the arguments are no object", true));
    let output = call(&caller, "asks", json!({})).await;
    assert_eq!((&*output.text, output.is_error), ("asked", false));
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn many_agents_call_one_server_at_the_same_time_and_each_pays_for_its_own_calls() {
    let mcp = server("good");
    let swarm = Swarm::builder("mcp").budget(Budget::new().calls(64)).start().await.unwrap();
    swarm.spawn(mcp.spec("own")).await.unwrap();
    let tools = mcp.tools().await.unwrap();
    let calls = (0..64).map(|number| {
        let (swarm, spec) = (&swarm, Caller::spec(&format!("caller-{number}"), &tools));
        async move {
            let caller = swarm.spawn(spec).await.unwrap();
            call(&caller, "echo", json!({ "text": format!("{number}") })).await.text
        }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers, (0..64).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(swarm.cost().spent.calls, 64);
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn a_program_gets_what_it_is_given_and_no_keys() {
    let mcp = server("good").env("GIVEN", "yes");
    let (swarm, caller) = swarm(&mcp).await;
    let variables = call(&caller, "variables", json!({})).await.text;
    let has = |name: &str| variables.lines().any(|line| line.starts_with(&format!("{name}=")));
    assert!(std::env::var("CARGO_MANIFEST_DIR").is_ok(), "we have it, as we would have a key");
    assert!(!has("CARGO_MANIFEST_DIR") && has("PATH") && has("GIVEN"), "{variables}");
    assert!(!format!("{mcp:?}").contains("yes"), "{mcp:?}");
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn a_list_that_has_changed_is_read_again() {
    let mcp = server("good").prefix("own_");
    let (swarm, caller) = swarm(&mcp).await;
    let has = async |name: &str| mcp.tools().await.unwrap().names().any(|there| there == name);
    assert!(!has("own_added").await && has("own_echo").await);
    let changed = mcp.changed();
    call(&caller, "own_changes", json!({})).await;
    changed.await;
    assert!(has("own_added").await && has("own_echo").await);
    // What the model was told stays; a server that has another opinion says so.
    let output = call(&caller, "own_added", json!({})).await;
    assert!(output.is_error && output.text.starts_with("there is no tool"), "{}", output.text);
    assert!(swarm.stop(Stop::default()).await.is_clean());
}
