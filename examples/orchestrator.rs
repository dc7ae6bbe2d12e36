//! A model directs agents: it makes two writers, has both write at once, and answers with what they wrote.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example orchestrator`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use serde_json::json;
use skep::actors::agent::Persona;
use skep::actors::model::Answer;
use skep::actors::tool::Toolset;
use skep::actors::{Kit, Models, Orchestrator, Personas, Scripted};
use skep::{Budget, Ceiling, Stop, Swarm};

/// A persona as it would stand in a file of its own: `Personas::dir("agents")` reads a folder of them.
const WRITER: &str = "+++
description = \"Writes one paragraph about one subject.\"
model = \"fast\"
max_turns = 3
+++
You write one paragraph in {{ language }}, and nothing else.
";

/// What the models say, by how far their conversations are.
fn models() -> Models {
    let create = |name: &str| json!({ "persona": "writer", "name": name });
    let command = |name: &str, task: &str| json!({ "name": name, "task": task });
    let make = Answer::new().calls("create_agent", &create("intro")).calls("create_agent", &create("fixes"));
    let write = Answer::new()
        .calls("command_agent", &command("intro", "Version 1.4, about stops."))
        .calls("command_agent", &command("fixes", "What was fixed in 1.4."));
    let lead = Scripted::new()
        .answers(make)
        .answers(write)
        .answers(Answer::new().calls("report_cost", &json!({})))
        .says("1.4 stops everything that it started.\nA pause asks nobody twice.");
    let writer = Scripted::new()
        .when(|request| request.last_said().contains("about stops"))
        .says("1.4 stops everything that it started.")
        .when(|_| true)
        .says("A pause asks nobody twice.");
    Models::new().with("smart", lead).with("fast", writer)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let models = models();
    let personas = Personas::new().and(Persona::parse("writer", WRITER)?.with("language", "English")?)?;
    let kit = Kit::new(&models, &Toolset::new(), &personas)?;
    let lead = Orchestrator::new("smart", &kit)
        .mission("Have the release notes written, each part by a writer of its own.")
        .may_create(["writer"])
        .each(Budget::usd("0.25"))
        .children(4, 12)
        .spec("lead")
        .budget(Budget::usd("2.00").depth(2))
        .ceiling(Ceiling::only(["manage.*", "model"]));

    let swarm = Swarm::builder("notes").resource(models).start().await?;
    let lead = swarm.spawn(lead).await?;
    let notes = lead.ask("Release notes for 1.4, please.".into()).within(Duration::from_secs(60)).await?;
    println!("{notes}\n");
    println!("{}", swarm.costs().tree());
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
