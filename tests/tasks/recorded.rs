//! Recorded models: what was answered once is answered again, chunk for chunk, and billed as it was.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use skep::actors::model::{Answer, BadCassette, Chunk, Message, Prices, Recorded};
use skep::actors::{CallModel as _, Model, ModelError, Models, Reply, Request, Scripted};
use skep::testkit::contract::{self, Conduct, Provider};
use skep::testkit::{Lab, TestResult};
use skep::{Advice, Agent, AgentError, AgentSpec, AskError, Budget, Context, Usage};
use tempfile::TempDir;

use super::forest::ms;

/// Asks the model "fast" and gives what came, chunk by chunk; or hangs up after so many.
struct Asker;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Asked {
    request: Request,
    tries: u32,
    hangs_up_after: usize,
}

impl Asked {
    fn of(text: &str) -> Self {
        Self { request: Request::from(text), tries: 1, hangs_up_after: usize::MAX }
    }
}

impl Agent for Asker {
    type Task = Asked;
    type Output = (Vec<Chunk>, Option<Reply>);

    async fn handle(&mut self, asked: &Asked, cx: &Context) -> Result<Self::Output, AgentError> {
        let call = cx.model("fast").tries(asked.tries).max_output_tokens(100);
        if asked.tries > 1 {
            return Ok((Vec::new(), Some(call.ask(asked.request.clone()).await?)));
        }
        let (mut stream, mut chunks) = (call.stream(asked.request.clone()), Vec::new());
        while chunks.len() < asked.hangs_up_after {
            match stream.next().await {
                Some(chunk) => chunks.push(chunk?),
                None => return Ok((chunks, Some(stream.reply().await?))),
            }
        }
        Ok((chunks, None))
    }
}

type Answers = Vec<Result<(Vec<Chunk>, Option<Reply>), (String, Advice)>>;

/// Asks one after the other in a world of its own, and says what came and what it cost.
async fn run(seed: u64, model: impl Model, asked: &[Asked]) -> (Answers, Usage) {
    let lab = Lab::seed(seed);
    let models = Models::new().with("fast", model);
    let swarm = lab.start_with(|builder| builder.resource(models).budget(Budget::usd("1"))).await;
    let asker = swarm.spawn(AgentSpec::new("asker", || Asker)).await.unwrap();
    let mut answers = Vec::new();
    for asked in asked {
        answers.push(match asker.ask(asked.clone()).await {
            Ok(answer) => Ok(answer),
            Err(AskError::Failed(_, error)) => Err((error.to_string(), error.advice())),
            Err(other) => panic!("{other}"),
        });
    }
    let cost = swarm.cost().spent;
    lab.end(swarm).await;
    (answers, cost)
}

fn prices() -> Prices {
    Prices::per_million("1", "5").unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fast.jsonl");
    (folder, path)
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn errors(answers: &Answers) -> Vec<&str> {
    answers.iter().filter_map(|answer| answer.as_ref().err()).map(|(text, _)| text.as_str()).collect()
}

#[skep::swarm_test(seeds = 10)]
async fn a_replay_gives_the_same_chunks_the_same_errors_and_the_same_bill(lab: Lab) -> TestResult {
    let (_folder, path) = folder();
    let script = Scripted::new()
        .named("gpt-9")
        .prices(prices())
        .answers(Answer::says("a few slow words, é\u{1f41d}\n among them").slowly(ms(40)))
        .answers(Answer::new().calls("grep", &serde_json::json!({ "pattern": "x" })))
        .rate_limited(ms(500))
        .says("after the limit")
        .answers(Answer::says("half").cut())
        .fails(ModelError::ContextTooLong)
        .answers(Answer::says("no usage").without_usage());
    let again = Asked { tries: 3, ..Asked::of("again") };
    let asked = ["one", "one"].map(Asked::of).into_iter().chain([again]);
    let asked: Vec<_> = asked.chain(["cut", "long", "one"].map(Asked::of)).collect();
    let seed = lab.which_seed();
    let recording = Recorded::record(&path, script.clone())?;
    assert_eq!((recording.name(), recording.prices()), (Some("gpt-9"), Some(prices())));
    let recorded = run(seed, recording, &asked).await;
    script.assert_used_up();
    assert_eq!(errors(&recorded.0).len(), 2, "{recorded:?}");
    assert_eq!(lines(&path).len(), 1 + 7, "an answer a line");

    let replay = Recorded::replay(&path)?;
    assert_eq!((replay.name(), replay.prices()), (Some("gpt-9"), Some(prices())));
    let replayed = run(seed, replay.clone(), &asked).await;
    assert_eq!(replayed, recorded);
    assert!(replayed.1.money.0 > 0 && replay.answers_left() == 0);
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn what_was_not_recorded_is_an_error_that_names_the_nearest_and_is_asked_of_nobody(
    lab: Lab,
) -> TestResult {
    let (_folder, path) = folder();
    let script = Scripted::lines(["one", "two"]).prices(prices());
    let recording = Recorded::record(&path, script.clone())?;
    let asked = ["Is a coat needed in Oslo?", "A hat in Rome?"].map(Asked::of);
    run(lab.which_seed(), recording, &asked).await;

    let replay = Recorded::replay(&path)?;
    let secret = "A hat in Paris, and my password is hunter2 as ever";
    let asked = [Asked { tries: 3, ..Asked::of(secret) }, asked[1].clone(), asked[1].clone()];
    let (answers, cost) = run(lab.which_seed(), replay, &asked).await;
    let errors = errors(&answers);
    let nearest =
        r#"the nearest request is that of line 3, where messages[0].text is "…Paris, and my password"#;
    assert!(errors[0].contains(nearest) && !errors[0].contains("hunter2"), "{errors:?}");
    assert!(errors[1].contains("line 3") && errors[1].contains("its one answer was given"), "{errors:?}");
    assert!(
        answers.iter().flat_map(|answer| answer.as_ref().err()).all(|(_, advice)| *advice == Advice::Never)
    );
    assert_eq!(
        (script.requests().len(), cost.calls),
        (2, 3),
        "a miss is tried once, and costs a call and no money"
    );
    Ok(())
}

#[skep::swarm_test(seeds = 10)]
async fn an_answer_that_is_dropped_midway_is_not_recorded(lab: Lab) -> TestResult {
    let (_folder, path) = folder();
    let script = Scripted::lines(["many words of which one is read", "a whole answer"]);
    let asked = [Asked { hangs_up_after: 1, ..Asked::of("first") }, Asked::of("second")];
    let recording = Recorded::record(&path, script)?;
    let (answers, _) = run(lab.which_seed(), recording, &asked).await;
    assert_eq!((answers.len(), errors(&answers).len()), (2, 0));
    let lines = lines(&path);
    assert!(lines.len() == 2 && lines[1].contains("second") && !lines[1].contains("first"), "{lines:?}");
    Ok(())
}

#[skep::swarm_test(seeds = 4)]
async fn the_ids_of_tool_calls_may_be_others_and_what_they_point_at_may_not(lab: Lab) -> TestResult {
    let (_folder, path) = folder();
    let talk = |ids: [&str; 2], of: usize| {
        let call = |id: &str| skep::actors::model::ToolCall {
            id: id.into(),
            name: "grep".into(),
            arguments: "{}".into(),
        };
        let tool_calls = ids.map(call).to_vec();
        let result = Message::tool(&tool_calls[of], "found");
        let request = Request::from("go").message(Message::Assistant { text: String::new(), tool_calls });
        Asked { request: request.message(result), ..Asked::of("") }
    };
    let recording = Recorded::record(&path, Scripted::lines(["of the first", "of the second"]))?;
    let seed = lab.which_seed();
    run(seed, recording, &[talk(["a", "b"], 0), talk(["a", "b"], 1)]).await;
    let replay = Recorded::replay(&path)?;
    let (answers, _) = run(seed, replay, &[talk(["x9", "c"], 1), talk(["d", "#2"], 0)]).await;
    let texts: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().unwrap().1.as_ref().unwrap().text.as_str()).collect();
    assert_eq!(texts, ["of the second", "of the first"]);
    Ok(())
}

#[test]
fn a_recording_that_is_there_is_left_alone() {
    let (_folder, path) = folder();
    std::fs::write(&path, "precious").unwrap();
    let error = Recorded::record(&path, Scripted::new()).unwrap_err();
    assert!(matches!(error, BadCassette::There { .. }), "{error}");
    assert_eq!(lines(&path), ["precious"]);
    let error = Recorded::replay(&path).unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
}

/// Models that are recorded, each in a file of its own; and, once it has been through that, the same replayed. A silence cannot be
/// replayed, since it was never recorded.
struct Cassettes {
    folder: TempDir,
    replays: bool,
    scripts: Mutex<Vec<Scripted>>,
}

impl Provider for Cassettes {
    type Model = Recorded;

    fn model(&self, conduct: Conduct, retry_after: std::time::Duration) -> Recorded {
        let path = self.folder.path().join(format!("{conduct:?}.jsonl"));
        if self.replays && conduct != Conduct::FallsSilent {
            return Recorded::replay(path).unwrap();
        }
        let answer = conduct.answer(ms(20), retry_after);
        let script = Scripted::new().prices(prices()).when(|_| true).answers(answer);
        self.scripts.lock().unwrap().push(script.clone());
        let path = if self.replays { path.with_extension("new") } else { path };
        Recorded::record(path, script).unwrap()
    }

    fn open(&self) -> u64 {
        self.scripts.lock().unwrap().iter().map(|script| script.traffic().open).sum()
    }
}

#[skep::swarm_test(seeds = 5)]
async fn a_recorded_model_is_all_that_a_model_has_to_be_while_it_is_recorded_and_when_it_is_replayed(
    lab: Lab,
) {
    let folder = tempfile::tempdir().unwrap();
    let mut cassettes = Cassettes { folder, replays: false, scripts: Mutex::default() };
    let again = Lab::seed(lab.which_seed());
    contract::model(lab, &cassettes).await;
    cassettes.replays = true;
    contract::model(again, &cassettes).await;
}
