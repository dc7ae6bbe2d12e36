use skep::prelude::*;

/// One agent, one task: spawned, asked and stopped.
async fn answer(swarm: &Swarm, question: String) -> Result<String, AgentError> {
    let clerk = ModelAgent::new("fast").system("Answer briefly.").spec("clerk");
    Ok(swarm.run(clerk, question.into()).await?)
}
