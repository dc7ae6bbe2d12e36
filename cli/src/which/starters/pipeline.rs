use skep::prelude::*;

/// Research, then a draft, then a check; each on what the one before gave.
async fn launch(swarm: &Swarm, topic: String) -> Result<String, AgentError> {
    let agent = |name: &str, system: &str| ModelAgent::new("fast").system(system).spec(name);
    let (scout, writer, counsel) =
        (agent("scout", "List the facts."), agent("writer", "Write it."), agent("counsel", "Correct it."));
    let memo = pipeline(swarm, topic)
        .stage("research", |topic: &String| (scout.clone(), topic.as_str().into()))
        .costing(Budget::usd("0.50"))
        .then("prune", |facts: &String| Ok(facts.lines().take(20).collect::<Vec<_>>().join("\n")))
        .stage("draft", |facts: &String| (writer.clone(), facts.as_str().into()))
        .stage("check", |draft: &String| (counsel.clone(), draft.as_str().into()))
        .await;
    println!("{}", memo.parts.tree());
    memo.into_result()
}
