//! A long contract is digested by map-reduce: a cheap model reads each part and says what it obliges us to, and a smart one puts
//! three of these together at a time, in a tree, so that it never has the whole contract before it.
//!
//! Annex B is a scan that nobody can read. That part fails, the digest is made of the others, and the report says what is missing.
//! The estimate compares what this costs at most with what it would cost if the smart model read the parts too.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example contract_digest`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use skep::actors::model::{ModelError, Prices};
use skep::prelude::*;
use skep::{NanoUsd, PicoUsd};

/// The parts of the contract, and what there is to say about each.
const PARTS: [(&str, &str, &str); 8] = [
    ("1 Term", "This agreement begins on 1 May and runs for three years ...", "Three years from 1 May."),
    ("2 Fees", "The customer pays 4,000 euros a month, in advance ...", "4,000 euros a month, in advance."),
    ("3 Service", "The service is available for 99.5 % of each month ...", "99.5 % availability."),
    (
        "4 Credits",
        "For each hour below that, the customer is credited ...",
        "A credit of 2 % for each hour below.",
    ),
    ("5 Data", "The provider stores data in the European Union ...", "Data stays in the EU."),
    (
        "6 Liability",
        "Liability is limited to the fees of twelve months ...",
        "Liability: the fees of a year.",
    ),
    ("Annex A", "Persons who may give orders: Ms Adler, Mr Brandt ...", "Orders: Adler and Brandt."),
    ("Annex B", "\u{fffd}\u{fffd}\u{fffd}", ""),
];

fn models() -> Models {
    let mut fast = Scripted::new().prices(Prices::new(PicoUsd(100_000), PicoUsd(400_000)));
    for (_, text, says) in PARTS.iter().filter(|(_, _, says)| !says.is_empty()) {
        fast = fast.when(move |request| request.last_said().contains(text)).says(*says);
    }
    let fast = fast.when(|_| true).fails(ModelError::Refused("this is not text".to_owned()));
    let smart = Scripted::new()
        .prices(Prices::new(PicoUsd(3_000_000), PicoUsd(15_000_000)))
        .when(|request| request.last_said().contains("Adler") && request.last_said().contains("May"))
        .says("Three years from 1 May, 144,000 euros; 99.5 % or credits; EU only; liability: a year; Adler and Brandt order.")
        .when(|request| request.last_said().contains("May"))
        .says("Three years from 1 May, for 4,000 euros a month, at 99.5 %.")
        .when(|_| true)
        .says("Credits of 2 % an hour, data in the EU, liability of a year.");
    Models::new().with("fast", fast).with("smart", smart)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("contract").resource(models()).start().await?;
    let reader = ModelAgent::new("fast")
        .system("Say in one line what this part obliges us to.")
        .max_output_tokens(200)
        .spec("reader");
    let editor = ModelAgent::new("smart")
        .system("Make one list of these, and drop nothing.")
        .max_output_tokens(300)
        .spec("editor");
    let digest = map_reduce(&swarm, PARTS)
        .named("digest")
        .map(|(name, text, _)| (reader.clone().named(name), format!("{name}\n{text}").into()))
        .costing(Budget::usd("0.002"))
        .reduce(|lists| (editor.clone(), format!("Digest:\n{}", lists.join("\n")).into()))
        .costing(Budget::usd("0.02"))
        .fan_in(3)
        .at_most(1) // One after the other, so that this prints the same each time.
        .need(0.8); // Without it, a digest that lacks a part is none.
    let estimate = digest.estimate();
    println!("before: {estimate}");
    let smart = estimate.if_each_cost(Usage::money(NanoUsd(20_000_000)));
    println!("all by the smart model, at 2 cents a call: {}\n", smart.money);

    let report = digest.await;
    println!("{}\n", report.parts().tree());
    for left in &report.failed {
        println!("without {}: {}", left.item.0, left.failure);
    }
    println!("{}", report.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
