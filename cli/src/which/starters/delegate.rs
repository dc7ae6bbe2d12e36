use skep::prelude::*;
use skep::delegate::Assessed;

/// Splits a question while that makes it smaller, answers the parts, and puts the answers together.
async fn answer(swarm: &Swarm, question: String) -> Result<String, AgentError> {
    let agent = |system: &str, name: &str| ModelAgent::new("smart").system(system).spec(name);
    let assessor = agent("If it is several questions, give one a line. If not, say DIRECT.", "assessor");
    let (solver, joiner) = (agent("Answer this.", "solver"), agent("Make one answer of these.", "joiner"));
    let assess = |text: String| match text.trim() {
        "DIRECT" => Assessed::Direct,
        lines => Assessed::Split(lines.lines().map(str::to_owned).collect()),
    };
    delegate(swarm, question)
        .assess(|question: &String| (assessor.clone(), question.as_str().into()).map(assess))
        .solve(|question| (solver.clone(), question.as_str().into()))
        .merge(|question, answers| (joiner.clone(), format!("{question}\n\n{}", answers.join("\n\n")).into()))
        .size(|question| question.len() as u64)
        .await
        .into_result()
}
