//! Faults of a waterworks go from hand to hand at the end of a night. One agent holds a fault at a time. It does it, or passes it on as
//! a package: the work as it is now, and a summary for whoever gets it.
//!
//! Pump 3 goes from the night desk to the pump fitter, who mends it, and to the control room, which watches it. Pump 5 goes wrong:
//! the fitter gives it back to the night desk as it came. That is refused, each time he tries it, and so the control room gets it, as
//! the monitor of this handoff, with what went wrong.
//!
//! The agents are plain functions, so this runs without a key; `docs/patterns.md` has the same with models.
//!
//! `cargo run --example shift_handoff`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use skep::handoff::{HandedOff, Package, Pass};
use skep::prelude::*;

async fn shift(swarm: &Swarm, fault: &str) -> HandedOff<String, String> {
    let desk = agent_fn("night desk", |fault: Package<String>, _: Context| async move {
        let seen = if fault.work.contains("pump 3") {
            "restarted twice, stopped twice"
        } else {
            "too loud since 4:10"
        };
        Ok::<Pass<String, String>, AgentError>(Pass::to_whoever("pumps", seen))
    });
    let fitter = agent_fn("fitter", |fault: Package<String>, cx: Context| async move {
        if let Some(refused) = cx.last_error() {
            println!("  the fitter is told: {refused}");
        }
        Ok::<Pass<String, String>, AgentError>(if fault.work.contains("pump 3") {
            Pass::to("control room", "new seal at 5:30; watch the pressure until 8:00")
                .with("watch pump 3".to_owned())
        } else {
            Pass::to("night desk", fault.summary)
        })
    });
    let control = agent_fn("control room", |fault: Package<String>, _: Context| async move {
        Ok::<Pass<String, String>, AgentError>(Pass::Done(format!("{}: closed at 8:00", fault.work)))
    });
    let handed = handoff(swarm, fault.to_owned())
        .named(fault)
        .worker("night desk", |fault| (desk.clone(), fault.clone()))
        .worker("fitter", |fault| (fitter.clone(), fault.clone()))
        .interested(["pumps", "valves"])
        .monitor("control room", |fault| (control.clone(), fault.clone()))
        .hops(3);
    println!("before: {}", handed.estimate());
    let handed = handed.await;
    println!("{handed}");
    for hop in &handed.package.history {
        println!("  {} > {}: {}", hop.from, hop.to, hop.summary.replace('\n', "; "));
    }
    println!("{}\n", handed.parts.tree());
    handed
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("waterworks").start().await?;
    let mended = shift(&swarm, "mend pump 3").await;
    assert_eq!((mended.holder.as_str(), mended.package.history.len()), ("control room", 2));
    println!("{}\n", mended.into_result()?);

    let refused = shift(&swarm, "mend pump 5").await;
    println!("{}\n", refused.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
