use skep::prelude::*;
use skep::handoff::{Package, Pass};

/// Triage answers or passes on; billing answers; whoever is on duty gets what nobody could do.
async fn support(swarm: &Swarm, ticket: String) -> Result<String, AgentError> {
    let agent = |name: &str, system: &str| ModelAgent::new("fast").system(system).spec(name);
    let triage = agent("triage", "Answer, or say `to billing: WHY`.");
    let (billing, duty) = (agent("billing", "Answer about money."), agent("duty", "Answer."));
    let ask = |ticket: &Package<String>| format!("{}\n{}", ticket.work, ticket.summary);
    let read = |text: String| match text.strip_prefix("to billing: ") {
        Some(why) => Pass::to("billing", why),
        None => Pass::Done(text),
    };
    handoff(swarm, ticket)
        .worker("triage", |ticket| (triage.clone(), ask(ticket).into()).map(read))
        .orchestrator("billing", |ticket| (billing.clone(), ask(ticket).into()))
        .monitor("duty", |ticket| (duty.clone(), ask(ticket).into()).map(Pass::Done))
        .await
        .into_result()
}
