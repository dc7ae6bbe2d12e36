//! Rights under an orchestrator only narrow: what an agent may do that a model has made, the embedder has written, and no word of a
//! model widens it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use skep::actors::agent::Persona;
use skep::actors::model::Answer;
use skep::actors::tool::{Toolset, tool};
use skep::actors::{Kit, Models, Orchestrator, Personas, Scripted};
use skep::effect::Tier;
use skep::testkit::{Dice, Lab, TestResult};
use skep::{Budget, Ceiling, Reach};

use super::forest::ms;

#[derive(Deserialize, JsonSchema)]
struct File {
    path: String,
}

/// What is tried: a tool and on which file.
const DEEDS: [(&str, &str); 4] =
    [("read", "/repo/a"), ("read", "/etc/b"), ("write", "/repo/a"), ("write", "/etc/b")];

/// Who has done what.
type Done = Arc<Mutex<BTreeSet<(String, &'static str, String)>>>;

fn tools(done: &Done) -> Toolset {
    let file_tool = |name: &'static str| {
        let done = Arc::clone(done);
        let made = tool(name, "It does.", move |file: File, call: skep::Call| {
            done.lock().unwrap().insert((call.agent().to_string(), name, file.path));
            async { Ok("done") }
        });
        made.idempotent().tier(Tier::Writes).reaches(|file| Reach::path(&file.path))
    };
    Toolset::new().with(file_tool("read")).with(file_tool("write"))
}

/// Rights with some of the tools in them, and perhaps on some files alone.
fn rights(dice: &mut Dice) -> Ceiling {
    let kinds =
        ["tool.read", "tool.write"].into_iter().filter(|_| dice.below(3) > 0).chain(["model", "manage.*"]);
    let ceiling = Ceiling::only(kinds.collect::<Vec<_>>());
    if dice.below(2) == 0 { ceiling.paths(["/repo/**"]) } else { ceiling }
}

/// The same as a persona has it.
fn written(field: &str, rights: &Ceiling) -> String {
    let value = serde_json::to_value(rights).unwrap();
    let lists = value.as_object().unwrap().iter().map(|(name, list)| format!("{name} = {list}"));
    format!("{field} = {{ {} }}\n", lists.collect::<Vec<_>>().join(", "))
}

fn tries() -> Answer {
    DEEDS.iter().fold(Answer::new(), |answer, (tool, path)| answer.calls(tool, &json!({ "path": path })))
}

#[skep::swarm_test(seeds = 200)]
async fn whatever_is_written_and_said_an_agent_does_what_all_above_it_and_its_own_grants_allow(
    lab: Lab,
) -> TestResult {
    let mut dice = lab.dice();
    let done = Done::default();
    let top = rights(&mut dice);
    let mut bounds = Vec::new();
    let mut persona = |name: &str, more: &str| {
        let ceiling = rights(&mut dice);
        let grants = (dice.below(2) == 0).then(|| rights(&mut dice));
        let said = grants.as_ref().map(|grants| written("grants", grants)).unwrap_or_default();
        let fields = format!(
            "model = \"{name}\"\ntools = [\"read\", \"write\"]\n{more}{}{said}",
            written("ceiling", &ceiling)
        );
        bounds.push((ceiling, grants));
        Persona::parse(name, &format!("+++\n{fields}+++\nYou try.")).unwrap()
    };
    let head = persona("head", "may_create = [\"writer\"]\n");
    let writer = persona("writer", "");
    // Each tries for itself; the head has a writer try besides.
    let create = |persona: &str, name: &str| {
        Answer::new().calls("create_agent", &json!({ "persona": persona, "name": name }))
    };
    let command = |name: &str| Answer::new().calls("command_agent", &json!({ "name": name, "task": "Try." }));
    let heads =
        Scripted::new().answers(tries()).answers(create("writer", "w")).answers(command("w")).says("Tried.");
    let leads =
        Scripted::new().answers(tries()).answers(create("head", "h")).answers(command("h")).says("Done.");
    let writers = Scripted::new().answers(tries()).says("Tried.");
    let models =
        Models::new().with("lead", leads.clone()).with("head", heads.clone()).with("writer", writers.clone());
    let kit = Kit::new(&models, &tools(&done), &Personas::new().and(head)?.and(writer)?)?;
    let swarm = lab.start_with(|builder| builder.resource(models).budget(Budget::new().calls(1_000))).await;
    let lead = Orchestrator::new("lead", &kit).may_create(["head"]).spec("lead").ceiling(top.clone());
    let lead = swarm.spawn(lead).await?;
    assert_eq!(lead.ask("Try.".into()).within(ms(300_000)).await?, "Done.");
    for model in [leads, heads, writers] {
        model.assert_used_up();
    }
    let mut want = BTreeSet::new();
    let [head, writer] = &bounds[..] else { panic!("two personas") };
    for (id, ceilings, grants) in
        [("lab.1.1", vec![&top, &head.0], &head.1), ("lab.1.1.1", vec![&top, &head.0, &writer.0], &writer.1)]
    {
        for (tool, path) in DEEDS {
            let all = ceilings.iter().copied().chain(grants);
            if all
                .into_iter()
                .all(|rights| rights.covers(&format!("tool.{tool}"), &Reach::path(path)).is_ok())
            {
                want.insert((id.to_owned(), tool, path.to_owned()));
            }
        }
    }
    assert_eq!(*done.lock().unwrap(), want, "{top:?} {bounds:?}");
    drop(lead);
    lab.end(swarm).await;
    Ok(())
}
