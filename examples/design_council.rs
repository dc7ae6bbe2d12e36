//! A design question goes to a council: three models answer it, each ranks all the answers without knowing whose they are, and a
//! chair makes one proposal of them, best first.
//!
//! One member's ranking is no ranking. It is left out: two are a quorum, and the report says who is missing. The call is counted all
//! the same, so that the bill has as many calls as were stated beforehand.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example design_council`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use skep::PicoUsd;
use skep::actors::model::Prices;
use skep::council::Ranking;
use skep::prelude::*;

const OBJECTS: &str = "Object storage: the app signs links, and no file passes through it.";
const DISK: &str = "A disk beside the app: one backup, no new service.";
const DATABASE: &str = "The database: a file and its ticket change in one transaction.";

/// A member answers, and ranks by taste. It gets the answers under labels in an order that it cannot know, and goes by what they say.
fn member(answer: &str, taste: Option<[&'static str; 3]>) -> Scripted {
    let mut script = Scripted::new().prices(Prices::new(PicoUsd(250_000), PicoUsd(2_000_000)));
    if let Some(taste) = taste {
        for labels in ["ABC", "ACB", "BAC", "BCA", "CAB", "CBA"] {
            let labels: Vec<_> = labels.chars().map(String::from).collect();
            let lines: Vec<_> =
                labels.iter().zip(taste).map(|(label, text)| format!("{label}: {text}")).collect();
            script = script
                .when(move |request| lines.iter().all(|line| request.last_said().contains(line)))
                .says(labels.join(" > "));
        }
    }
    script
        .when(|request| request.last_said().contains("Rank them"))
        .says("They are all good.")
        .when(|_| true)
        .says(answer)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chair = Scripted::new()
        .prices(Prices::new(PicoUsd(1_250_000), PicoUsd(10_000_000)))
        .when(|_| true)
        .says("Object storage with signed links; the ticket's row names the file, and a nightly job removes what no row names.");
    let models = Models::new()
        .with("architect", member(OBJECTS, Some([OBJECTS, DATABASE, DISK])))
        .with("operator", member(DISK, Some([OBJECTS, DISK, DATABASE])))
        .with("developer", member(DATABASE, None))
        .with("chair", chair);
    let swarm = Swarm::builder("design").resource(models).start().await?;
    let agent = |who: &str| ModelAgent::new(who).system("You design the ticket system.").spec(who);
    let question = "Where do attachments of tickets live?".to_owned();
    let council = council(&swarm, question, ["architect", "operator", "developer"])
        .answer(|who, question: &String| (agent(who), question.as_str().into()))
        .costing(Budget::usd("0.05"))
        .rank(|who, question, answers| {
            let answers: Vec<_> =
                answers.iter().map(|one| format!("{}: {}", one.label, one.answer)).collect();
            let prompt =
                format!("{question}\n{}\nRank them, best first, such as B > A > C.", answers.join("\n"));
            (agent(who), prompt.into()).try_map(Ranking::parse)
        })
        .costing(Budget::usd("0.05"))
        .chair(|minutes| {
            let answers: Vec<_> = minutes.answers.iter().map(|(one, _)| one.answer.as_str()).collect();
            (agent("chair"), answers.join("\n").into())
        })
        .costing(Budget::usd("0.20"))
        .quorum(2)
        .retries(0);
    let estimate = council.estimate();
    println!("before: {estimate}\n");

    let advice = council.await;
    println!("{advice}\n");
    for answer in &advice.answers {
        let rank = answer.mean_rank.ok_or("nobody ranked it")?;
        println!("{rank:.1}  {} was {:<10} {}", answer.label, answer.member, answer.answer);
    }
    println!("\n{}\n", advice.parts.tree());
    assert_eq!(advice.parts.cost().calls, estimate.calls);
    println!("{}", advice.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
