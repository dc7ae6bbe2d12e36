//! The reference servers of those who specify the protocol, from npm: `.ci/nightly mcp` installs them.

use futures_util::future::join_all;
use serde_json::json;
use skep::actors::Mcp;
use skep::actors::tool::Card;
use skep::effect::Tier;
use skep::{Ceiling, Reach, Repeat, Stop};

use super::rig::{Caller, call, swarm};

/// The folder that has them in `node_modules`; none where there is none.
fn installed(server: &str) -> Option<std::path::PathBuf> {
    let Ok(folder) = std::env::var("SKEP_MCP_NODE") else {
        eprintln!("skipped: SKEP_MCP_NODE names no folder with the servers in it");
        return None;
    };
    Some(std::path::Path::new(&folder).join("node_modules/@modelcontextprotocol").join(server))
}

#[tokio::test]
#[ignore = "it needs node and servers from npm"]
async fn the_filesystem_server_reads_below_its_ceiling_and_survives_a_kill() {
    let Some(server) = installed("server-filesystem/dist/index.js") else { return };
    let folder = std::env::temp_dir().join(format!("skep-mcp-fs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let path = folder.join("a.txt");
    std::fs::write(&path, "what it says").unwrap();
    let arguments = [server.as_os_str(), folder.as_os_str()];
    let fs = Mcp::stdio("node", arguments)
        .card("read_*", |card| Card { repeat: Repeat::Pure, tier: Tier::Reads, modifies: false, ..card })
        .reach("read_*", |arguments| arguments["path"].as_str().map_or(Reach::Unknown, Reach::path));
    let (swarm, _) = swarm(&fs).await;
    let tools = fs.tools().await.unwrap();
    eprintln!("{:?}", tools.names().collect::<Vec<_>>());
    let below = Ceiling::new().paths([format!("{}/**", folder.display())]);
    let reader = swarm.spawn(Caller::spec("reader", &tools).ceiling(below)).await.unwrap();
    let output = call(&reader, "read_text_file", json!({ "path": path })).await;
    assert_eq!((&*output.text, output.is_error), ("what it says", false));
    for (tool, arguments) in [
        ("read_text_file", json!({ "path": "/etc/hostname" })),
        ("write_file", json!({ "path": path, "content": "" })),
        ("read_multiple_files", json!({ "paths": [path] })),
    ] {
        let output = call(&reader, tool, arguments).await;
        assert!(output.is_error && output.text.contains("may not"), "{}", output.text);
    }
    let many = (0..64).map(|number| {
        let (swarm, spec) = (&swarm, Caller::spec(&format!("reader-{number}"), &tools));
        let arguments = json!({ "path": &path });
        async move {
            let reader = swarm.spawn(spec).await.unwrap();
            call(&reader, "read_text_file", arguments).await.text
        }
    });
    assert!(join_all(many).await.iter().all(|text| text == "what it says"));
    assert!(swarm.stop(Stop::default()).await.is_clean());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
#[ignore = "it needs node and servers from npm"]
async fn the_everything_server_is_read_whatever_it_answers() {
    let Some(server) = installed("server-everything/dist/index.js") else { return };
    let mcp = Mcp::stdio("node", [server.as_os_str(), "stdio".as_ref()]);
    let (swarm, caller) = swarm(&mcp).await;
    everything(&mcp, &caller).await;
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

/// What it answers, over whatever it is reached.
pub(crate) async fn everything(mcp: &Mcp, caller: &skep::AgentRef<Caller>) {
    let tools = mcp.tools().await.unwrap();
    eprintln!("{:?}", tools.names().collect::<Vec<_>>());
    let output = call(caller, "echo", json!({ "message": "hello" })).await;
    assert!(!output.is_error && output.text.contains("hello"), "{}", output.text);
    let output = call(caller, "get-sum", json!({ "a": 2, "b": 40 })).await;
    assert!(output.text.contains("42"), "{}", output.text);
    let output = call(caller, "get-tiny-image", json!({})).await;
    assert!(output.text.contains("[image of type image/png"), "{}", output.text);
    let output = call(caller, "get-sum", json!({ "a": "two" })).await;
    assert!(output.is_error, "{}", output.text);
    let output = call(caller, "get-structured-content", json!({ "location": "New York" })).await;
    assert!(!output.is_error && output.text.contains("temperature"), "{}", output.text);
    let output =
        call(caller, "get-resource-reference", json!({ "resourceType": "Text", "resourceId": 1 })).await;
    assert!(!output.is_error, "{}", output.text);
    eprintln!("{}", output.text);
}
