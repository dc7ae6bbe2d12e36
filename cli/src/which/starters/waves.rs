use skep::prelude::*;
use skep::waves::{Graph, Needs};

/// Writes each part of a manual as soon as the parts that it builds on are there.
async fn manual(swarm: &Swarm) -> Result<(), Box<dyn std::error::Error>> {
    let parts = [("start", vec![]), ("agents", vec!["start"]), ("stop", vec!["agents"]), ("cost", vec!["agents"])];
    // A cycle, or a need that is not there, is an error here.
    let graph = Graph::of(parts, |(part, _)| *part, |(_, needs)| needs.clone())?;
    let writer = ModelAgent::new("fast").system("Write this part of the manual.").spec("writer");
    let written = waves(swarm, graph)
        .node(|(part, _), needs: Needs<'_, &str, String>| {
            let before: Vec<_> = needs.iter().map(|(name, text)| format!("{name}: {text}")).collect();
            (writer.clone().named(*part), format!("{part}, after:\n{}", before.join("\n")).into())
        })
        .await;
    println!("{}", written.parts().tree());
    Ok(())
}
