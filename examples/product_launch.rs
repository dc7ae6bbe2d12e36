//! A product launch is a pipeline: facts, a draft on the best of them, a check by counsel. Each stage gets what the one before gave.
//!
//! Counsel is out at first, so the first run ends there. What was finished is in a checkpoint, as JSON: the second run goes on from
//! it, and neither the facts nor the draft are paid for again.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example product_launch`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::sync::Mutex;
use std::time::Duration;

use skep::PicoUsd;
use skep::actors::model::{ModelError, Prices};
use skep::pipeline::{Checkpoint, Pipeline};
use skep::prelude::*;

/// 0.25 and 2 dollars for a million tokens.
const PRICES: Prices = Prices::new(PicoUsd(250_000), PicoUsd(2_000_000));

fn models(counsel: Scripted) -> Models {
    let fast = Scripted::new()
        .prices(PRICES)
        .when(|request| request.last_said().contains("facts"))
        .says("stops all it started\nexact bills\nhas a logo\nis written in Rust")
        .when(|request| request.last_said().contains("Announce"))
        .says("skep 1.4: it stops all it started, and its bills are exact.");
    Models::new().with("fast", fast).with("smart", counsel.prices(PRICES))
}

/// The pipeline, the same in each run.
fn launch<'a>(swarm: &Swarm, kept: &'a Mutex<Checkpoint>) -> Pipeline<'a, String, String> {
    let agent = |model: &str, name: &str, system: &str| ModelAgent::new(model).system(system).spec(name);
    let scout = agent("fast", "scout", "You list facts, one a line.");
    let writer = agent("fast", "writer", "You write announcements.");
    let counsel = agent("smart", "counsel", "You check claims.");
    pipeline(swarm, "skep 1.4".to_owned())
        .named("launch")
        .within(Duration::from_secs(60))
        .stage("facts", move |product| (scout.clone(), format!("The facts about {product}.").into()))
        .costing(Budget::usd("0.10"))
        .then("prune", |facts: &String| Ok(facts.lines().take(2).map(str::to_owned).collect::<Vec<_>>()))
        .stage("draft", move |facts| (writer.clone(), format!("Announce: {}", facts.join("; ")).into()))
        .costing(Budget::usd("0.10"))
        .stage("legal", move |draft: &String| (counsel.clone(), draft.as_str().into()))
        .costing(Budget::usd("0.20"))
        .on_checkpoint(|checkpoint| *kept.lock().expect("nobody panics with it") = checkpoint.clone())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kept = Mutex::default();
    let out = Scripted::new().when(|_| true).fails(ModelError::Refused("counsel is out".to_owned()));
    let swarm = Swarm::builder("launch").resource(models(out)).start().await?;
    println!("before: {}\n", launch(&swarm, &kept).estimate());
    let first = launch(&swarm, &kept).await;
    println!("{}\n", first.parts.tree());
    println!("{}", swarm.stop(Stop::default()).await);

    // Tomorrow, in another process.
    let checkpoint: Checkpoint = serde_json::from_str(&serde_json::to_string(&kept)?)?;
    let back = Scripted::new().when(|_| true).says("Approved, without \"all\": say \"every agent\".");
    let swarm = Swarm::builder("launch").resource(models(back)).start().await?;
    let second = launch(&swarm, &kept).resume(checkpoint).await;
    println!("\n{}\n", second.parts.tree());
    println!("counsel says: {}", second.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
