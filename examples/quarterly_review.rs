//! A quarterly business review is a fan-out: an analyst for each region, several at once, and a row for each, whatever becomes of it.
//!
//! One region's books are late, so its row fails and says why; the others are there all the same. When the books have come, only that
//! row is run again, and its cost adds up.
//!
//! The model is scripted, so this runs without a key. Give `Models` an endpoint in its place and the rest stays as it is.
//!
//! `cargo run --example quarterly_review`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use skep::PicoUsd;
use skep::actors::model::Prices;
use skep::prelude::*;

/// What the analysts read: the books of each region, one of which are late.
#[derive(Default)]
struct Books {
    are_complete: AtomicBool,
}

impl Books {
    fn of(&self, region: &str) -> Result<String, AgentError> {
        if region == "south" && !self.are_complete.load(Ordering::SeqCst) {
            return Err(AgentError::message("the books of the south are not closed"));
        }
        Ok(format!("{region}: revenue {} k", region.len() * 210))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Scripted::new()
        .prices(Prices::new(PicoUsd(250_000), PicoUsd(2_000_000)))
        .when(|request| request.last_said().contains("north"))
        .says("Up 4 %, by renewals.")
        .when(|request| request.last_said().contains("south"))
        .says("Flat, and two deals slipped.")
        .when(|_| true)
        .says("Up 9 %, by new accounts.");
    let books = Arc::new(Books::default());
    let swarm = Swarm::builder("qbr").resource(Models::new().with("fast", model)).start().await?;

    // An agent of a few lines: it reads, and asks a model what that means.
    let analyst = {
        let books = Arc::clone(&books);
        agent_fn("analyst", move |region: String, cx: Context| {
            let books = Arc::clone(&books);
            async move {
                let figures = books.of(&region)?;
                let answer = cx.model("fast").system("One line on this quarter.").ask(figures).await?;
                Ok::<_, AgentError>(answer.text)
            }
        })
    };
    let review = fan_out(&swarm, ["north", "south", "east", "west"])
        .named("quarter")
        .each(|region| (analyst.clone().named(region), region.to_owned()))
        .at_most(3)
        .budget(Budget::usd("0.05"))
        .on_progress(|progress| println!("  {progress}"));

    let mut report = review.gather().await;
    println!("\n{report}\n");

    books.are_complete.store(true, Ordering::SeqCst);
    review.retry_failed(&mut report).await;
    for (region, line) in report.ok() {
        println!("{region:<6} {line}");
    }
    println!("\n{}", report.parts().tree());
    println!("\n{}", swarm.stop(Stop::default()).await);
    Ok(())
}
