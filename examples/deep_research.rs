//! A bakery asks a question that is several questions. An assessor splits it into parts, and parts into parts; a solver answers what is
//! one question, and a joiner makes one answer of the answers, up to the first question.
//!
//! Two things would let that go on without end. The assessor makes a longer question of "Where do they charge?": that split does not
//! make it smaller, so it is answered as it is. And nothing is split that was split out twice already: the limit of depth is two.
//! The report says which questions these are.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example deep_research`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use skep::PicoUsd;
use skep::actors::model::{Prices, Request};
use skep::delegate::{Assessed, Handling};
use skep::prelude::*;

const SWITCH: &str = "Should we switch to electric vans: what do they cost to buy and to run, how far do they go, where do they charge?";
const COST: &str = "What do they cost to buy and to run?";
const BUY: &str = "What do they cost to buy?";
const RUN: &str = "What do they cost to run?";
const RANGE: &str = "How far do they go?";
const CHARGE: &str = "Where do they charge?";

fn models() -> Models {
    // What is asked begins with the question; after it come the answers to its parts, if it has any.
    let is = |question: &'static str| {
        move |request: &Request| request.last_said().lines().next() == Some(question)
    };
    let prices = Prices::new(PicoUsd(250_000), PicoUsd(2_000_000));
    let fast = Scripted::new()
        .prices(prices)
        .when(is(SWITCH))
        .says([COST, RANGE, CHARGE].join("\n"))
        .when(is(COST))
        .says([BUY, RUN].join("\n"))
        .when(is(CHARGE))
        .says("Where do they charge, when, and who pays for the charger?")
        .when(|_| true)
        .says("DIRECT");
    let smart = Scripted::new()
        .prices(prices)
        .when(is(BUY))
        .says("48,000 each, which is 12,000 more than diesel.")
        .when(is(RUN))
        .says("9 cents a mile, a third of diesel.")
        .when(is(COST))
        .says("12,000 more each, which is saved in four years.")
        .when(is(RANGE))
        .says("140 miles in winter; your longest round has 71.")
        .when(is(CHARGE))
        .says("In your yard, overnight.")
        .when(is(SWITCH))
        .says("Yes, as each diesel van comes up for renewal: the rounds fit, and it pays off in four years.");
    Models::new().with("fast", fast).with("smart", smart)
}

/// A question a line, or that it is one question.
fn assess(text: &str) -> Assessed<String> {
    match text.trim() {
        "DIRECT" => Assessed::Direct,
        lines => Assessed::Split(lines.lines().map(str::to_owned).collect()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("bakery").resource(models()).start().await?;
    let agent = |model: &str, name: &str, system: &str| ModelAgent::new(model).system(system).spec(name);
    let assessor =
        agent("fast", "assessor", "If it is several questions, give one a line. If not, say DIRECT.");
    let solver = agent("smart", "solver", "Answer this.");
    let joiner = agent("smart", "joiner", "Make one answer of these.");
    let research = delegate(&swarm, SWITCH.to_owned())
        .named("vans")
        .assess(|question: &String| {
            (assessor.clone(), question.as_str().into()).map(|text: String| assess(&text))
        })
        .costing(Budget::usd("0.03"))
        .solve(|question| (solver.clone(), question.as_str().into()))
        .costing(Budget::usd("0.05"))
        .merge(|question, answers| (joiner.clone(), format!("{question}\n{}", answers.join("\n")).into()))
        .costing(Budget::usd("0.05"))
        .size(|question| question.len() as u64)
        .depth(2)
        .tasks(12)
        .at_most(1); // one at a time, so that the tree reads the same each time
    println!("before: {}\n", research.estimate());

    let report = research.await;
    for one in &report.tasks {
        println!("{:<6} {:<50.50} {}", one.path, one.task, one.handling);
    }
    println!("\n{report}\n");
    println!("{}\n", report.parts.tree());
    let as_it_is = report.tasks.iter().filter(|one| matches!(one.handling, Handling::NoProgress(_))).count();
    assert_eq!(as_it_is, 1, "one split led nowhere, and was noticed");
    println!("{}", report.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
