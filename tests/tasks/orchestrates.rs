//! The orchestrator: its model directs agents, within its bounds, and none of them outlives its answer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use skep::actors::agent::{Kit, Persona};
use skep::actors::model::{Answer, Chunks, Message, Prices};
use skep::actors::tool::{Toolset, tool};
use skep::actors::{Model, ModelAgent, Models, Orchestrator, Personas, Request, Scripted};
use skep::testkit::{Dice, Lab, Point, TestResult};
use skep::{AgentSpec, AskError, Budget, Env, Stop, Swarm, What};

use super::forest::ms;

/// A model that is a function of what it is asked: each attempt of the same conversation gets the same answer.
#[derive(Clone)]
pub(crate) struct Plays<F>(pub(crate) F);

impl<F: Fn(&Request) -> Answer + Send + Sync + 'static> Model for Plays<F> {
    fn prices(&self) -> Option<Prices> {
        Prices::per_million("1", "1").ok()
    }

    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        let answer = (self.0)(&request);
        Scripted::new().prices(Prices::per_million("1", "1").unwrap()).answers(answer).stream(request, env)
    }
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// A kit of a writer, one whose tool takes it down, and a head who may make writers.
fn kit(models: &Models) -> Kit {
    let boom = tool("boom", "It does.", |_: Nothing, _| async move {
        if true {
            panic!("it did");
        }
        Ok("")
    });
    let personas = [
        ("writer", "model = \"writer\"\ndescription = \"Writes.\"", "You write."),
        ("fuse", "model = \"fuse\"\ntools = [\"boom\"]", "You fuse."),
        (
            "head",
            "model = \"head\"\nmay_create = [\"writer\"]\nchildren = { alive = 2, in_all = 3 }",
            "You head.",
        ),
    ];
    let personas = personas.into_iter().fold(Personas::new(), |personas, (name, fields, body)| {
        personas.and(Persona::parse(name, &format!("+++\n{fields}\n+++\n{body}")).unwrap()).unwrap()
    });
    Kit::new(models, &Toolset::new().with(boom.pure()), &personas).unwrap()
}

/// The lead's model answers by the length of its conversation; the others as they are told.
fn models(lead: Scripted) -> (Models, Scripted) {
    let writer = Scripted::new()
        .when(|request| request.last_said() == "hang")
        .hangs()
        .when(|request| request.messages.iter().any(|message| message.text() == "spend"))
        .answers(Answer::new().calls("no_such_tool", &json!({})))
        .when(|request| request.last_said().starts_with("again"))
        .says("AGAIN")
        .when(|request| request.last_said() == "one")
        .says("ONE")
        .when(|_| true)
        .says("TWO");
    let fuse = Scripted::new().when(|_| true).answers(Answer::new().calls("boom", &json!({})));
    let models = Models::new().with("lead", lead).with("writer", writer.clone()).with("fuse", fuse);
    (models.with("head", Scripted::new()), writer)
}

fn at(lead: Scripted, messages: usize, answer: Answer) -> Scripted {
    lead.when(move |request| request.messages.len() == messages).answers(answer)
}

fn calls(calls: &[(&str, Value)]) -> Answer {
    calls.iter().fold(Answer::new(), |answer, (tool, arguments)| answer.calls(tool, arguments))
}

async fn started(lab: &Lab, models: &Models) -> Swarm {
    lab.start_with(|builder| builder.resource(models.clone()).budget(Budget::usd("10").calls(1_000))).await
}

fn create(name: &str) -> (&'static str, Value) {
    ("create_agent", json!({ "persona": "writer", "name": name }))
}

fn command(name: &str, task: &str) -> (&'static str, Value) {
    ("command_agent", json!({ "name": name, "task": task }))
}

/// What the model was told last, in each of its requests.
fn told(requests: &[Arc<Request>], at: usize) -> Vec<String> {
    let request = requests.iter().find(|request| request.messages.len() == at).expect("it came so far");
    let outputs = request.messages.iter().rev().take_while(|message| matches!(message, Message::Tool { .. }));
    let mut outputs: Vec<_> = outputs.map(|message| message.text().to_owned()).collect();
    outputs.reverse();
    outputs
}

/// Makes two writers, has both write, one of them once more, and lets one go.
fn directs() -> Scripted {
    let lead = at(Scripted::new(), 1, calls(&[create("a"), create("b")]));
    let lead = at(lead, 4, calls(&[command("a", "one"), command("b", "two")]));
    let later = ("command_agent", json!({ "name": "a", "task": "again", "wait": false }));
    let lead = at(lead, 7, calls(&[later, ("list_agents", json!({}))]));
    let check = ("check_agent_status", json!({ "name": "a", "wait_seconds": 60 }));
    let lead = at(lead, 10, calls(&[check]));
    let delete = ("delete_agent", json!({ "name": "a" }));
    let lead = at(lead, 12, calls(&[delete, ("read_agent_logs", json!({ "name": "b" }))]));
    let lead = at(lead, 15, calls(&[("report_cost", json!({})), ("list_agents", json!({}))]));
    at(lead, 18, Answer::says("ONE and TWO, and AGAIN."))
}

fn lead(kit: &Kit) -> AgentSpec<ModelAgent> {
    let lead = Orchestrator::new("lead", kit).mission("Have two parts written.").may_create(["writer"]);
    lead.each(Budget::usd("0.25")).children(2, 3).spec("lead")
}

#[skep::swarm_test(seeds = 20)]
async fn it_makes_agents_commands_them_collects_and_deletes(lab: Lab) -> TestResult {
    let script = directs();
    let (models, writer) = models(script.clone());
    let swarm = started(&lab, &models).await;
    let lead = swarm.spawn(lead(&kit(&models))).await?;
    assert_eq!(lead.ask("Write.".into()).within(ms(300_000)).await?, "ONE and TWO, and AGAIN.");
    let requests = script.requests();
    let system = requests[0].system.clone().unwrap();
    assert!(system.starts_with("Have two parts written.\n\nYou direct agents"), "{system}");
    assert!(system.contains("- writer: Writes.") && system.contains("2 agents at once and make 3 in all"));
    assert_eq!(requests[0].tools.len(), 8, "management tools and no other");
    assert_eq!(told(&requests, 7), ["ONE", "TWO"], "each to its command");
    let [later, list] = &told(&requests, 10)[..] else { panic!("two outputs") };
    assert!(
        later.contains("command 2") && list.contains("a (writer)") && list.contains("b (writer)"),
        "{list}"
    );
    assert!(told(&requests, 12)[0].contains("command 2 answered: AGAIN"), "{:?}", told(&requests, 12));
    let [gone, log] = &told(&requests, 15)[..] else { panic!("two outputs") };
    assert!(gone.contains("a has ended") && log.contains("task_accepted"), "{gone} {log}");
    let [cost, list] = &told(&requests, 18)[..] else { panic!("two outputs") };
    assert!(cost.contains("lead") && list.contains("a (writer): stopped"), "{cost} {list}");
    // It goes on where it was: what it answered before is in its conversation.
    let again = writer.requests().into_iter().find(|request| request.last_said() == "again").unwrap();
    let before: Vec<_> = again.messages.iter().map(Message::text).collect();
    assert_eq!(before, ["one", "ONE", "again"]);
    assert_eq!((lead.control().live_agents(), lead.children().which_children().len()), (1, 0));
    let events = lab.events();
    let made = events
        .iter()
        .filter(|event| matches!(&event.what, What::Custom { name, .. } if name == "orchestrator.created"));
    assert_eq!(made.count(), 2);
    let managed = |kind: &str| {
        let is_kind = |what: &What| matches!(what, What::EffectBegan { kind: begun, .. } if begun == kind);
        events.iter().filter(|event| is_kind(&event.what)).count()
    };
    assert_eq!((managed("manage.create_agent"), managed("manage.command_agent")), (2, 3));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn what_is_beyond_its_bounds_it_is_told_and_nothing_is_made_of_it(lab: Lab) -> TestResult {
    let asks = |fields: Value| ("create_agent", fields);
    let script = at(
        Scripted::new(),
        1,
        calls(&[
            asks(json!({ "persona": "fuse", "name": "a" })),
            asks(json!({ "persona": "writer", "name": "a", "budget": "0.26" })),
            asks(json!({ "persona": "writer", "name": "a", "budget": "all of it" })),
            asks(json!({ "persona": "writer", "name": "a", "model": "lead" })),
            asks(json!({ "persona": "writer", "name": "a", "grants": "*" })),
            asks(json!({ "persona": "writer", "name": "no name" })),
            command("a", "one"),
            ("report_cost", json!({})),
        ]),
    );
    let script = at(script, 10, calls(&[create("a"), create("a"), create("b"), create("c")]));
    let gone = |name: &str| ("delete_agent", json!({ "name": name }));
    let script = at(script, 15, calls(&[gone("a"), gone("b")]));
    let script = at(script, 18, calls(&[create("c"), create("d"), command("wirter", "one")]));
    let script = at(script, 22, Answer::says("Enough."));
    let (models, _) = models(script.clone());
    let swarm = started(&lab, &models).await;
    let lead = swarm.spawn(lead(&kit(&models))).await?;
    assert_eq!(lead.ask("Write.".into()).within(ms(300_000)).await?, "Enough.");
    let requests = script.requests();
    let first = told(&requests, 10);
    for (said, want) in first.iter().zip([
        "/persona must be one of \"writer\"",
        "a budget of $0.25 at most, and not $0.26",
        "not an amount of dollars",
        "has no \"model\"",
        "has no \"grants\"",
        "is not a name",
        "you have no agent named \"a\"",
        "lead",
    ]) {
        assert!(said.contains(want), "{said} and not {want}");
    }
    let second = told(&requests, 15);
    assert!(second[0].contains("a is there") && second[2].contains("b is there"), "{second:?}");
    assert!(second[1].contains("named \"a\" already"), "{second:?}");
    assert!(second[3].contains("you have 2 agents, and may have no more at once"), "{second:?}");
    let third = told(&requests, 22);
    assert!(third[0].contains("c is there") && third[1].contains("you have made 3 agents"), "{third:?}");
    assert!(third[2].contains("you have no agent named"), "{third:?}");
    let spawned = |event: &&Arc<skep::Event>| matches!(&event.what, What::AgentSpawned { .. });
    let spawned = lab.events().iter().filter(spawned).count();
    assert_eq!(spawned, 1 + 1 + 3, "the root, the lead, and three writers");
    drop(lead);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn of_an_agent_that_crashes_hangs_or_spends_too_much_it_is_told(lab: Lab) -> TestResult {
    let make = |persona: &str, name: &str| ("create_agent", json!({ "persona": persona, "name": name }));
    let script =
        at(Scripted::new(), 1, calls(&[make("fuse", "f"), make("writer", "h"), make("writer", "s")]));
    let script = at(script, 5, calls(&[command("f", "burn"), command("h", "hang"), command("s", "spend")]));
    // One that hung works on, and one that crashed is there again.
    let script = at(script, 9, calls(&[command("h", "one"), ("check_agent_status", json!({ "name": "f" }))]));
    let script = at(script, 12, Answer::says("So it is."));
    let (models, _) = models(script.clone());
    let swarm = started(&lab, &models).await;
    let lead = Orchestrator::new("lead", &kit(&models)).may_create(["writer", "fuse"]).children(3, 3);
    let lead = lead.each(Budget::new().calls(12)).command_within(ms(20_000)).spec("lead");
    let lead = swarm.spawn(lead).await?;
    assert_eq!(lead.ask("Try them.".into()).within(ms(300_000)).await?, "So it is.");
    let outputs = told(&script.requests(), 9);
    assert!(
        outputs[0].contains("it crashed in each of 3 attempts") && outputs[0].contains("it did"),
        "{outputs:?}"
    );
    // Its own call or the command is cut first: both have the same deadline.
    let is_late = ["did not answer in time", "did not end within its deadline"];
    assert!(is_late.iter().any(|late| outputs[1].contains(late)), "{outputs:?}");
    assert!(outputs[2].contains("it failed: 3 rounds of tool calls in a row failed"), "{outputs:?}");
    let outputs = told(&script.requests(), 12);
    assert_eq!(outputs[0], "ONE");
    assert!(outputs[1].starts_with("f is "), "{outputs:?}");
    drop(lead);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_budget_bounds_each_agent_and_its_refusal_is_told(lab: Lab) -> TestResult {
    let poor = ("create_agent", json!({ "persona": "writer", "name": "a", "budget": "0.000001" }));
    let script = at(Scripted::new(), 1, calls(&[poor]));
    let script = at(script, 3, calls(&[command("a", "one"), create("b")]));
    let script = at(script, 6, calls(&[command("b", "one")]));
    let script = at(script, 8, Answer::says("Poor."));
    let (models, _) = models(script.clone());
    let models = models.with("writer", Plays(|_: &Request| Answer::says("ONE")));
    let swarm = started(&lab, &models).await;
    let lead = swarm.spawn(lead(&kit(&models))).await?;
    assert_eq!(lead.ask("Write.".into()).within(ms(300_000)).await?, "Poor.");
    let outputs = told(&script.requests(), 6);
    assert!(outputs[0].contains("it failed: ") && outputs[0].contains("$0.000001"), "{outputs:?}");
    assert_eq!(told(&script.requests(), 8), ["ONE"]);
    drop(lead);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 40)]
async fn after_a_crash_its_agents_are_made_again_and_what_was_paid_for_it_has(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let kinds = ["model", "manage.create_agent", "manage.command_agent", "manage.check_agent_status"];
    let point = Point::effect(kinds[dice.below(4) as usize]).of("lead").nth(dice.between(1, 4));
    let lab =
        lab.fault(if dice.below(2) == 0 { point.kills().may_rest() } else { point.panics().may_rest() });
    let script = directs();
    let (models, writer) = models(script.clone());
    let swarm = started(&lab, &models).await;
    let lead = swarm.spawn(lead(&kit(&models))).await?;
    assert_eq!(lead.ask("Write.".into()).within(ms(300_000)).await?, "ONE and TWO, and AGAIN.");
    // The call that was cut is made again, and no other.
    let thought = script.requests().len();
    assert!(thought <= 7 + 1, "{thought} calls of its model");
    let wrote = writer.requests().len();
    assert!(wrote <= 3 + 2, "{wrote} calls of the writers'");
    assert_eq!((lead.control().live_agents(), lead.children().which_children().len()), (1, 0));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stop_leaves_nothing_of_its_agents_whatever_they_do(lab: Lab) -> TestResult {
    let make = |persona: &str, name: &str| ("create_agent", json!({ "persona": persona, "name": name }));
    let script = at(Scripted::new(), 1, calls(&[make("writer", "a"), make("writer", "b")]));
    let later = ("command_agent", json!({ "name": "b", "task": "hang", "wait": false }));
    let script = at(script, 4, calls(&[command("a", "hang"), later]));
    let (models, _) = models(script);
    let swarm = started(&lab, &models).await;
    let lead = swarm.spawn(lead(&kit(&models))).await?;
    let asked = lead.try_ask("Write.".into())?;
    tokio::time::sleep(ms(5_000)).await;
    assert_eq!(lead.control().live_agents(), 3);
    let receipt = lead.stop(Stop::default()).await;
    assert!(receipt.nothing_left() && receipt.rows().len() == 3, "{receipt}");
    lab.saw(&receipt);
    assert!(matches!(asked.await, Err(AskError::Stopped(..))));
    lab.end(swarm).await;
    Ok(())
}

/// The head's model makes a writer and has it write.
fn heads() -> impl Model {
    Plays(|request: &Request| match request.messages.len() {
        1 => calls(&[create("w")]),
        3 if request.last_said().contains("is there") => calls(&[command("w", "one")]),
        _ => Answer::says(format!("the writer: {}", request.last_said())),
    })
}

#[skep::swarm_test(seeds = 20)]
async fn a_persona_may_be_an_orchestrator_and_the_depth_of_a_budget_bounds_them(lab: Lab) -> TestResult {
    let make = ("create_agent", json!({ "persona": "head", "name": "h" }));
    let script = at(Scripted::new(), 1, calls(&[make]));
    let script = at(script, 3, calls(&[command("h", "write")]));
    let script = script.when(|request| request.messages.len() == 5).says("Done.");
    let (models, _) = models(script.clone());
    let models = models.with("head", heads());
    let swarm = started(&lab, &models).await;
    let lead = || Orchestrator::new("lead", &kit(&models)).may_create(["head"]);
    let deep = swarm.spawn(lead().spec("deep").budget(Budget::new().depth(2))).await?;
    assert_eq!(deep.ask("Write.".into()).within(ms(300_000)).await?, "Done.");
    assert_eq!(told(&script.requests(), 5), ["the writer: ONE"]);
    let flat = swarm.spawn(lead().mission("Flat.").spec("flat").budget(Budget::new().depth(1))).await?;
    assert_eq!(flat.ask("Write.".into()).within(ms(300_000)).await?, "Done.");
    let requests = script.requests();
    let last = requests.last().unwrap().last_said().to_owned();
    assert!(last.contains("could not be made") && last.contains("is 1"), "{last}");
    drop((deep, flat));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn one_that_names_what_there_is_not_does_not_start(lab: Lab) -> TestResult {
    let (models, _) = models(Scripted::new());
    let swarm = started(&lab, &models).await;
    let lead = || Orchestrator::new("lead", &kit(&models));
    for (spec, said) in [
        (lead().spec("x"), "whom it may make"),
        (lead().may_create(["wirter"]).spec("x"), "did you mean \"writer\"?"),
        (lead().may_create(["writer"]).models(["wrtier"]).spec("x"), "did you mean \"writer\"?"),
        (lead().may_create(["writer"]).children(0, 3).spec("x"), "give at least 1"),
        (lead().may_create(["writer"]).each(Budget::usd("much")).spec("x"), "not an amount"),
    ] {
        let error = swarm.spawn(spec).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    lab.end(swarm).await;
    Ok(())
}

/// A model that does whatever, by the length of the conversation.
fn whatever(seed: u64) -> impl Model {
    Plays(move |request: &Request| {
        let length = request.messages.len() as u64;
        let mut dice =
            Dice::seeded(seed ^ (length << 8) ^ request.system.as_ref().map_or(0, |told| told.len() as u64));
        if request.tools.is_empty() || dice.below(12) < length / 3 {
            return Answer::says("done");
        }
        let mut answer = Answer::new();
        for _ in 0..dice.between(1, 5) {
            let name = ["a", "b", "c", "d"][dice.below(4) as usize];
            let persona = if dice.below(3) == 0 { "head" } else { "writer" };
            let wait = dice.below(2) == 0;
            let (tool, arguments) = match dice.below(10) {
                0..3 => ("create_agent", json!({ "persona": persona, "name": name })),
                3..6 => ("command_agent", json!({ "name": name, "task": "go on", "wait": wait })),
                6 => ("check_agent_status", json!({ "name": name, "wait_seconds": 5 })),
                7 => ("delete_agent", json!({ "name": name })),
                8 => ("interrupt_agent", json!({ "name": name })),
                _ => ("list_agents", json!({})),
            };
            answer = answer.calls(tool, &arguments);
        }
        answer
    })
}

/// Whatever its model and the plan do: each task has an outcome, the bill is exact, nothing is left.
#[skep::swarm_test(seeds = 100)]
async fn under_faults_an_orchestrator_leaves_nothing_and_every_promise_holds(lab: Lab) -> TestResult {
    let lab = lab
        .fault(Point::effect("model").chance(40).panics().may_rest())
        .fault(Point::effect("manage.*").chance(60).kills().may_rest())
        .fault(Point::effect("manage.*").chance(60).panics().may_rest())
        .fault(Point::turn().chance(40).kills().may_rest())
        .fault(Point::start().of("a").chance(100).panics().may_rest());
    let seed = lab.which_seed();
    let models = ["lead", "writer", "head", "fuse"]
        .into_iter()
        .fold(Models::new(), |models, name| models.with(name, whatever(seed)));
    let swarm = lab
        .start_with(|builder| {
            builder.resource(models.clone()).budget(Budget::usd("10")).intensity(99, ms(1_000))
        })
        .await;
    let lead = Orchestrator::new("lead", &kit(&models)).may_create(["writer", "head"]).each(Budget::usd("1"));
    let lead = swarm.spawn(lead.children(3, 6).max_turns(8).spec("lead").intensity(99, ms(1_000))).await?;
    for _ in 0..3 {
        drop(lead.ask("Go.".into()).within(ms(120_000)).await);
    }
    drop(lead);
    lab.end(swarm).await;
    Ok(())
}
