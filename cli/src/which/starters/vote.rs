use skep::prelude::*;

/// Three voices and a lead decide; it ends as soon as it is decided.
async fn ship(swarm: &Swarm, change: String) -> Option<bool> {
    let juror = |model: &str| ModelAgent::new(model).system("Is this safe to ship? Say yes or no.").spec("juror");
    let read = |text: &String| match text.trim().to_lowercase().as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("say yes or no"),
    };
    let voted = vote(swarm, change)
        .voters(["fast", "smart", "other"], |model, change: &String| (juror(model), change.as_str().into()).try_map(read))
        .voter("lead", |change| (juror("smart"), change.as_str().into()).try_map(read))
        .weight(2.0)
        .quorum(3)
        .await;
    println!("{voted}");
    voted.winner
}
