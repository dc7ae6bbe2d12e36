use skep::prelude::*;
use skep::patterns::review_loop::{Round, Verdict};

/// A writer drafts, two critics find what is wrong, and the writer drafts again: three rounds at most.
async fn polish(swarm: &Swarm, brief: String) {
    let writer = ModelAgent::new("smart").system("Write it.").spec("writer");
    let critic = |of: &str| ModelAgent::new("fast").system(format!("List what is wrong with the {of}, one a line.")).spec(of);
    let verdict = |text: String| Verdict::from(text.lines().map(str::to_owned).collect::<Vec<_>>());
    let reviewed = review_loop(swarm, brief)
        .author(|brief, last: Option<&Round<String, String>>| {
            // The author is a new agent in each round: it is told what it wrote.
            let again = last.map(|last| format!("\n\nYour last draft:\n{}\n\nMend this:\n{}", last.draft, last.issues()));
            (writer.clone(), format!("{brief}{}", again.unwrap_or_default()).into())
        })
        .reviewers(["style", "facts"], |of, _, draft| (critic(of), draft.as_str().into()).map(verdict))
        .await;
    println!("{reviewed}");
}
