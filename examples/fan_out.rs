//! A reviewer for each file, three at a time: the pattern that most swarms start with.
//!
//! Look at how it ends: no failure loses the work of the others. A failure is a row with its attempts, cost and time; a
//! crash that was recovered from is just one more attempt. `retry_failed` then runs only the rows that failed.

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skep::{Agent, AgentError, AgentSpec, Context, Gathered, NanoUsd, Stop, Swarm, Usage, fan_out};

/// What the reviewers share: a reading room that is closed at first.
#[derive(Default)]
struct ReadingRoom {
    is_open: AtomicBool,
}

/// Reviews one file: how many of its lines are comments?
struct Reviewer;

impl Agent for Reviewer {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, file: &String, cx: &Context) -> Result<String, AgentError> {
        let room = cx.get::<ReadingRoom>().ok_or_else(|| AgentError::message("there is no reading room"))?;
        let path = format!("{}/examples/{file}", env!("CARGO_MANIFEST_DIR"));
        let price = Usage::calls(1).with_money(NanoUsd(1_500_000));
        let reading = cx.effect("read_file", file).worst_case(price).run(move |call| {
            let path = path.clone();
            async move {
                call.used(price);
                call.blocking(move || std::fs::read_to_string(path)).await.map_err(AgentError::failed)
            }
        });
        let text = reading.await?;
        match file.as_str() {
            "restart.rs" if cx.attempt() == 1 => panic!("crashed over {file}"),
            "stop.rs" if !room.is_open.swap(true, Ordering::SeqCst) => {
                cx.sleep(Duration::from_secs(3_600)).await?;
            }
            _ => cx.sleep(Duration::from_millis(30)).await?,
        }
        let comments = text.lines().filter(|line| line.trim_start().starts_with("//")).count();
        Ok(format!("{comments} of {} lines are comments", text.lines().count()))
    }
}

fn show(reviews: &Gathered<&str, String>) {
    for row in reviews.rows() {
        let what = match &row.result {
            Ok(review) => review.clone(),
            Err(failure) => format!("✗ {failure}"),
        };
        let took = row.took.as_millis();
        println!(
            "  {:<14} {:>8} {:>2} {took:>5}ms  {what}",
            row.agent,
            row.id.as_ref().map_or("-", |id| id.as_str()),
            row.attempts
        );
    }
    println!("{reviews}\n{} in all\n", reviews.cost());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("review").resource(ReadingRoom::default()).start().await?;
    let files = ["hello_agent.rs", "restart.rs", "stop.rs", "lost.rs", "budget.rs", "fan_out.rs"];

    let reviews = fan_out(&swarm, files)
        .named("reviews")
        .agent(|file| AgentSpec::new(file, || Reviewer))
        .task(str::to_owned)
        .at_most(3)
        .each_within(Duration::from_millis(400))
        .within(Duration::from_secs(10));

    let mut gathered = reviews.gather().await;
    println!("the first time:");
    show(&gathered);

    reviews.retry_failed(&mut gathered).await;
    println!("the failed ones again:");
    show(&gathered);

    println!("{} agents are left, and the ledger says {}", swarm.status().len() - 1, swarm.cost().spent);
    println!("{}", swarm.stop(Stop::within(Duration::from_secs(1))).await);
    Ok(())
}
