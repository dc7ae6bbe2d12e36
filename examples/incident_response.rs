//! An incident is worked on by a supervisor and its workers: whoever leads plans two probes, looks at what came of them, sends one
//! more to where that points, and says what it was.
//!
//! One probe fails. It is a row of the table that the lead sees, who does without it.
//!
//! The agents are plain functions, so this runs without a key; `docs/patterns.md` has the same with models.
//!
//! `cargo run --example incident_response`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use skep::NanoUsd;
use skep::prelude::*;
use skep::supervise::{Next, Table};

/// What a probe of a host costs: half a cent.
async fn pay(cx: &Context) -> Result<(), AgentError> {
    let price = Usage::calls(1).with_money(NanoUsd(5_000_000));
    let probing = cx.effect("probe", cx.name()).worst_case(price).run(move |call| async move {
        call.used(price);
        Ok(())
    });
    Ok(probing.await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("incident").start().await?;
    let probe = agent_fn("probe", |host: String, cx: Context| async move {
        pay(&cx).await?;
        cx.sleep(Duration::from_millis(20)).await?;
        match host.as_str() {
            "web" => Ok("slow: waits for db".to_owned()),
            "db" => Ok("the disk is full".to_owned()),
            host => Err(AgentError::message(format!("{host} does not answer"))),
        }
    });
    // What decides is an agent too. Here it is a few rules; with a model it reads the same table.
    let lead = agent_fn("lead", |table: Table<String, String, String>, _: Context| async move {
        if table.tasks.is_empty() {
            return Ok(Next::spawn(["web".to_owned(), "cache".to_owned()]));
        }
        let found: Vec<_> = table.done().map(|(_, seen)| seen.as_str()).collect();
        Ok::<_, AgentError>(match found.iter().find(|seen| seen.contains("disk")) {
            Some(cause) => Next::Done(format!("{}: {cause}", table.goal)),
            None if found.iter().any(|seen| seen.contains("waits for db")) => Next::spawn(["db".to_owned()]),
            None => Next::Ask("Nothing points anywhere: where else could it be?".to_owned()),
        })
    });
    let response = supervise(&swarm, "The site is slow".to_owned())
        .named("response")
        .worker(|host: &String| (probe.clone().named(host.as_str()), host.clone()))
        .costing(Budget::usd("0.02"))
        .decide(|table| (lead.clone(), table.clone()))
        .in_rounds()
        .retries(1)
        .await;
    println!("{}\n", response.parts.tree());
    println!("{}", response.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
