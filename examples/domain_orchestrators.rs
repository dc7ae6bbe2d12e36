//! Orchestrators below an orchestrator: a director splits a request by domain, and each domain has an orchestrator of its own that
//! splits its part further. Workers do what is left, and what they did is put together on the way up, by domain and then as a whole.
//!
//! Depth and number of tasks are limited at each level: the orchestrator of the network would split the phones once more, but has
//! no level left, so a worker installs them as they are. Another worker forgets the price, is told so, and says it. What all this
//! costs adds up by domain.
//!
//! The models are scripted, so this runs without a key. Give `Models` an endpoint in their place and the rest stays as it is.
//!
//! `cargo run --example domain_orchestrators`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use skep::actors::model::Prices;
use skep::delegate::{Assessed, Delegate};
use skep::prelude::*;
use skep::{PicoUsd, ScopeOwner};

/// Each model says what stands beside the first words that it finds in what it is asked.
fn models() -> Models {
    let prices = Prices::new(PicoUsd(250_000), PicoUsd(2_000_000));
    let script = |rules: &[(&'static str, &'static str)]| {
        rules.iter().fold(Scripted::new().prices(prices), |model, &(words, answer)| {
            model.when(move |request| request.last_said().contains(words)).says(answer)
        })
    };
    let splits = script(&[
        ("an office in Lisbon", "law: found the company\nnetwork: connect the office\npeople: hire a clerk"),
        ("found the company", "write the articles\nregister for tax"),
        ("connect the office", "order a line\nset up the desks"),
        ("set up the desks", "buy laptops\ninstall the phones"),
        ("install the phones", "unpack the phones\nplug in the phones"),
        ("", "DIRECT"),
    ]);
    let work = script(&[
        ("Sum up: open", "Lisbon opens on 1 June, for 3,910 euros."),
        ("Sum up: found", "The company is founded, for 1,150 euros."),
        ("Sum up: connect", "The office is connected, for 2,760 euros."),
        ("Sum up: set up", "The desks are set up, for 2,700 euros."),
        ("not accepted", "registered, 250 euros"),
        ("write the articles", "written, 900 euros"),
        ("register for tax", "registered"),
        ("order a line", "ordered, 60 euros"),
        ("buy laptops", "bought, 2400 euros"),
        ("install the phones", "installed, 300 euros"),
        ("hire a clerk", "hired, 0 euros"),
    ]);
    Models::new().with("smart", splits).with("fast", work)
}

/// What an orchestrator says: the parts, one a line, or that it is done as it is.
fn read(text: &str) -> Assessed<String> {
    match text {
        "DIRECT" => Assessed::Direct,
        lines => Assessed::Split(lines.lines().map(str::to_owned).collect()),
    }
}

/// The orchestrator of a domain, and its workers.
fn orchestrate(owner: ScopeOwner, domain: &str, part: &str) -> Delegate<'static, String, String> {
    let lead = ModelAgent::new("smart").system("Split it, a part a line, or say DIRECT.").spec("lead");
    let editor = ModelAgent::new("fast").system("Make one report of these.").spec("editor");
    let worker = agent_fn("worker", |task: String, cx: Context| async move {
        // What was wrong with the answer before, if there was one.
        let wrong = cx.last_error().map(ToString::to_string).unwrap_or_default();
        let told = format!("{task}\n{wrong}");
        Ok::<_, AgentError>(cx.model("fast").system("Do it, and say what it costs.").ask(told).await?.text)
    });
    let priced =
        |said: &String| if said.contains("euros") { Ok(said.clone()) } else { Err("say what it costs") };
    delegate(owner, part.to_owned())
        .named(domain.to_owned())
        .assess(move |task: &String| (lead.clone(), task.as_str().into()).map(|text: String| read(&text)))
        .solve(move |task| (worker.clone().named(task.as_str()), task.clone()).try_map(priced))
        .merge(move |task, done| (editor.clone(), format!("Sum up: {task}\n{}", done.join("\n")).into()))
        .depth(2)
        .tasks(10)
        .at_most(1) // One after the other, so that this prints the same each time.
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("lisbon").resource(models()).start().await?;
    let director = ModelAgent::new("smart").system("Split it by domain, one a line.").spec("director");
    let editor = ModelAgent::new("fast").system("Make one report of these.").spec("editor");
    let office = delegate(&swarm, "open an office in Lisbon".to_owned())
        .named("office")
        .assess(|task: &String| (director.clone(), task.as_str().into()).map(|text: String| read(&text)))
        .solve(|task| {
            let (domain, part) = task.split_once(": ").unwrap_or(("office", task));
            let (domain, part) = (domain.to_owned(), part.to_owned());
            nest(move |owner| orchestrate(owner, &domain, &part))
        })
        .merge(|task, done| (editor.clone(), format!("Sum up: {task}\n{}", done.join("\n")).into()))
        .depth(1)
        .tasks(20)
        .budget(Budget::usd("1.00"));
    println!("before: {}\n", office.estimate());

    let opened = office.await;
    println!("{}\n\n{opened}\n", opened.parts.tree());
    let bill = swarm.costs();
    for row in bill.rows.iter().filter(|row| ["law", "network", "people"].contains(&row.name.as_str())) {
        println!("{:<8} {} agents, {}", row.name, row.agents, row.subtree.spent);
    }
    println!("{}", opened.into_result()?);
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
