//! A deal is reviewed by a panel: experts look at it, each at its side of it, rate it, and an editor makes one brief of what they say.
//!
//! The technical expert is out. The others are a quorum, so there is a brief all the same, and the report says who is missing.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example deal_review`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use serde::{Deserialize, Serialize};
use skep::PicoUsd;
use skep::actors::model::{ModelError, Prices};
use skep::prelude::*;

/// What an expert says: a score from 0 to 1, and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct View {
    score: f64,
    text: String,
}

/// `0.7 The terms are usual.`
fn read(text: &str) -> Result<View, String> {
    let (score, text) = text.split_once(' ').ok_or("begin with a score from 0 to 1, then a space")?;
    let score = score.parse().map_err(|_| format!("{score} is no score from 0 to 1"))?;
    Ok(View { score, text: text.to_owned() })
}

fn models() -> Models {
    let prices = Prices::new(PicoUsd(250_000), PicoUsd(2_000_000));
    let fast = Scripted::new()
        .prices(prices)
        .when(|request| request.last_said().starts_with("legal"))
        .says("0.7 The terms are usual, but the lease ends next year.")
        .when(|request| request.last_said().starts_with("financial"))
        .says("0.4 Revenue is up 4 %, and half of it comes from one customer.")
        .when(|_| true)
        .fails(ModelError::Refused("the technical expert is out".to_owned()));
    let smart = Scripted::new()
        .prices(prices)
        .when(|_| true)
        .says("Buy, if the main customer signs for two years and the lease is renewed.");
    Models::new().with("fast", fast).with("smart", smart)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("deal").resource(models()).start().await?;
    let expert =
        |side: &str| ModelAgent::new("fast").system(format!("You judge the {side} side.")).spec(side);
    let editor = ModelAgent::new("smart").system("Make one brief of these opinions.").spec("editor");
    let review = panel(&swarm, "The mill, for 3 M".to_owned())
        .named("deal")
        .experts(["legal", "financial", "technical"], |side, deal: &String| {
            (expert(side), format!("{side}: {deal}").into()).try_map(|text: &String| read(text))
        })
        .costing(Budget::usd("0.05"))
        .rate(|view: &View| view.score)
        .merge(|deal, opinions| {
            let opinions: Vec<_> =
                opinions.iter().map(|one| format!("{}: {}", one.domain, one.opinion.text)).collect();
            (editor.clone(), format!("{deal}\n{}", opinions.join("\n")).into())
        })
        .costing(Budget::usd("0.20"));
    println!("before: {}\n", review.estimate());

    let brief = review.await;
    for opinion in &brief.opinions {
        println!("{:<10} {:.1}  {}", opinion.domain, opinion.opinion.score, opinion.opinion.text);
    }
    println!("\n{}\n", brief.parts.tree());
    println!("{}", brief.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
