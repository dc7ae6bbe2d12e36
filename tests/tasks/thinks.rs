//! The model agent: it thinks, calls tools, and answers; what it paid for it has again, and what it may not do it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use skep::actors::agent::{ContextPolicy, Piece, StreamPieces as _};
use skep::actors::model::{Answer, Chunks, Message, Model, Prices, Simulated};
use skep::actors::tool::{ToolError, Toolset, tool};
use skep::actors::{ModelAgent, ModelError, Models, Request, Scripted};
use skep::effect::Tier;
use skep::testkit::{Lab, Point, TestResult};
use skep::{AskError, Budget, Ceiling, Env, Reach, SpawnError, Swarm};

use super::forest::ms;

#[derive(Deserialize, JsonSchema)]
struct City {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct File {
    path: String,
}

/// Two tools: one that counts how often it was asked, and one that reads what a ceiling may forbid.
fn tools(asked: &Arc<AtomicU64>) -> Toolset {
    let asked = Arc::clone(asked);
    let weather = tool("weather", "The weather in a city.", move |city: City, _| {
        let asked = Arc::clone(&asked);
        async move {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(ms(50)).await;
            if city.name == "Atlantis" {
                Err(ToolError::said("it is under water"))
            } else {
                Ok(format!("{}: sun", city.name))
            }
        }
    });
    let read =
        tool("read", "Reads a file.", |file: File, _| async move { Ok(format!("what is in {}", file.path)) });
    let read = read.idempotent().tier(Tier::Reads).reaches(|file| Reach::path(&file.path));
    Toolset::new().with(weather.idempotent().reaches(|_| Reach::NOTHING)).with(read)
}

async fn started(lab: &Lab, model: &Scripted) -> Swarm {
    let models = Models::new().with("m", model.clone());
    lab.start_with(|builder| builder.resource(models).budget(Budget::usd("10").calls(1_000))).await
}

fn city(name: &str) -> serde_json::Value {
    json!({ "name": name })
}

#[skep::swarm_test(seeds = 20)]
async fn it_calls_tools_side_by_side_and_answers_with_what_they_gave(lab: Lab) -> TestResult {
    let both = Answer::says("Let me look. ").calls("weather", &city("Oslo")).calls("weather", &city("Rome"));
    let model = Scripted::new().answers(both).says("Sun in both.");
    let swarm = started(&lab, &model).await;
    let asked = Arc::default();
    let guide = ModelAgent::new("m").system("Be brief.").tools(tools(&asked)).setting("temperature", 0.5);
    let guide = swarm.spawn(guide.spec("guide")).await?;
    let mut pieces = guide.ask("A coat?".into()).pieces();
    let mut read = Vec::new();
    while let Some(piece) = pieces.next().await {
        read.push(piece);
    }
    assert_eq!(pieces.output().await?, "Sun in both.");
    let said: String = read
        .iter()
        .filter_map(|piece| match piece {
            Piece::Text(text) => Some(&**text),
            _ => None,
        })
        .collect();
    assert_eq!(said, "Let me look. Sun in both.");
    assert_eq!(
        read.iter().filter(|piece| matches!(piece, Piece::Tool { name } if name == "weather")).count(),
        2
    );
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let [first, second] = &model.requests()[..] else { panic!("two calls") };
    assert_eq!(
        (first.system.as_deref(), first.tools.len(), first.last_said()),
        (Some("Be brief."), 2, "A coat?")
    );
    let outputs: Vec<_> = second.messages[2..].iter().map(Message::text).collect();
    assert_eq!(outputs, ["Oslo: sun", "Rome: sun"], "each to its call, in their order");
    model.assert_used_up();
    assert_eq!(swarm.cost().spent.calls, 4, "two of the model, two of the tool");
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 60)]
async fn after_a_crash_no_call_of_the_model_and_of_a_tool_is_made_again(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let both = || Answer::new().calls("weather", &city("Oslo")).calls("weather", &city("Rome"));
    let model = Scripted::new().answers(both()).answers(both()).says("Sun.");
    // Somewhere on the way, once: before a call of either, or when its result is there.
    let kinds = ["model", "tool.weather"];
    let point = Point::effect(kinds[dice.below(2) as usize]).nth(dice.between(1, 4));
    let lab =
        lab.fault(if dice.below(2) == 0 { point.kills().may_rest() } else { point.panics().may_rest() });
    let swarm = started(&lab, &model).await;
    let asked = Arc::default();
    let guide = swarm.spawn(ModelAgent::new("m").tools(tools(&asked)).spec("guide")).await?;
    assert_eq!(guide.ask("A coat?".into()).await?, "Sun.");
    // A kill may cut calls that were on: those are made again, and nothing that had its result.
    let (thought, made) = (model.requests().len(), asked.load(Ordering::SeqCst));
    assert!(thought <= 4 && made <= 6, "{thought} {made}");
    assert_eq!(model.steps_left(), 0);
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Verdict {
    sound: bool,
    #[schemars(range(max = 10))]
    marks: u8,
}

#[skep::swarm_test(seeds = 10)]
async fn an_answer_of_another_type_is_asked_for_once_more_and_then_fails(lab: Lab) -> TestResult {
    let good = r#"{"sound": true, "marks": 7}"#;
    let model = Scripted::lines(["It is sound.", good, r#"{"sound": true, "marks": 70}"#, "It is."]);
    let swarm = started(&lab, &model).await;
    let judge = ModelAgent::new("m").system("You judge.").output::<Verdict>();
    let judge = swarm.spawn(judge.spec("judge")).await?;
    assert_eq!(judge.ask("Is it sound?".into()).await?, Verdict { sound: true, marks: 7 });
    let requests = model.requests();
    assert!(
        requests[0]
            .system
            .as_deref()
            .is_some_and(|told| told.starts_with("You judge.") && told.contains("\"marks\""))
    );
    assert!(requests[1].last_said().contains("it is not JSON"), "{}", requests[1].last_said());
    let Err(AskError::Failed(_, error)) = judge.ask("And this?".into()).await else {
        panic!("it has no answer")
    };
    assert!(error.to_string().contains("no answer of the type"), "{error}");
    assert!(model.requests()[3].last_said().contains("/marks must be at most 10"));
    drop(judge);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_the_model_gets_wrong_it_is_told_and_three_times_in_a_row_end_the_turn(lab: Lab) -> TestResult {
    let wrong = [
        (Answer::new().calls("wether", &city("Oslo")), "there is no tool \"wether\"; there is read, weather"),
        (Answer::new().calls("weather", &json!({ "city": "Oslo" })), "it lacks \"name\""),
        (Answer::new().calls_with("weather", "{\"name\": "), "not JSON"),
        (Answer::new().calls("weather", &city("Atlantis")), "it is under water"),
    ];
    for (answer, said) in wrong {
        let lab = Lab::seed(lab.which_seed());
        let model = Scripted::new().answers(answer.clone()).says("Then I do not know.");
        let swarm = started(&lab, &model).await;
        let guide = swarm.spawn(ModelAgent::new("m").tools(tools(&Arc::default())).spec("guide")).await?;
        assert_eq!(guide.ask("A coat?".into()).await?, "Then I do not know.");
        let told = model.requests()[1].last_said().to_owned();
        assert!(told.contains(said), "{told}");
        drop(guide);
        lab.end(swarm).await;
        let lab = Lab::seed(lab.which_seed());
        let model = (0..9).fold(Scripted::new(), |model, _| model.answers(answer.clone()));
        let swarm = started(&lab, &model).await;
        let guide = swarm.spawn(ModelAgent::new("m").tools(tools(&Arc::default())).spec("guide")).await?;
        let Err(AskError::Failed(_, error)) = guide.ask("A coat?".into()).await else {
            panic!("it goes round")
        };
        assert!(error.to_string().contains("3 rounds of tool calls in a row failed"), "{error}");
        assert_eq!(model.requests().len(), 3);
        drop(guide);
        lab.end(swarm).await;
    }
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn it_ends_after_so_many_calls_and_within_its_budget(lab: Lab) -> TestResult {
    let asks = || Answer::new().calls("weather", &city("Oslo"));
    let model = (0..50).fold(Scripted::new(), |model, _| model.answers(asks()));
    let swarm = started(&lab, &model).await;
    let guide = ModelAgent::new("m").tools(tools(&Arc::default()));
    let short = swarm.spawn(guide.clone().max_turns(4).spec("short")).await?;
    let error = short.ask("A coat?".into()).await.unwrap_err().to_string();
    assert!(error.contains("no answer after 4 calls") && model.requests().len() == 4, "{error}");
    let poor = swarm.spawn(guide.spec("poor").budget(Budget::new().calls(10))).await?;
    let error = poor.ask("A coat?".into()).await.unwrap_err();
    assert!(error.to_string().contains("lab.2"), "who refused is named: {error}");
    assert!(poor.cost().spent.calls <= 10);
    drop((short, poor));
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_a_ceiling_forbids_the_model_is_told_and_nothing_happens(lab: Lab) -> TestResult {
    let reads = |path: &str| Answer::new().calls("read", &json!({ "path": path }));
    let model = Scripted::new()
        .answers(reads("/repo/a.rs"))
        .answers(reads("/etc/passwd"))
        .answers(reads("/repo/../etc/passwd"));
    let model = model.answers(reads("/repo/b.rs")).calls("weather", &city("Oslo")).says("Enough.");
    let swarm = started(&lab, &model).await;
    let ceiling = Ceiling::only(["model", "tool.read"]).paths(["/repo/**"]);
    let asked = Arc::default();
    let reader =
        swarm.spawn(ModelAgent::new("m").tools(tools(&asked)).spec("reader").ceiling(ceiling)).await?;
    assert_eq!(reader.ask("Read.".into()).await?, "Enough.");
    let requests = model.requests();
    let told: Vec<_> = requests[1..].iter().map(|request| request.last_said()).collect();
    assert_eq!(told[0], "what is in /repo/a.rs");
    assert!(told[1].contains("you may not do that: path /etc/passwd is not allowed"), "{}", told[1]);
    assert!(told[2].contains("you may not do that: its targets are unknown"), "{}", told[2]);
    assert!(told[4].contains("you may not do that: its kind is not allowed"), "{}", told[4]);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    drop(reader);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn another_prompt_is_another_agent_and_a_tool_that_cannot_be_offered_starts_none(
    lab: Lab,
) -> TestResult {
    let swarm = started(&lab, &Scripted::new()).await;
    let guide = |prompt: &str| ModelAgent::new("m").system(prompt).tools(tools(&Arc::default()));
    let first = swarm.spawn(guide("Be brief.").spec("guide")).await?;
    assert_eq!(swarm.spawn(guide("Be brief.").spec("guide")).await?.id(), first.id());
    assert!(matches!(swarm.spawn(guide("Be long.").spec("guide")).await, Err(SpawnError::NameTaken { .. })));
    let named = |name: &str| tool(name, "It does.", |_: City, _| async { Ok(()) });
    for tools in [
        Toolset::new().with(named("has.dots")),
        Toolset::new().with(named("twice")).with(named("twice")),
        Toolset::new().with(tool("text", "It takes a text.", |_: String, _| async { Ok(()) })),
    ] {
        let error = swarm.spawn(ModelAgent::new("m").tools(tools).spec("odd")).await.unwrap_err();
        assert!(
            matches!(&error, SpawnError::Start { message, .. } if message.contains("cannot be offered")),
            "{error}"
        );
    }
    drop(first);
    lab.end(swarm).await;
    Ok(())
}

/// Whatever the model and the plan do: each task has an outcome, the bill is exact, nothing is left.
#[skep::swarm_test(seeds = 100)]
async fn under_faults_it_leaves_nothing_and_every_promise_holds(lab: Lab) -> TestResult {
    let lab = lab
        .fault(Point::effect("model").chance(60).panics().may_rest())
        .fault(Point::effect("tool.*").chance(60).kills().may_rest())
        .fault(Point::turn().chance(40).panics().may_rest());
    let model = Simulated::new()
        .calls_tools(600)
        .garbles(150)
        .cuts(60)
        .rate_limits(60, ms(100))
        .output_tokens(1..=20);
    let models = Models::new().with("m", model);
    let swarm = lab
        .start_with(|builder| builder.resource(models).budget(Budget::usd("1")).intensity(99, ms(1_000)))
        .await;
    let guide = ModelAgent::new("m").tools(tools(&Arc::default())).max_turns(6);
    let guide = swarm.spawn(guide.spec("guide")).await?;
    for _ in 0..4 {
        drop(guide.ask("A coat?".into()).within(ms(60_000)).await);
    }
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

/// A model whose context is so long, in bytes of what is said.
fn short_of_context(bytes: usize, script: Scripted) -> Scripted {
    script
        .when(move |request| {
            request.messages.iter().map(|message| message.text().len()).sum::<usize>() > bytes
        })
        .fails(ModelError::ContextTooLong)
}

fn long_tool() -> Toolset {
    let read = tool("read", "Reads.", |file: File, _| async move { Ok(file.path.repeat(1_000)) });
    Toolset::new().with(read.pure())
}

fn reads(paths: &[&str]) -> Answer {
    paths.iter().fold(Answer::new(), |answer, path| answer.calls("read", &json!({ "path": path })))
}

#[skep::swarm_test(seeds = 10)]
async fn when_its_context_is_too_long_it_reduces_once_and_goes_on(lab: Lab) -> TestResult {
    let script = Scripted::new().answers(reads(&["a"])).answers(reads(&["bc"])).says("It is abc.");
    let model = short_of_context(2_500, script);
    let swarm = started(&lab, &model).await;
    let guide = ModelAgent::new("m").tools(long_tool());
    let guide = swarm.spawn(guide.spec("guide")).await?;
    assert_eq!(guide.ask("What is there?".into()).await?, "It is abc.");
    let requests = model.requests();
    assert_eq!(requests.len(), 4, "the third was too long");
    let texts: Vec<_> = requests[3].messages.iter().map(Message::text).collect();
    assert_eq!(texts[0], "What is there?");
    assert!(texts.last().unwrap().starts_with("bcbc"), "{texts:?}");
    assert!(texts.iter().all(|text| !text.starts_with("aaa")), "{texts:?}");
    // One that cannot be shorter fails with what the model said.
    let question = "x".repeat(3_000);
    let Err(AskError::Failed(_, error)) = guide.ask(question.into()).await else { panic!("it is too long") };
    assert!(error.to_string().contains("longer than the model's context"), "{error}");
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

/// The same, which says so.
struct Narrow(Scripted);

impl Model for Narrow {
    fn stream(&self, request: Arc<Request>, env: &Env) -> Chunks {
        self.0.stream(request, env)
    }

    fn prices(&self) -> Option<Prices> {
        Model::prices(&self.0)
    }

    fn window(&self) -> Option<u64> {
        Some(900)
    }
}

#[skep::swarm_test(seeds = 10)]
async fn a_model_that_says_how_much_it_takes_is_sent_no_more(lab: Lab) -> TestResult {
    let script = Scripted::new().answers(reads(&["a"])).answers(reads(&["b"])).answers(reads(&["c"]));
    let model = short_of_context(4_000, script.says("Enough."));
    let models = Models::new().with("m", Narrow(model.clone()));
    let swarm = lab.start_with(|builder| builder.resource(models)).await;
    let guide = ModelAgent::new("m").tools(long_tool()).max_output_tokens(100);
    let guide = swarm.spawn(guide.spec("guide")).await?;
    assert_eq!(guide.ask("What is there?".into()).await?, "Enough.");
    assert_eq!(model.requests().len(), 4, "none was too long");
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_conversation_is_made_shorter_before_a_larger_model_is_asked(lab: Lab) -> TestResult {
    let script = Scripted::new().answers(reads(&["a"])).answers(reads(&["bc"])).says("It is abc.");
    let small = short_of_context(2_500, script);
    let large = Scripted::lines(["It is long."]);
    let models =
        Models::new().with("small", small.clone()).with("large", large.clone()).tier("m", ["small", "large"]);
    let swarm = lab.start_with(|builder| builder.resource(models)).await;
    let guide = ModelAgent::new("m").tools(long_tool());
    let guide = swarm.spawn(guide.spec("guide")).await?;
    assert_eq!(guide.ask("What is there?".into()).await?, "It is abc.");
    assert_eq!((small.requests().len(), large.requests().len()), (4, 0));
    // What cannot be shorter is for the larger one.
    assert_eq!(guide.ask("x".repeat(3_000).into()).await?, "It is long.");
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn a_policy_prunes_before_the_window_is_full_and_every_call_keeps_its_result(lab: Lab) -> TestResult {
    let script = Scripted::new().answers(reads(&["a"])).answers(reads(&["b"])).answers(reads(&["c"]));
    let model = short_of_context(4_000, script.says("Enough."));
    let swarm = started(&lab, &model).await;
    // 900 tokens: from 720 on, to 450.
    let guide = ModelAgent::new("m").tools(long_tool()).max_output_tokens(100);
    let guide = swarm.spawn(guide.context(ContextPolicy::prune(900)).spec("guide")).await?;
    assert_eq!(guide.ask("What is there?".into()).await?, "Enough.");
    let requests = model.requests();
    assert_eq!(requests.len(), 4, "none was too long");
    let texts: Vec<_> = requests[3].messages.iter().map(Message::text).collect();
    assert!(texts.contains(&"[this output of 1000 bytes was cut to make room]"), "{texts:?}");
    assert!(texts.last().unwrap().starts_with("ccc"));
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 40)]
async fn what_is_left_out_is_summarised_by_one_call_which_a_crash_does_not_repeat(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let lab = lab.fault(Point::effect("model").nth(dice.between(1, 6)).panics().may_rest());
    let script =
        (0..4).fold(Scripted::new(), |script, at| script.answers(reads(&[["a", "b", "c", "d"][at]])));
    let is_summary = |request: &Request| request.last_said().contains("Result: aaa");
    let model = script.says("Enough.").when(is_summary).says("It read a, which is long.");
    let swarm = started(&lab, &model).await;
    let guide = ModelAgent::new("m").tools(long_tool()).max_output_tokens(100);
    let guide = swarm.spawn(guide.context(ContextPolicy::summarise(900)).spec("guide")).await?;
    assert_eq!(guide.ask("What is there?".into()).await?, "Enough.");
    let requests = model.requests();
    let summaries = requests.iter().filter(|request| is_summary(request)).count();
    assert_eq!(summaries, 1, "{:?}", requests.iter().map(|request| request.last_said()).collect::<Vec<_>>());
    let last = requests.last().unwrap();
    assert!(last.messages.iter().any(|message| message.text().contains("It read a, which is long.")));
    assert_eq!(last.messages[0].text(), "What is there?");
    assert_eq!(model.steps_left(), 0);
    drop(guide);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn with_a_result_tag_what_stands_outside_is_not_read(lab: Lab) -> TestResult {
    let model = Scripted::lines([
        "I think it is 7.",
        "So: <result>7</result>. Ask again.",
        "<result>{\"sound\": true, \"marks\": 7}</result>",
        "No idea.",
        "None.",
    ]);
    let swarm = started(&lab, &model).await;
    let guide = ModelAgent::new("m").system("Be brief.").result_tag();
    let text = swarm.spawn(guide.clone().spec("text")).await?;
    assert_eq!(text.ask("What is it?".into()).await?, "7");
    let requests = model.requests();
    assert!(
        requests[0].system.as_deref().is_some_and(|told| told.contains("between <result> and </result>"))
    );
    assert!(requests[1].last_said().contains("it has no <result>"), "{}", requests[1].last_said());
    let verdict = swarm.spawn(guide.output::<Verdict>().spec("verdict")).await?;
    assert_eq!(verdict.ask("Is it sound?".into()).await?, Verdict { sound: true, marks: 7 });
    assert!(text.ask("And this?".into()).await.is_err(), "it was asked once more");
    model.assert_used_up();
    drop((text, verdict));
    lab.end(swarm).await;
    Ok(())
}
