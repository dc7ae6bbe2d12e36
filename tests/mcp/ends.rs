//! How servers end: by themselves, killed, with their swarm; and what becomes of calls meanwhile.

use std::time::Duration;

use serde_json::json;
use skep::actors::tool::Card;
use skep::{Repeat, Restart, Stop, Swarm};

use super::rig::{Caller, call, is_gone, kill, lives, script, server, swarm, wrapped};

#[tokio::test]
async fn a_call_that_its_server_does_not_survive_is_in_doubt_and_the_next_waits_for_the_next_server() {
    let (swarm, caller) = swarm(&server("good")).await;
    let before = call(&caller, "pid", json!({})).await.text;
    let output = call(&caller, "dies", json!({})).await;
    assert!(output.is_error && output.text.contains("what became of it is unknown"), "{}", output.text);
    assert!(
        output.text.contains("exit status: 7") && output.text.contains("it dies of this"),
        "{}",
        output.text
    );
    let after = call(&caller, "pid", json!({})).await;
    assert!(!after.is_error && after.text != before, "{}", after.text);
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn a_call_that_may_happen_again_does() {
    let folder = std::env::temp_dir().join(format!("skep-mcp-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let pure = server("good").card("dies_*", |card| Card { repeat: Repeat::Pure, ..card });
    let (swarm, caller) = swarm(&pure).await;
    let output = call(&caller, "dies_once", json!({ "marker": folder.join("died") })).await;
    assert_eq!((&*output.text, output.is_error), ("it lives", false));
    assert!(swarm.stop(Stop::default()).await.is_clean());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_wrapper_that_is_killed_takes_its_server_with_it_and_another_takes_their_place() {
    // The kill may come between a call and its answer.
    let mcp = wrapped("good").card("pid", |card| Card { repeat: Repeat::Pure, ..card });
    let (swarm, caller) = swarm(&mcp).await;
    let pid = call(&caller, "pid", json!({})).await.text;
    let parent = std::process::Command::new("ps").args(["-o", "ppid=", "-p", &pid]).output().unwrap();
    kill(String::from_utf8(parent.stdout).unwrap().trim());
    is_gone(&pid).await;
    let after = call(&caller, "pid", json!({})).await;
    assert!(!after.is_error && after.text != pid, "{}", after.text);
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn a_stop_leaves_no_process_of_it_nor_of_what_it_has_begun() {
    let (swarm, caller) = swarm(&wrapped("good")).await;
    let pid = call(&caller, "pid", json!({})).await.text;
    let begun = call(&caller, "begins", json!({})).await.text;
    assert!(lives(&pid) && lives(&begun));
    assert!(swarm.stop(Stop::default()).await.is_clean());
    is_gone(&pid).await;
    is_gone(&begun).await;
}

#[tokio::test]
async fn in_a_stop_a_server_hears_the_end_of_its_input_first() {
    let mark = std::env::temp_dir().join(format!("skep-mcp-mark-{}", std::process::id()));
    let (swarm, _) =
        swarm(&script("while read line; do :; done; echo ended > $MARK").env("MARK", &mark)).await;
    assert!(swarm.stop(Stop::default()).await.is_clean());
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "ended\n");
    std::fs::remove_file(&mark).unwrap();
    // One that does not care is killed.
    let (swarm, _) = super::rig::swarm(&script("sleep 1000")).await;
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test]
async fn a_call_of_a_server_that_is_down_for_good_was_not_made() {
    let mcp = server("good").card("*", |card| Card { within: Duration::from_millis(500), ..card });
    let swarm = Swarm::builder("mcp").start().await.unwrap();
    let own = swarm.spawn(mcp.spec("own").restart(Restart::Temporary)).await.unwrap();
    let caller = swarm.spawn(Caller::spec("caller", &mcp.tools().await.unwrap())).await.unwrap();
    call(&caller, "dies", json!({})).await;
    own.ended().await;
    let output = call(&caller, "echo", json!({ "text": "a" })).await;
    assert!(output.is_error && output.text.contains("the call was not made"), "{}", output.text);
    assert!(output.text.contains("it dies of this"), "{}", output.text);
    assert!(mcp.tools().await.is_ok(), "what it had is known");
    drop(swarm.stop(Stop::default()).await);
}

#[tokio::test]
async fn a_server_that_closes_its_pipes_is_begun_again() {
    for then in ["exec >&-; sleep 1000", "exec <&-; sleep 1000"] {
        let mcp = script(then).card("*", |card| Card { within: Duration::from_millis(500), ..card });
        let swarm = Swarm::builder("mcp").start().await.unwrap();
        let own = swarm.spawn(mcp.spec("own").restart(Restart::Temporary)).await.unwrap();
        let caller = swarm.spawn(Caller::spec("caller", &mcp.tools().await.unwrap())).await.unwrap();
        assert!(call(&caller, "echo", json!({})).await.is_error);
        let reason = own.ended().await;
        assert!(format!("{reason:?}").contains("it closed the connection"), "{reason:?}");
        drop(swarm.stop(Stop::default()).await);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_restarted_after_a_call_was_given_up() {
    let mcp = script("while read line; do :; done")
        .card("*", |card| Card { within: Duration::from_millis(100), ..card })
        .ready_within(Duration::from_secs(2));
    let swarm = Swarm::builder("mcp").start().await.unwrap();
    let own = swarm.spawn(mcp.spec("own").restart(Restart::Temporary)).await.unwrap();
    let caller = swarm.spawn(Caller::spec("caller", &mcp.tools().await.unwrap())).await.unwrap();
    let output = call(&caller, "echo", json!({})).await;
    assert!(output.is_error && output.text.contains("took too long"), "{}", output.text);
    let reason = own.ended().await;
    assert!(format!("{reason:?}").contains("does not answer any more"), "{reason:?}");
    drop(swarm.stop(Stop::default()).await);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_taken_back_at_the_server() {
    let mcp = server("good");
    let (swarm, caller) = swarm(&mcp).await;
    let other = swarm.spawn(Caller::spec("other", &mcp.tools().await.unwrap())).await.unwrap();
    let hanging = tokio::spawn(other.ask(("hangs".to_owned(), json!({}))));
    // How many calls hang at the server, and how many it was told to forget.
    let heard = async |text: &str| while call(&caller, "heard", json!({})).await.text != text {};
    heard("1 and 0").await;
    hanging.abort();
    heard("1 and 1").await;
    assert!(swarm.stop(Stop::default()).await.is_clean());
}
