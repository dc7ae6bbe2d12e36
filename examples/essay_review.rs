//! An essay goes through a review loop: a writer drafts, a reader for style and one for facts say what is wrong, and the writer drafts
//! again, with the draft and what was found. When both have nothing to say it is approved: here in the third round.
//!
//! The second essay is less lucky. It has two rounds, and what the fact checker asks for is still open after them, so that there is a
//! draft but no value. The report says what is open, and who raised it.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example essay_review`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use skep::PicoUsd;
use skep::actors::model::Prices;
use skep::patterns::review_loop::{Reviewed, Round, Verdict};
use skep::prelude::*;

/// 0.25 and 2 dollars for a million tokens.
const PRICES: Prices = Prices::new(PicoUsd(250_000), PicoUsd(2_000_000));

fn models() -> Models {
    let writer = Scripted::new()
        .prices(PRICES)
        .when(|request| request.last_said().contains("20,000"))
        .says("Bees pollinate a third of what we eat. There are 20,000 kinds of them.")
        .when(|request| request.last_said().contains("what they do"))
        .says("Bees pollinate a third of what we eat. There are 2,000 kinds of them.")
        .when(|request| request.last_said().contains("bees"))
        .says("Bees are the best animals. There are 2,000 kinds of them.")
        .when(|request| request.last_said().contains("Name the study"))
        .says("Wasps eat more garden pests than any spray kills, as studies show.")
        .when(|_| true)
        .says("Wasps eat more garden pests than any spray kills.");
    let critic = Scripted::new()
        .prices(PRICES)
        .when(|request| request.last_said().starts_with("style: Bees are the best"))
        .says("\"The best animals\" is an opinion: say what they do.")
        .when(|request| {
            request.last_said().starts_with("facts: Bees poll") && request.last_said().contains(" 2,000")
        })
        .says("There are 20,000 kinds, not 2,000.")
        .when(|request| request.last_said().starts_with("facts: Wasps"))
        .says("Who counted? Name the study.")
        .when(|_| true)
        .says("");
    Models::new().with("smart", writer).with("fast", critic)
}

/// What the writer has to go by: the brief, and from the second round on the last draft and what was wrong with it.
fn asked(brief: &str, last: Option<&Round<String, String>>) -> String {
    let Some(last) = last else { return brief.to_owned() };
    let issues: Vec<_> =
        last.raised.iter().map(|raised| format!("{}: {}", raised.by, raised.issue)).collect();
    format!("{brief}\nYour last draft: {}\nWhat is wrong with it:\n{}", last.draft, issues.join("\n"))
}

async fn review(swarm: &Swarm, brief: &str, rounds: u32) -> Reviewed<String, String> {
    let writer = ModelAgent::new("smart").system("You write essays.").spec("writer");
    let critic =
        |of: &str| ModelAgent::new("fast").system(format!("List what is wrong with the {of}.")).spec(of);
    let review = review_loop(swarm, brief.to_owned())
        .named("essay")
        .author(|brief, last| (writer.clone(), asked(brief, last).into()))
        .costing(Budget::usd("0.10"))
        .reviewers(["style", "facts"], |of, _, draft: &String| {
            let found = |text: String| Verdict::from(text.lines().map(str::to_owned).collect::<Vec<_>>());
            (critic(of), format!("{of}: {draft}").into()).map(found)
        })
        .costing(Budget::usd("0.05"))
        .rounds(rounds);
    println!("before: {}", review.estimate());
    let reviewed = review.await;
    for (n, round) in reviewed.rounds.iter().enumerate() {
        println!("  {}. {}", n + 1, round.draft);
        for raised in &round.raised {
            println!("     {}: {}", raised.by, raised.issue);
        }
    }
    println!("{reviewed}\n");
    reviewed
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("press").resource(models()).start().await?;
    let bees = review(&swarm, "Two sentences on bees.", 3).await;
    println!("{}\n", bees.parts.tree());
    println!("approved: {}\n", bees.into_result()?);

    let wasps = review(&swarm, "One sentence on wasps.", 2).await;
    assert_eq!(wasps.rounds.len(), 2, "two rounds, and then it ends, approved or not");
    if let Err(error) = wasps.into_result() {
        println!("no essay on wasps: {error}\n");
    }
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
