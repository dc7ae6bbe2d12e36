//! A server under a simulated clock: its pipes are real, and its moments are not.

use std::time::Duration;

use serde_json::json;
use skep::Repeat;
use skep::actors::tool::Card;
use skep::testkit::{Lab, TestResult};

use super::rig::{Caller, call, server};

#[skep::swarm_test(seeds = 4)]
async fn a_server_works_in_a_simulation_and_is_begun_again_there(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    // The kill may come between a call and its answer.
    let mcp = server("good")
        .card("pid", |card| Card { repeat: Repeat::Pure, ..card })
        .card("hangs", |card| Card { within: Duration::from_millis(200), ..card });
    let own = swarm.spawn(mcp.spec("own")).await?;
    let caller = swarm.spawn(Caller::spec("caller", &mcp.tools().await?)).await?;
    let before = call(&caller, "pid", json!({})).await.text;
    assert_eq!(call(&caller, "pid", json!({})).await.text, before);
    own.kill();
    let after = call(&caller, "pid", json!({})).await;
    assert!(!after.is_error && after.text != before, "{}", after.text);
    let output = call(&caller, "dies", json!({})).await;
    assert!(output.is_error && output.text.contains("exit status: 7"), "{}", output.text);
    assert!(!call(&caller, "pid", json!({})).await.is_error, "it waits for the restart");
    let output = call(&caller, "hangs", json!({})).await;
    assert!(output.is_error && output.text.contains("took too long"), "{}", output.text);
    assert_eq!(own.ask(()).await?.first().map(String::as_str), Some("echo"));
    lab.end(swarm).await;
    Ok(())
}
