//! An agent crashes in the middle of its work and comes back: same id, same address, next incarnation, and its queue as it
//! was. What it had in memory is gone with the incarnation; what it had accepted is not.
//!
//! Look at the job that crashes: it comes back as a second attempt, which knows the error of the first. The last job crashes
//! in every attempt; it ends poisoned and becomes a dead letter, and the agent is ready for the next job.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use skep::{Agent, AgentError, AgentSpec, Context, Exit, Filter, Kind, Stop, Swarm, What};

/// Saws planks. Knots are bad for it.
#[derive(Default)]
struct Saw {
    sawn_since_start: u32,
}

impl Agent for Saw {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, plank: &String, cx: &Context) -> Result<String, AgentError> {
        cx.sleep(Duration::from_millis(20)).await?;
        let is_first = cx.attempt() == 1;
        match plank.as_str() {
            "knotty oak" if is_first => panic!("hit a knot"),
            "granite" => panic!("this is no wood"),
            _ => self.sawn_since_start += 1,
        }
        let before = cx.last_error().map_or(String::new(), |error| format!(", before that: {error}"));
        Ok(format!(
            "attempt {} in incarnation {}, plank {} since its start{before}",
            cx.attempt(),
            cx.incarnation(),
            self.sawn_since_start,
        ))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two bad planks within five seconds are one more than OTP's default allows.
    let swarm = Swarm::builder("mill").intensity(3, Duration::from_secs(5)).start().await?;
    let saw = swarm.spawn(AgentSpec::new("saw", Saw::default)).await?;

    let planks = ["pine", "knotty oak", "birch", "ash", "granite", "elm"];
    // All are in the mailbox before the first is done.
    let mut asks = Vec::new();
    for plank in planks {
        asks.push(saw.try_ask(plank.to_owned())?);
    }
    println!("{} has {} planks queued\n", saw.id(), saw.status().queued);

    for (plank, ask) in planks.iter().zip(asks) {
        match ask.await {
            Ok(how) => println!("  {plank:<11} sawn: {how}"),
            Err(error) => println!("  {plank:<11} {error}"),
        }
    }

    let status = saw.status();
    println!(
        "\n{} is {} in incarnation {}, {} queued",
        status.id, status.state, status.incarnation, status.queued
    );
    for letter in swarm.dead_letters() {
        println!("dead letter: {} of {}, after {} attempts", letter.task, letter.name, letter.errors.len());
    }

    println!("\nits lives, from the journal:");
    let mut events = swarm.history(Filter::all().under(saw.id()).kinds([Kind::Agent]));
    while let Some(event) = events.try_next() {
        // A journal of weeks begins at its cut: then the first item is a `Lagged`, with a snapshot to go on from.
        let event = event?;
        match &event.what {
            What::AgentStarted => println!("  {} started, incarnation {}", event.at, event.incarnation),
            What::AgentExited { exit: Exit::Failed { class, message } } => {
                println!("  {} failed with class {class:?}: {message}", event.at);
            }
            _ => {}
        }
    }
    println!("\n{}", swarm.stop(Stop::within(Duration::from_secs(1))).await);
    Ok(())
}
