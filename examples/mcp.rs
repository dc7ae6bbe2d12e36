//! A librarian uses an MCP server. The server is this same program, started with the argument `serve`; the protocol takes a page of code.
//! The model is scripted, so nothing here needs a key or a network.
//!
//! Look at four things. The server is an agent in the tree like any other. A table in this file says what its tools may do, and nothing
//! that the server says does; so the shelf can be read, and a tool that is not in the table does not pass the ceiling. The server is
//! killed in the middle and restarted, which the librarian's code never notices. After the stop, no process is left.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::io::{BufRead as _, Write as _};

use serde_json::{Value, json};
use skep::actors::tool::Card;
use skep::actors::{Mcp, ModelAgent, Models, Scripted};
use skep::effect::Tier;
use skep::{Budget, Ceiling, Filter, Kind, Reach, Repeat, Stop, Swarm};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve();
    }
    let shelf = Mcp::stdio(std::env::current_exe()?, ["serve"])
        // It only reads, so it may also be called again if the server dies of it.
        .card("read", |card| Card { repeat: Repeat::Pure, tier: Tier::Reads, modifies: false, ..card })
        .reach("read", |arguments| arguments["path"].as_str().map_or(Reach::Unknown, Reach::path));

    let model = Scripted::new()
        .calls("read", &json!({ "path": "/shelf/skeps" }))
        .says("Hives of straw.")
        .calls("read", &json!({ "path": "/cellar/ledger" }))
        .calls("burn", &json!({ "path": "/shelf/skeps" }))
        .calls("read", &json!({ "path": "/shelf/skeps" }))
        .says("The cellar is not for me, I burn no books, and skeps are still hives of straw.");
    let swarm = Swarm::builder("library")
        .resource(Models::new().with("fast", model))
        .budget(Budget::new().calls(20))
        .start()
        .await?;
    let server = swarm.spawn(shelf.spec("shelf")).await?;
    println!("{} offers {:?}\n", server.name(), server.ask(()).await?);

    let librarian = ModelAgent::new("fast").system("You are a librarian.").tools(shelf.tools().await?);
    let below = Ceiling::new().paths(["/shelf/**"]).models(["fast"]);
    let librarian = swarm.spawn(librarian.spec("librarian").ceiling(below)).await?;
    println!("{}", librarian.ask("What are skeps?".into()).await?);
    // Its process goes with it.
    server.kill();
    println!("{}\n", librarian.ask("And what is in the cellar?".into()).await?);

    let mut events = swarm.history(Filter::all().kinds([Kind::Agent, Kind::Effect]));
    while let Some(event) = events.try_next() {
        let event = event?;
        println!("{}  {}  {}", event.at, event.agent, event.what.name());
    }
    println!("\n{}", swarm.stop(Stop::default()).await);
    Ok(())
}

/// The server: a line in, a line out.
fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let mut stdout = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let (id, params) = (&message["id"], &message["params"]);
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": params["protocolVersion"],
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "shelf", "version": "1" },
            }),
            Some("tools/list") => json!({ "tools": [tool("read"), tool("burn")] }),
            Some("tools/call") => {
                let text =
                    if params["name"] == "read" { "A skep is a hive woven of straw." } else { "It burns." };
                json!({ "content": [{ "type": "text", "text": text }] })
            }
            // A notification has no answer.
            _ => continue,
        };
        writeln!(stdout, "{}", json!({ "jsonrpc": "2.0", "id": id, "result": result }))?;
        stdout.flush()?;
    }
    Ok(())
}

fn tool(name: &str) -> Value {
    let path =
        json!({ "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"] });
    json!({ "name": name, "description": format!("To {name} a book."), "inputSchema": path })
}
