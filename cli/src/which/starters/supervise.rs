use skep::prelude::*;
use skep::supervise::{Next, Table};

/// Whoever leads looks at what the probes found, and says what to look at next, or what it was.
async fn incident(swarm: &Swarm, what: String) -> Result<String, AgentError> {
    let prober = ModelAgent::new("fast").system("Say what you see on this host.").spec("prober");
    let lead = ModelAgent::new("smart").system("Say `look at: HOST` or `cause: TEXT`, one a line.").spec("lead");
    let read = |text: &String| match text.split_once(": ") {
        Some(("cause", cause)) => Ok(Next::Done(cause.to_owned())),
        Some(("look at", host)) => Ok(Next::spawn([host.to_owned()])),
        _ => Err("say `look at: HOST` or `cause: TEXT`"),
    };
    let found = supervise(swarm, what)
        .worker(|host: &String| (prober.clone(), host.as_str().into()))
        .costing(Budget::usd("0.02"))
        .decide(|table: &Table<String, String, String>| {
            let seen = table.done().map(|(probe, seen)| format!("{}: {seen}\n", probe.task)).collect::<String>();
            (lead.clone(), format!("{}\n{seen}", table.goal).into()).try_map(read)
        })
        .in_rounds()
        .await;
    println!("{}", found.parts.tree());
    found.into_result()
}
