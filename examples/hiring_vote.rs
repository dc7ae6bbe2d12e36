//! Five interviewers and the hiring lead vote on a candidate. Each has met her, and each says hire or reject, and why. The lead's
//! ballot counts twice.
//!
//! Chloe knows the candidate and abstains. Ben's notes are gone: he is asked three times, and then does without a ballot. When
//! nobody can change the result any more the vote ends, so that Dev, who would have taken a minute, is stopped.
//!
//! The agents are plain functions, so this runs without a key; `docs/patterns.md` has the same with models.
//!
//! `cargo run --example hiring_vote`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::prelude::*;
use skep::vote::{Ballot, Voted};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Choice {
    Hire,
    Reject,
}

/// `hire: why`, `reject: why`, or `abstain: why`.
fn read(said: &str) -> Result<Ballot<Choice>, &'static str> {
    match said.split_once(": ") {
        Some(("hire", _)) => Ok(Ballot::For(Choice::Hire)),
        Some(("reject", _)) => Ok(Ballot::For(Choice::Reject)),
        Some(("abstain", _)) => Ok(Ballot::Abstain),
        _ => Err("say hire, reject or abstain, then a colon and why"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("hiring").start().await?;
    // How long each takes to read the notes again, and what each says then.
    let interviewer = agent_fn("interviewer", |_candidate: String, cx: Context| async move {
        let (takes, says) = match cx.name() {
            "ana" => (20, "hire: she found the race in ten minutes"),
            "ben" => return Err(AgentError::message("Ben's notes are gone")),
            "chloe" => (40, "abstain: we studied together"),
            "dev" => (60_000, "reject: he reads everything twice"),
            "eli" => (60, "reject: she has never run anything in production"),
            _ => (100, "hire: what she has not run yet she can learn here"),
        };
        cx.sleep(Duration::from_millis(takes)).await?;
        println!("  {:<6} {says}", cx.name());
        Ok(says.to_owned())
    });
    let hiring = vote(&swarm, "Mira, for the storage team".to_owned())
        .named("hiring")
        .voters(["ana", "ben", "chloe", "dev", "eli"], |who, candidate: &String| {
            (interviewer.clone().named(who), candidate.clone()).try_map(|said: &String| read(said))
        })
        .voter("lead", |candidate| {
            (interviewer.clone().named("lead"), candidate.clone()).try_map(|said: &String| read(said))
        })
        .weight(2.0)
        .quorum(3);
    println!("before: {}\n", hiring.estimate());

    let voted: Voted<Choice> = hiring.await;
    println!("\n{voted}\n");
    for (who, ballot) in &voted.ballots {
        println!("{who:<6} {ballot:?}");
    }
    println!("\n{}\n", voted.parts.tree());
    assert_eq!(voted.into_result()?, Choice::Hire);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
