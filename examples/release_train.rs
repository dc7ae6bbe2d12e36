//! A release is a graph of steps. Each step begins as soon as all that it needs is done, and waits for nothing else.
//!
//! The certificate that signs the Windows build has expired. That step fails, so the installer and the announcement, which need it,
//! do not begin. The packages and the image need nothing of it, and go out. When there is a new certificate, only those three steps
//! are run again.
//!
//! The agents are plain functions, so this runs without a key; `docs/patterns.md` has the same with models.
//!
//! `cargo run --example release_train`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skep::NanoUsd;
use skep::prelude::*;
use skep::waves::{Graph, Needs};

/// Each step with the minutes that it takes on a build machine, and what it needs.
const STEPS: [(&str, u64, &[&str]); 10] = [
    ("tag", 1, &[]),
    ("notes", 4, &["tag"]),
    ("linux", 9, &["tag"]),
    ("windows", 12, &["tag"]),
    ("tests", 6, &["linux", "windows"]),
    ("sign", 1, &["windows"]),
    ("image", 5, &["linux"]),
    ("packages", 3, &["linux", "tests"]),
    ("installer", 3, &["sign", "tests"]),
    ("announce", 1, &["notes", "packages", "installer"]),
];

/// Pays for the machine, a tenth of a cent a minute. A minute takes ten milliseconds here.
async fn build(minutes: u64, cx: &Context) -> Result<(), AgentError> {
    let price = Usage::calls(1).with_money(NanoUsd(minutes * 1_000_000));
    let machine = cx.effect("machine", cx.name()).worst_case(price);
    let built = machine.run(move |call| async move {
        call.used(price);
        Ok(())
    });
    built.await?;
    Ok(cx.sleep(Duration::from_millis(minutes * 10)).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let is_valid = Arc::new(AtomicBool::new(false)); // the certificate
    let runner = |name: &'static str, minutes: u64| {
        let is_valid = Arc::clone(&is_valid);
        agent_fn(name, move |from: Vec<String>, cx: Context| {
            let is_valid = Arc::clone(&is_valid);
            async move {
                build(minutes, &cx).await?;
                if name == "sign" && !is_valid.load(Ordering::SeqCst) {
                    return Err(AgentError::message("the certificate expired yesterday"));
                }
                Ok(format!("{name} of [{}]", from.join(", ")))
            }
        })
    };

    // A cycle, or a need that is not there, is an error here.
    let graph = Graph::of(STEPS, |(name, _, _)| *name, |(_, _, needs)| needs.to_vec())?;
    println!("{}", graph.mermaid());
    let swarm = Swarm::builder("release").start().await?;
    let train = waves(&swarm, graph)
        .named("2.4.0")
        .node(|(name, minutes, _), needs: Needs<'_, &str, String>| {
            (runner(name, *minutes), needs.iter().map(|(name, _)| (*name).to_owned()).collect())
        })
        .costing(Budget::usd("0.03"))
        .retries(1);
    println!("before: {}\n", train.estimate());

    let mut report = train.run().await;
    println!("{}\n", report.parts().tree());
    for (step, made) in report.ok() {
        println!("{step}: {made}");
    }

    is_valid.store(true, Ordering::SeqCst);
    train.retry_failed(&mut report).await;
    println!("\n{}\n", report.parts().tree());
    assert_eq!(report.ok().count(), STEPS.len(), "the train has left");
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
