//! Customer research is a cascade: a cheap model answers each question, says how sure it is, and only where it is not sure enough
//! the dear one is asked. The estimate says beforehand what that costs at most, and what it would cost if all were asked the
//! dear way.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example customer_research`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use serde::{Deserialize, Serialize};
use skep::actors::model::Prices;
use skep::prelude::*;
use skep::race::Race;
use skep::{NanoUsd, PicoUsd, ScopeOwner};

/// An answer as the models are told to give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Finding {
    answer: String,
    confidence: f64,
}

/// `confidence answer`, as in `0.9 They want receipts.`
fn parse(text: &str) -> Result<Finding, String> {
    let (confidence, answer) =
        text.split_once(' ').ok_or("begin with a confidence from 0 to 1, then a space")?;
    let confidence =
        confidence.parse().map_err(|_| format!("{confidence} is not a confidence from 0 to 1"))?;
    Ok(Finding { answer: answer.to_owned(), confidence })
}

fn models() -> Models {
    let prices = |cents: u64| Prices::new(PicoUsd(cents * 10_000), PicoUsd(cents * 40_000));
    let fast = Scripted::new()
        .prices(prices(10))
        .when(|request| request.last_said().contains("leave"))
        .says("0.95 They leave because of surprise bills.")
        .when(|request| request.last_said().contains("pay"))
        .says("0.4 Perhaps 20 dollars?")
        .when(|request| request.last_said().contains("not accepted"))
        .says("0.5 Teams, mostly.")
        .when(|_| true)
        .says("Teams, mostly.");
    let smart = Scripted::new()
        .prices(prices(500))
        .when(|request| request.last_said().contains("pay"))
        .says("0.9 49 dollars a seat, from 31 interviews.")
        .when(|_| true)
        .says("0.85 Platform teams of 5 to 20.");
    Models::new().with("fast", fast).with("smart", smart)
}

/// The cascade for one question, under whatever owner.
fn research(owner: ScopeOwner, question: &str) -> Race<'static, String, Finding> {
    race(owner, question.to_owned())
        .runners(["fast", "smart"], |model, question: &String| {
            let analyst =
                ModelAgent::new(model).system("Begin with your confidence from 0 to 1.").spec(model);
            (analyst, question.as_str().into()).try_map(|text: &String| parse(text))
        })
        .accept(|finding: &Finding| if finding.confidence >= 0.8 { Ok(()) } else { Err("not sure enough") })
        // What does not parse is told to the same model once more.
        .retries(1)
        .in_turn()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("research").resource(models()).start().await?;
    let questions = ["Why do customers leave?", "What would they pay?", "Who buys it?"];
    let all = fan_out(&swarm, questions)
        .named("research")
        .each(|question| nest(move |owner| research(owner, question)))
        .budget(Budget::usd("0.50"));

    let estimate = all.estimate();
    println!("at most {estimate}");
    let dear = estimate.if_each_cost(Usage::money(NanoUsd(12_000_000)));
    println!("all by the smart model at 1.2 cents a call: {}\n", dear.money);

    let found = all.gather().await;
    for (question, finding) in found.ok() {
        println!("{question}\n  {} ({:.0} % sure)", finding.answer, finding.confidence * 100.0);
    }
    println!("\n{}", found.parts().tree());
    println!("\n{}", swarm.stop(Stop::default()).await);
    Ok(())
}
