//! A skill factory: what people do again and again becomes a skill, a text that tells an agent how it is done. A review loop drafts it
//! and tries it on cases until it passes, three voters say whether it may be used, and it is published in a library.
//!
//! The first draft on receipts books a notebook to the wrong account, so it is drafted again with that case. The skill on refunds
//! passes its case but is voted down, and is not published. In the end a bookkeeper uses the skill on receipts.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example skill_factory`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use skep::actors::model::Prices;
use skep::patterns::review_loop::{Round, Verdict};
use skep::pipeline::Pipeline;
use skep::prelude::*;
use skep::{PicoUsd, ScopeOwner};

/// Skills by the task that they are for.
type Library = Arc<Mutex<BTreeMap<&'static str, String>>>;

/// A task that comes again and again, and cases with what is right in each.
type Chore = (&'static str, &'static [(&'static str, &'static str)]);

const RECEIPTS: Chore =
    ("book receipts", &[("Train to Bremen, 89 euros", "6670"), ("Notebook, 1,490 euros", "0650")]);
const REFUNDS: Chore = ("answer refunds", &[("The pump broke after a week.", "refund")]);

/// Each model says what stands beside the first words that it finds in what it is asked.
fn models() -> Models {
    let prices = Prices::new(PicoUsd(250_000), PicoUsd(2_000_000));
    let script = |rules: &[(&'static str, &'static str)]| {
        rules.iter().fold(Scripted::new().prices(prices), |model, &(words, answer)| {
            model.when(move |request| request.last_said().contains(words)).says(answer)
        })
    };
    let smart = script(&[
        ("expected 0650", "Travel is booked to 6670, software to 4964, what costs over 800 euros to 0650."),
        ("receipts", "Travel is booked to 6670, computers and software to 4964."),
        ("refunds", "Refund whoever is angry."),
    ]);
    let fast = script(&[
        ("Allow it? Refund whoever", "no"),
        ("Allow it?", "yes"),
        ("Train", "6670"),
        ("over 800 euros", "0650"),
        ("Notebook", "4964"),
        ("pump", "refund"),
    ]);
    Models::new().with("fast", fast).with("smart", smart)
}

/// Uses a skill on one case.
async fn apply(skill: &str, case: &str, cx: &Context) -> Result<String, AgentError> {
    Ok(cx.model("fast").system("Do as the skill says.").ask(format!("{skill}\n\n{case}")).await?.text)
}

/// From a chore to a skill in the library.
fn factory(owner: ScopeOwner, (task, cases): Chore, library: Library) -> Pipeline<'static, String, String> {
    let writer = ModelAgent::new("smart").system("Write a skill: how is this done?").spec("writer");
    let juror = |who: &str| ModelAgent::new("fast").system(format!("You are {who}: yes or no?")).spec(who);
    let trial = agent_fn("trial", move |skill: String, cx: Context| async move {
        let mut wrong = Vec::new();
        for (case, right) in cases {
            let said = apply(&skill, case, &cx).await?;
            if said != *right {
                wrong.push(format!("{case}: {said}, expected {right}"));
            }
        }
        Ok::<_, AgentError>(Verdict::from(wrong))
    });
    pipeline(owner, task.to_owned())
        .named(task)
        .stage("draft", move |task: &String| {
            let (task, writer, trial) = (task.clone(), writer.clone(), trial.clone());
            nest(move |owner| {
                let (writer, trial) = (writer.clone(), trial.clone());
                review_loop(owner, task.clone())
                    .author(move |task, last: Option<&Round<String, String>>| {
                        let wrong = last.iter().flat_map(|round| &round.raised);
                        let wrong: String = wrong.map(|raised| format!("\n{}", raised.issue)).collect();
                        (writer.clone(), format!("{task}{wrong}").into())
                    })
                    .reviewer("trial", move |_, draft| (trial.clone(), draft.clone()))
            })
        })
        .stage("vote", move |skill: &String| {
            let (skill, voted) = (skill.clone(), skill.clone());
            nest(move |owner| {
                vote(owner, skill.clone())
                    .voters(["accounts", "legal", "security"], move |who, skill: &String| {
                        (juror(who), format!("Allow it? {skill}").into()).map(|said: String| said == "yes")
                    })
                    .quorum(3)
            })
            .try_map(move |may: &bool| if *may { Ok(voted.clone()) } else { Err("voted down") })
        })
        .then("publish", move |skill: &String| {
            library.lock().expect("nobody panics with it").insert(task, skill.clone());
            Ok(skill.clone())
        })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("skills").resource(models()).start().await?;
    let library = Library::default();
    let made = fan_out(&swarm, [RECEIPTS, REFUNDS])
        .named("chores")
        .each(|chore| {
            let library = Arc::clone(&library);
            nest(move |owner| factory(owner, chore, Arc::clone(&library)))
        })
        .budget(Budget::usd("0.50"));
    println!("before: {}\n", made.estimate());
    let made = made.await;
    println!("{}\n", made.parts().tree());

    let shelf = library.lock().expect("nobody panics with it").clone();
    assert!(!shelf.contains_key("answer refunds"), "what was voted down is not published");
    let skill = shelf.get("book receipts").cloned().ok_or("nothing was published")?;
    let bookkeeper = agent_fn("bookkeeper", move |receipt: String, cx: Context| {
        let skill = skill.clone();
        async move { apply(&skill, &receipt, &cx).await }
    });
    let account = swarm.run(bookkeeper, "Monitor, 940 euros".to_owned()).await?;
    println!("the bookkeeper books a monitor to {account}");
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
