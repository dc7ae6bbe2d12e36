use skep::prelude::*;

/// A cheap model reads each chapter; a smart one puts eight summaries together at a time.
async fn digest(swarm: &Swarm, chapters: Vec<String>) -> Result<String, AgentError> {
    let reader = ModelAgent::new("fast").system("Summarise this.").spec("reader");
    let editor = ModelAgent::new("smart").system("Make one summary of these.").spec("editor");
    let digest = map_reduce(swarm, chapters)
        .map(|chapter| (reader.clone(), chapter.into()))
        .costing(Budget::usd("0.02"))
        .reduce(|summaries| (editor.clone(), summaries.join("\n\n").into()))
        .costing(Budget::usd("0.20"));
    println!("at most {}", digest.estimate());
    digest.await.into_result()
}
