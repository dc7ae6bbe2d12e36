//! A support inbox is a queue that stays open: tickets come in while answers go out. Urgent ones go first, and there are one to
//! four clerks, as many as what waits calls for.
//!
//! This morning nobody can log in, so urgent tickets come one after the other. A typo on the pricing page is of no urgency, but what
//! waits grows more important, so it is answered before the last of them. One ticket cannot be read. It is tried twice and lands
//! with the dead letters, and the others do not wait for it.
//!
//! The model is scripted, so this runs without a key. Give `Models` an endpoint in its place and the rest stays as it is.
//!
//! `cargo run --example support_inbox`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::PicoUsd;
use skep::actors::model::Prices;
use skep::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ticket {
    from: String,
    urgency: u8,
    text: String,
}

fn ticket(from: &str, urgency: u8, text: &str) -> Ticket {
    Ticket { from: from.to_owned(), urgency, text: text.to_owned() }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = Scripted::new()
        .prices(Prices::new(PicoUsd(250_000), PicoUsd(2_000_000)))
        .when(|request| request.last_said().contains("log in"))
        .says("We are at it: logins work again by ten.")
        .when(|request| request.last_said().contains("export"))
        .says("Reports, then Export, then CSV.")
        .when(|_| true)
        .says("Thank you, it is mended.");
    let swarm = Swarm::builder("support").resource(Models::new().with("fast", model)).start().await?;

    let clerk = agent_fn("clerk", |ticket: Ticket, cx: Context| async move {
        if !ticket.text.is_ascii() {
            return Err(AgentError::message("the text is damaged"));
        }
        cx.sleep(Duration::from_millis(20)).await?;
        Ok(cx.model("fast").system("Answer in one line.").ask(ticket.text).await?.text)
    });
    let night = [
        ticket("ada", 0, "There is a typo on the pricing page."),
        ticket("bo", 2, "How do I export to CSV?"),
        ticket("cy", 2, "\u{fffd}\u{fffd}\u{fffd}"),
    ];
    let inbox = queue(&swarm, night)
        .named("inbox")
        .workers(1..=4, |n| clerk.clone().named(format!("clerk-{n}")))
        .priority(|ticket| ticket.urgency)
        .ageing(Duration::from_millis(25))
        .retries(1)
        .budget(Budget::usd("0.50"));
    println!("before, for what came over night: {}\n", inbox.estimate());

    let (push, mut rows) = inbox.open();
    let morning = async {
        for customer in 1..=60 {
            push.push(ticket(&format!("customer {customer}"), 5, "I cannot log in!")).await?;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        push.close(); // The rows end when all is answered.
        Ok::<_, Ticket>(())
    };
    let answers = async {
        let mut answered = Vec::new();
        while let Some(row) = rows.next().await {
            answered.push(row);
        }
        answered
    };
    let (pushed, answered) = tokio::join!(morning, answers);
    pushed.map_err(|refused| format!("the inbox did not take {refused:?}"))?;

    for row in answered.iter().filter(|row| row.task.urgency < 5) {
        match &row.result {
            Ok(answer) => println!("{}: {} -> {answer}", row.task.from, row.task.text),
            Err(error) => println!("{}: dead letter after {} attempts: {error}", row.task.from, row.attempts),
        }
    }
    let clerks: BTreeSet<_> = answered.iter().filter_map(|row| row.worker.as_deref()).collect();
    let logins = answered.iter().filter(|row| row.task.urgency == 5 && row.result.is_ok()).count();
    println!("{logins} customers were told when they can log in, by {} clerks", clerks.len());
    let place = |from: &str| answered.iter().position(|row| row.task.from == from);
    assert!(place("ada") < place("customer 60"), "what waits grows more important");

    // Which clerk took which ticket is different each time: what they cost together is not.
    println!("\n{}", swarm.costs().tree().lines().take(3).collect::<Vec<_>>().join("\n"));
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
