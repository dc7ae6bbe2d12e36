use skep::prelude::*;

/// Experts look at a deal, each at its side of it, and one brief is made of what they say.
async fn judge(swarm: &Swarm, deal: String) -> Result<String, AgentError> {
    let expert = |role: &str| ModelAgent::new("fast").system(format!("You judge the {role} side.")).spec(role);
    let editor = ModelAgent::new("smart").system("Make one brief of these opinions.").spec("editor");
    let brief = panel(swarm, deal)
        .experts(["legal", "financial", "technical"], |role, deal: &String| (expert(role), deal.as_str().into()))
        .costing(Budget::usd("0.10"))
        .merge(|deal, opinions| {
            let opinions: Vec<_> = opinions.iter().map(|one| format!("{}: {}", one.domain, one.opinion)).collect();
            (editor.clone(), format!("{deal}\n\n{}", opinions.join("\n")).into())
        })
        .costing(Budget::usd("0.30"))
        .await;
    println!("{brief}");
    brief.into_result()
}
