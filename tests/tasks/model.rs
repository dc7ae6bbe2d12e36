//! Models: what a call of one is to its agent, to the ledger and to the provider.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::actors::model::{Answer, Chunk, Prices, Traffic};
use skep::actors::{CallModel as _, ModelError, Reply, Scripted, Simulated};
use skep::testkit::contract::{self, Conduct, Provider};
use skep::testkit::{Dice, Lab, Point, TestResult, twice};
use skep::{
    Advice, Agent, AgentError, AgentRef, AgentSpec, AgentState, AskError, Budget, Context, FailureClass,
    Outcome, Pause, Restart, Stop, Swarm, Time, Usage,
};

use super::forest::ms;

/// A dollar a million tokens, whichever way they go: a token is a thousand nano-dollars.
fn prices() -> Prices {
    Prices::per_million("1", "1").unwrap()
}

/// Has a model write.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Write {
    prompt: String,
    tries: u32,
    within: Duration,
    by_chunk: bool,
}

impl Write {
    fn of(prompt: &str) -> Self {
        Self { prompt: prompt.into(), tries: 3, within: Duration::from_secs(25), by_chunk: false }
    }

    fn by_chunk(mut self) -> Self {
        self.by_chunk = true;
        self
    }

    fn tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }
}

struct Editor;

impl Editor {
    fn spec(name: &str) -> AgentSpec<Self> {
        AgentSpec::new(name, || Self).restart(Restart::Permanent)
    }
}

impl Agent for Editor {
    type Task = Write;
    /// The reply, and how many chunks came before it.
    type Output = (Reply, usize);

    async fn handle(&mut self, task: &Write, cx: &Context) -> Result<Self::Output, AgentError> {
        let call = cx.model("fast").tries(task.tries).within(task.within).max_output_tokens(200);
        if !task.by_chunk {
            return Ok((call.ask(&task.prompt).await?, 0));
        }
        let (mut stream, mut count) = (call.stream(&task.prompt), 0);
        while let Some(chunk) = stream.next().await {
            cx.record("chunk", 1, serde_json::json!(matches!(chunk?, Chunk::Text(_))));
            count += 1;
        }
        Ok((stream.reply().await?, count))
    }
}

async fn editor(lab: &Lab) -> (Swarm, AgentRef<Editor>) {
    let swarm = lab.start().await;
    let editor = swarm.spawn(Editor::spec("editor")).await.unwrap();
    (swarm, editor)
}

fn failure(answer: Result<(Reply, usize), AskError<Write>>) -> AgentError {
    match answer {
        Err(AskError::Failed(_, error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The states that an agent goes through, each once in a row.
fn states(swarm: &Swarm, editor: &AgentRef<Editor>) -> Vec<&'static str> {
    let mut life = skep::lifecycle::Lifecycle::default();
    let mut states = Vec::new();
    for event in swarm.events_so_far().iter().filter(|event| event.agent == *editor.id()) {
        life.apply(&event.what).unwrap();
        states.push(life.state().name());
    }
    states.dedup();
    states
}

#[skep::swarm_test(seeds = 20)]
async fn a_call_is_tool_execution_until_its_first_chunk_and_streaming_until_its_end(lab: Lab) -> TestResult {
    let slow = Answer::says("some slow words").slowly(ms(50));
    let model = Scripted::new().rate_limited(ms(300)).answers(slow);
    let lab = lab.model("fast", model);
    let (swarm, editor) = editor(&lab).await;
    editor.ask(Write::of("go")).await?;
    assert_eq!(
        states(&swarm, &editor),
        ["starting", "idle", "thinking", "tool_execution", "streaming", "thinking", "idle"]
    );
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_panicking_model_call_restarts_the_editor_and_bills_it_once(lab: Lab) -> TestResult {
    let model = Scripted::lines(["a draft", "a better draft"]).prices(prices());
    let lab = lab.model("fast", model.clone()).fault(Point::effect("model").of("editor").nth(1).panics());
    let (swarm, editor) = editor(&lab).await;
    let (reply, _) = editor.ask(Write::of("go")).await?;
    assert_eq!((reply.text.as_str(), model.requests().len(), model.steps_left()), ("a draft", 1, 1));
    assert_eq!(swarm.cost().spent, reply.usage);
    let history = lab.end(swarm).await;
    assert_eq!(history.incarnations("editor"), 2);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_rate_limit_is_waited_for_as_long_as_the_provider_says(lab: Lab) -> TestResult {
    let model = Scripted::new().rate_limited(ms(7_000)).says("a draft").prices(prices());
    let lab = lab.model("fast", model.clone());
    let (swarm, editor) = editor(&lab).await;
    let (reply, _) = editor.ask(Write::of("go")).await?;
    assert!(swarm.env().now() >= Time::from(ms(7_000)), "{}", swarm.env().now());
    assert_eq!(swarm.cost().spent, reply.usage + Usage::calls(1), "what is turned away costs nothing");
    model.assert_used_up();
    let history = lab.end(swarm).await;
    assert_eq!(history.count("effect_retried"), 1);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_rate_limit_beyond_the_deadline_is_told_at_once(lab: Lab) -> TestResult {
    let lab = lab.model("fast", Scripted::new().rate_limited(ms(60_000)).says("too late"));
    let (swarm, editor) = editor(&lab).await;
    let error = failure(editor.ask(Write::of("go")).await);
    assert_eq!((error.class(), error.advice()), (FailureClass::Overloaded, Advice::After(ms(60_000))));
    assert!(
        swarm.env().now() < Time::from(ms(1_000)),
        "nobody waits for what cannot come: {}",
        swarm.env().now()
    );
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_cut_answer_is_asked_for_again_and_what_came_of_it_is_billed(lab: Lab) -> TestResult {
    let model = Scripted::new().answers(Answer::says("a dra").cut()).says("a draft").prices(prices());
    let lab = lab.model("fast", model.clone());
    let (swarm, editor) = editor(&lab).await;
    let (reply, _) = editor.ask(Write::of("go")).await?;
    assert_eq!(reply.text, "a draft", "of the first try nothing is left in the reply");
    let cut = swarm.cost().spent.above(&reply.usage);
    // "go" is about a token, and so are the two words of about two.
    assert_eq!((cut.input_tokens, cut.output_tokens, cut.money.0, cut.calls), (1, 2, 3_000, 1));
    let history = lab.end(swarm).await;
    let costs = history.costs();
    assert_eq!(costs.own(&history.agents("editor")[0]).unwrap().estimated, reply.usage + cut);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_stream_is_not_begun_again_once_it_has_given_a_chunk(lab: Lab) -> TestResult {
    let model = Scripted::new()
        .fails(ModelError::Failed("a bad gateway".into()))
        .answers(Answer::says("two words").cut())
        .says("never asked for");
    let lab = lab.model("fast", model.clone());
    let (swarm, editor) = editor(&lab).await;
    let error = failure(editor.ask(Write::of("go").by_chunk()).await);
    assert_eq!((error.advice(), model.requests().len()), (Advice::Now, 2), "{error}");
    let history = lab.end(swarm).await;
    assert_eq!((history.count("effect_retried"), history.count("custom")), (1, 2));
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_pause_that_cuts_a_call_asks_again_for_a_reply_and_never_for_a_stream(lab: Lab) -> TestResult {
    for by_chunk in [false, true] {
        let slow = Answer::says("a few slow words").slowly(ms(100));
        let model = Scripted::new().answers(slow.clone()).answers(slow);
        let lab = Lab::seed(lab.which_seed()).model("fast", model.clone());
        let (swarm, editor) = editor(&lab).await;
        let ask = editor.try_ask(Write { by_chunk, ..Write::of("go") })?;
        while editor.state() != AgentState::Streaming {
            tokio::time::sleep(ms(10)).await;
        }
        let receipt = editor.pause(Pause::now()).await?;
        assert!(receipt.is_quiet() && model.traffic().open == 0, "{receipt}");
        editor.resume()?;
        if by_chunk {
            let error = failure(ask.await);
            assert_eq!((error.advice(), model.requests().len()), (Advice::Now, 1), "{error}");
        } else {
            assert_eq!((ask.await?.0.text.as_str(), model.requests().len()), ("a few slow words", 2));
        }
        lab.end(swarm).await;
    }
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_silent_model_is_given_up_and_tried_again(lab: Lab) -> TestResult {
    let model = Scripted::new().answers(Answer::says("half a").then_hangs()).hangs().says("a draft");
    let lab = lab.model("fast", model.clone());
    let swarm = lab.start().await;
    let editor = swarm.spawn(Editor::spec("editor")).await?;
    let long = Write { within: ms(200_000), ..Write::of("go") };
    let (reply, _) = editor.ask(long).within(ms(200_000)).await?;
    assert_eq!(reply.text, "a draft");
    assert!(swarm.env().now() >= Time::from(skep::actors::defaults::MODEL_SILENCE * 2));
    let traffic = model.traffic();
    assert_eq!((traffic.hung_up, traffic.ended, traffic.open), (2, 1, 0), "each silent stream was closed");
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn whoever_drops_an_ask_closes_the_models_stream(lab: Lab) -> TestResult {
    let model = Scripted::new().answers(Answer::says("a few words").slowly(ms(100)).then_hangs());
    let lab = lab.model("fast", model.clone());
    let (swarm, editor) = editor(&lab).await;
    drop(tokio::time::timeout(ms(350), editor.ask(Write::of("go").by_chunk())).await);
    while editor.state() != AgentState::Idle {
        tokio::time::sleep(ms(1)).await;
    }
    assert_eq!(model.traffic(), Traffic { begun: 1, open: 0, ended: 0, hung_up: 1 });
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("editor"), [Outcome::Withdrawn]);
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_budget_without_room_for_the_worst_case_lets_no_request_out(lab: Lab) -> TestResult {
    let model = Scripted::lines(["a draft", "another"]).prices(prices());
    let lab = lab.model("fast", model.clone());
    let swarm = lab.start().await;
    // Reserved are 200 tokens out, 2 and the allowances in, for each of three tries; spent is next to nothing.
    let editor = swarm.spawn(Editor::spec("editor").budget(Budget::usd("0.000500"))).await?;
    let error = failure(editor.ask(Write::of("go")).await);
    assert_eq!((error.class(), model.traffic().begun), (FailureClass::OverBudget, 0), "{error}");
    editor.ask(Write::of("go").tries(1)).await?;
    assert_eq!(model.traffic().begun, 1);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 4)]
async fn a_name_without_model_and_a_request_without_step_are_errors_that_say_so(lab: Lab) -> TestResult {
    let other = lab.clone();
    let lab = lab.model("slow", Scripted::new()).model("dear", Scripted::new());
    let (swarm, unnamed) = editor(&lab).await;
    let error = failure(unnamed.ask(Write::of("go")).await);
    assert!(error.to_string().contains("\"fast\": there is dear, slow"), "{error}");
    lab.end(swarm).await;

    let lab = Lab::seed(other.which_seed()).model("fast", Scripted::lines(["one"]));
    let (swarm, unscripted) = editor(&lab).await;
    unscripted.ask(Write::of("go")).await?;
    let error = failure(unscripted.ask(Write::of("secret")).await);
    assert!(error.to_string().contains("no answer for request 2"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let history = lab.end(swarm).await;
    assert_eq!(history.count("effect_retried"), 0, "asking again would not help");
    Ok(())
}

#[skep::swarm_test(seeds = 4)]
async fn one_set_of_models_serves_two_swarms(lab: Lab) -> TestResult {
    let model = Scripted::new().when(|request| request.last_said() == "go").says("a draft");
    let (here, there) = (lab.clone().model("fast", model.clone()), Lab::seed(1).model("fast", model.clone()));
    let ((swarm, one), (other, two)) = (editor(&here).await, editor(&there).await);
    let (one, two) = (one.ask(Write::of("go")).await?, two.ask(Write::of("go")).await?);
    assert_eq!((one, model.requests().len()), (two, 2));
    here.end(swarm).await;
    there.end(other).await;
    Ok(())
}

/// A simulated model with every fault there is, and editors that are stopped, interrupted and left while they write.
async fn storm(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let model = Simulated::new()
        .rate_limits(150, ms(500))
        .stalls(100, Duration::from_secs(90))
        .cuts(150)
        .withholds_usage(200)
        .tokens_a_second(100);
    let lab = lab
        .model("fast", model.clone())
        .fault(Point::effect("model").chance(50).panics().may_rest())
        .fault(Point::effect("model").chance(30).kills().may_rest());
    let budget = Budget::usd(if dice.chance(500) { "0.002" } else { "1" });
    let swarm =
        lab.start_with(|builder| builder.budget(budget).intensity(9, ms(1_000)).permits("model", 4)).await;
    let mut editors = Vec::new();
    for number in 0..dice.between(2, 6) {
        editors.push(swarm.spawn(Editor::spec(&format!("editor-{number}"))).await?);
    }
    for _ in 0..dice.between(8, 30) {
        blow(&mut dice, &editors).await;
    }
    let history = lab.end(swarm).await;
    let traffic = model.traffic();
    assert_eq!(traffic.open, 0, "{traffic:?}");
    assert_eq!(traffic.begun, traffic.ended + traffic.hung_up);
    drop(history);
    Ok(())
}

async fn blow(dice: &mut Dice, editors: &[AgentRef<Editor>]) {
    let editor = dice.pick(editors);
    let mut write = Write::of("Write about bees.").tries(dice.between(1, 4) as u32);
    write.by_chunk = dice.chance(500);
    let patience = ms(dice.between(1, 4_000));
    match dice.below(6) {
        0 => drop(tokio::time::timeout(patience, editor.ask(write)).await),
        1 => drop(editor.interrupt()),
        2 if dice.chance(200) => drop(editor.stop(Stop::within(patience)).await),
        3 => tokio::time::sleep(patience).await,
        _ => drop(editor.tell(write)),
    }
}

#[skep::swarm_test(seeds = 100)]
async fn whatever_a_model_does_the_bill_is_exact_and_no_stream_stays_open(lab: Lab) -> TestResult {
    storm(lab).await
}

#[test]
fn a_simulated_model_does_the_same_again_under_its_seed() {
    for seed in 0..20 {
        if let Err(difference) = twice(seed, storm) {
            panic!("{difference}");
        }
    }
}

/// All that were made, since each has a script of its own.
#[derive(Default)]
struct Script(Mutex<Vec<Scripted>>);

impl Provider for Script {
    type Model = Scripted;

    fn model(&self, conduct: Conduct, retry_after: Duration) -> Scripted {
        let answer = conduct.answer(ms(20), retry_after);
        let model = Scripted::new().prices(prices()).when(|_| true).answers(answer);
        self.0.lock().unwrap().push(model.clone());
        model
    }

    fn open(&self) -> u64 {
        self.0.lock().unwrap().iter().map(|model| model.traffic().open).sum()
    }
}

struct Simulation(Simulated);

impl Provider for Simulation {
    type Model = Simulated;

    fn model(&self, conduct: Conduct, retry_after: Duration) -> Simulated {
        let model = self.0.clone().calls_tools(0);
        match conduct {
            Conduct::CallsATool => model.calls_tools(1_000),
            Conduct::RateLimits => model.rate_limits(1_000, retry_after),
            Conduct::BreaksOff => model.cuts(1_000),
            Conduct::FallsSilent => model.stalls(1_000, Duration::from_secs(3_600)),
            Conduct::WithholdsUsage => model.withholds_usage(1_000),
            _ => model,
        }
    }

    fn open(&self) -> u64 {
        self.0.traffic().open
    }
}

#[skep::swarm_test(seeds = 20)]
async fn a_scripted_model_is_all_that_a_model_has_to_be(lab: Lab) {
    contract::model(lab, &Script::default()).await;
}

#[skep::swarm_test(seeds = 20)]
async fn a_simulated_model_is_all_that_a_model_has_to_be(lab: Lab) {
    contract::model(lab, &Simulation(Simulated::new().output_tokens(6..=40))).await;
}
