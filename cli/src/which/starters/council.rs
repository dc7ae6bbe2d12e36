use skep::council::Ranking;
use skep::prelude::*;

/// Three answer, all rank the answers without knowing whose they are, and a chair makes one of them.
async fn advise(swarm: &Swarm, question: String) -> Result<String, AgentError> {
    let member = |who: &str| ModelAgent::new("fast").system(format!("You are the {who}.")).spec(who);
    let chair = ModelAgent::new("smart").system("Make one answer of these, best first.").spec("chair");
    let advice = council(swarm, question, ["optimist", "sceptic", "engineer"])
        .answer(|who, question: &String| (member(who), question.as_str().into()))
        .rank(|who, question, answers| {
            let answers: Vec<_> = answers.iter().map(|one| format!("{}: {}", one.label, one.answer)).collect();
            let prompt = format!("{question}\n\n{}\n\nRank them, best first, such as B > A > C.", answers.join("\n"));
            (member(who), prompt.into()).try_map(Ranking::parse)
        })
        .chair(|minutes| {
            let answers: Vec<_> = minutes.answers.iter().map(|(one, _)| one.answer.as_str()).collect();
            (chair.clone(), answers.join("\n\n").into())
        })
        .await;
    println!("{advice}");
    advice.into_result()
}
