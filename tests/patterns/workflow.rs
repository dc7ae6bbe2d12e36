//! Workflows over real agents under virtual time: phases, loops, gates, people, and going on.

mod files;
mod going_on;
mod storms;

use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};
use skep::workflow::IssueKind;
use skep::workflow::{Capabilities, Gate, Workflow};
use skep::{
    Agent, AgentError, AgentSpec, Budget, Context, Report as _, Swarm, agent_fn, nest, pipeline, workflow,
};

use crate::rig::{alive, millis, secs, swarm};

/// What was asked, in order.
type Log = Arc<Mutex<Vec<String>>>;

type Answer = Arc<dyn Fn(&Value, &Context) -> Result<Value, AgentError> + Send + Sync>;

/// An agent that notes what it was given, takes a tenth of a second and answers.
struct Says {
    log: Log,
    answer: Answer,
}

impl Agent for Says {
    type Task = Value;
    type Output = Value;

    async fn handle(&mut self, task: &Value, cx: &Context) -> Result<Value, AgentError> {
        self.log.lock().unwrap().push(format!("{} {task}", cx.name()));
        cx.sleep(millis(100)).await?;
        (self.answer)(task, cx)
    }
}

fn says(
    log: &Log,
    name: &str,
    answer: impl Fn(&Value, &Context) -> Result<Value, AgentError> + Send + Sync + 'static,
) -> AgentSpec<Says> {
    let (log, answer): (_, Answer) = (Arc::clone(log), Arc::new(answer));
    AgentSpec::new(name, move || Says { log: Arc::clone(&log), answer: Arc::clone(&answer) })
}

/// Offers capabilities that answer with their own name, each noted.
fn echoes<'a>(log: &Log, names: &[&str]) -> Capabilities<'a> {
    names.iter().fold(Capabilities::new(), |can, name| {
        let (log, name) = (Arc::clone(log), (*name).to_owned());
        can.can(name.clone(), move |input: Value| {
            let own = name.clone();
            (says(&log, &name, move |_, _| Ok(json!(own))), input)
        })
    })
}

fn asked(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

fn read(toml: &str) -> Workflow {
    Workflow::read(toml).unwrap()
}

const TWO: &str = r#"
    name = "two"
    inputs = ["brief"]
    [[phase]]
    name = "one"
    steps = [{ name = "map", by = "scout", needs = "brief" }, { name = "size", by = "count", needs = ["map"] }]
    [[phase]]
    name = "two"
    steps = [{ name = "end", by = "close", needs = { first = "map", then = "size" } }]
"#;

#[tokio::test(start_paused = true)]
async fn steps_get_what_they_need_in_order_and_the_report_has_what_they_gave() {
    let (swarm, log) = (swarm().await, Log::default());
    let can = echoes(&log, &["scout", "count", "close"]);
    let two = workflow(&swarm, read(TWO).with("brief", "bees"), can).unwrap();
    assert_eq!((two.estimate().calls, two.estimate().agents, two.estimate().at_once), (9, 3, 1));
    let worked = two.await;
    assert_eq!(
        asked(&log),
        [r#"scout "bees""#, r#"count {"map":"scout"}"#, r#"close {"first":"scout","then":"count"}"#]
    );
    assert_eq!(worked.to_string(), "3 of 3 completed");
    assert_eq!(worked.of::<String>("size").as_deref(), Some("count"));
    assert_eq!(worked.standing, None);
    let after: Vec<_> = worked.parts.parts.iter().map(|part| part.after.clone()).collect();
    assert_eq!(after, [vec![], vec![0], vec![1]]);
    let values = worked.into_result().unwrap();
    assert_eq!(
        Value::Object(values),
        json!({ "brief": "bees", "map": "scout", "size": "count", "end": "close" })
    );
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn steps_side_by_side_begin_as_soon_as_what_they_need_is_there() {
    let (swarm, log) = (swarm().await, Log::default());
    let file = read(
        r#"
        name = "wide"
        [[phase]]
        name = "all"
        parallel = true
        steps = [
          { name = "a", by = "x" }, { name = "b", by = "x" }, { name = "c", by = "x", needs = ["a"] }, { name = "d", by = "x" },
        ]
        [[phase]]
        name = "last"
        steps = [{ name = "e", by = "x", needs = ["b", "c", "d"] }]
        "#,
    );
    let wide = workflow(&swarm, file, echoes(&log, &["x"])).unwrap();
    assert_eq!(wide.estimate().at_once, 4);
    let worked = wide.run().await;
    assert_eq!(worked.to_string(), "5 of 5 completed");
    assert_eq!(worked.parts.took, millis(300));
    let after: Vec<_> =
        worked.parts.parts.iter().map(|part| (part.name.as_str(), part.after.clone())).collect();
    assert_eq!(
        after,
        [("a", vec![]), ("b", vec![]), ("d", vec![]), ("c", vec![0]), ("e", vec![1, 3, 2])],
        "the last waits for all that nobody else has waited for"
    );
    let path: Vec<_> = worked.parts.critical_path().iter().map(|part| part.name.clone()).collect();
    assert_eq!(path, ["a", "c", "e"]);
    let one_by_one = workflow(&swarm, read(TWO).with("brief", 1), echoes(&log, &["scout", "count", "close"]));
    assert_eq!(one_by_one.unwrap().at_most(9).await.parts.took, millis(300));
}

const LOOP: &str = r#"
    name = "loop"
    inputs = { brief = "string" }
    [[capability]]
    name = "review"
    gives = { approved = "boolean" }
    [[phase]]
    name = "build"
    loop = { until = "review.approved", most = 3 }
    steps = [
      { name = "patch", by = "code", needs = ["brief", "review?"], costing = "0.40" },
      { name = "review", by = "review", needs = "patch", costing = "0.10", retries = 0 },
    ]
    [[phase]]
    name = "ship"
    steps = [{ name = "ship", by = "ship", needs = "patch" }]
"#;

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_blocks_what_depends_on_it_and_is_gone_on_from() {
    let (swarm, log) = (swarm().await, Log::default());
    let is_broken = Arc::new(Mutex::new(true));
    let broken = Arc::clone(&is_broken);
    let noted = Arc::clone(&log);
    let can = echoes(&log, &["scout", "close"]).can("count", move |input: Value| {
        let broken = Arc::clone(&broken);
        let answer = move |_: &Value, cx: &Context| {
            if cx.attempt() > 1 {
                assert!(cx.last_error().is_some_and(|error| error.to_string().contains("no abacus")));
            }
            if *broken.lock().unwrap() { Err(AgentError::message("no abacus")) } else { Ok(json!(3)) }
        };
        (says(&noted, "count", answer), input)
    });
    let two = workflow(&swarm, read(TWO).with("brief", "bees"), can).unwrap();
    let mut worked = two.run().await;
    assert_eq!(
        worked.to_string(),
        "1 of 3 completed, failed: size (no abacus), end (not started: size failed)"
    );
    assert_eq!(worked.parts.part("size").unwrap().attempts, 3);
    assert_eq!(asked(&log).len(), 4);
    let mut by_hand = worked.clone();
    *is_broken.lock().unwrap() = false;
    two.retry_failed(&mut worked).await;
    assert_eq!(worked.to_string(), "3 of 3 completed");
    assert_eq!(asked(&log), [r#"count {"map":"scout"}"#, r#"close {"first":"scout","then":3}"#]);
    let size = worked.parts.part("size").unwrap();
    assert_eq!((size.attempts, size.took), (4, millis(400)), "all tries are in its row");
    let before = worked.clone();
    two.retry_failed(&mut worked).await;
    assert_eq!(worked, before, "there is nothing left to do");

    two.complete(&mut by_hand, "size", 4).await.unwrap();
    assert_eq!(by_hand.to_string(), "3 of 3 completed");
    assert_eq!(asked(&log), [r#"close {"first":"scout","then":4}"#], "a person did what the agent could not");
    assert_eq!(by_hand.parts.part("size").unwrap().attempts, 3, "what it cost stays");
}

#[tokio::test(start_paused = true)]
async fn three_failures_begin_no_more() {
    let (swarm, log) = (swarm().await, Log::default());
    let steps: Vec<_> = (0..9).map(|n| format!("{{ name = \"s{n}\", by = \"x\", retries = 0 }}")).collect();
    let file =
        format!("name = \"wide\"\n[[phase]]\nname = \"all\"\nparallel = true\nsteps = [{}]", steps.join(","));
    let noted = Arc::clone(&log);
    let can = Capabilities::new()
        .can("x", move |input: Value| (says(&noted, "x", |_, _| Err(AgentError::message("no"))), input));
    let wide = workflow(&swarm, read(&file), can).unwrap().at_most(2);
    let worked = wide.run().await;
    assert_eq!(
        worked.parts.failed().filter(|part| part.attempts > 0).count(),
        4,
        "two worked when the third failed"
    );
    assert!(worked.to_string().contains("s8 (not started: "), "{worked}");
    assert_eq!(asked(&log).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_breaks_its_contract_is_tried_again_with_the_reason() {
    let (swarm, log) = (swarm().await, Log::default());
    let noted = Arc::clone(&log);
    let can = echoes(&log, &["ship"])
        .can("code", |input: Value| {
            (agent_fn("code", |_: Value, _: Context| async { Ok::<_, AgentError>(1) }), input)
        })
        .can("review", move |input: Value| {
            let answer = |_: &Value, cx: &Context| match cx.attempt() {
                1 => Ok(json!({ "approved": "yes" })),
                _ => {
                    assert!(
                        cx.last_error()
                            .unwrap()
                            .to_string()
                            .contains("its \"approved\" is a string, and a boolean is wanted")
                    );
                    Ok(json!({ "approved": true }))
                }
            };
            (says(&noted, "review", answer), input)
        });
    let file = read(&LOOP.replace(", retries = 0", "")).with("brief", "b");
    let worked = workflow(&swarm, file, can).unwrap().await;
    assert_eq!(worked.to_string(), "3 of 3 completed");
    assert_eq!(worked.parts.part("review").unwrap().attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_fit_the_type_names_the_step_and_the_field() {
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "it cannot be read")]
    struct Sizing {
        map: Vec<String>,
    }
    let (swarm, log) = (swarm().await, Log::default());
    let noted = Arc::clone(&log);
    let can = echoes(&log, &["scout", "close"])
        .can("count", move |_: Sizing| (says(&noted, "count", |_, _| Ok(json!(1))), json!(0)));
    let worked = workflow(&swarm, read(TWO).with("brief", "b"), can).unwrap().await;
    assert_eq!(
        worked.to_string(),
        "1 of 3 completed, failed: size (\"count\" cannot take map: its \"map\" is a string, and an array is wanted), \
         end (not started: size failed)"
    );
    assert_eq!(asked(&log).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tier_chooses_among_those_that_are_offered() {
    let (swarm, log) = (swarm().await, Log::default());
    let noted = Arc::clone(&log);
    let can = || {
        let noted = Arc::clone(&noted);
        Capabilities::new().can_on("x", ["fast", "smart"], move |tier, (): ()| {
            (says(&noted, tier, |_, _| Ok(json!(1))), json!(null))
        })
    };
    let file = r#"
        name = "tiers"
        [[phase]]
        name = "all"
        steps = [{ name = "a", by = "x" }, { name = "b", by = "x", tier = "smart" }]
    "#;
    assert!(workflow(&swarm, read(file), can()).unwrap().await.into_result().is_ok());
    assert_eq!(asked(&log), ["fast null", "smart null"]);
    let bad = workflow(&swarm, read(&file.replace("smart", "sharp")), can()).err().unwrap();
    assert_eq!(
        bad.to_string(),
        "line 5: phase \"all\": step \"b\" has the tier \"sharp\", and \"x\" is offered on: fast, smart"
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_has_its_own_bounds_and_the_file_those_of_the_whole() {
    let (swarm, log) = (swarm().await, Log::default());
    let noted = Arc::clone(&log);
    let can = Capabilities::new().can("slow", move |(): ()| {
        let slow = agent_fn("slow", |(): (), cx: Context| async move { Ok(cx.sleep(secs(50)).await?) });
        let _ = &noted;
        (slow, ())
    });
    let file = "name = \"slow\"\nwithin = 100\ncosting = \"0.50\"\n[[phase]]\nname = \"p\"\n\
                steps = [{ name = \"a\", by = \"slow\" }, { name = \"b\", by = \"slow\", within = 7 }]";
    let slow = workflow(&swarm, read(file), can).unwrap();
    assert_eq!(slow.estimate().cost.unwrap().money, "0.50".parse().unwrap());
    let worked = slow.run().await;
    assert_eq!(worked.to_string(), "1 of 2 completed, failed: b (no answer in 7.0s)");
    assert_eq!(worked.parts.took, secs(57));
    let worked = slow.within(secs(30)).budget(Budget::usd("1")).await;
    assert!(
        worked.to_string().starts_with("0 of 2 completed, failed: a (stopped: the limit of 30s"),
        "{worked}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_a_part_of_another_pattern_once_it_was_checked() {
    let (swarm, log) = (swarm().await, Log::default());
    let two =
        workflow(&swarm, read(TWO).with("brief", "b"), echoes(&log, &["scout", "count", "close"])).unwrap();
    let two = Arc::new(two);
    let piped = pipeline(&swarm, 1_u8)
        .stage("two", move |_| {
            let two = Arc::clone(&two);
            nest(move |owner| two.under(owner))
        })
        .await;
    assert_eq!(piped.value.unwrap()["end"], "close");
    assert_eq!(piped.parts.parts[0].inner.as_ref().unwrap().parts.len(), 3);
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn those_that_come_with_the_crate_run_to_their_end() {
    let (swarm, log) = (swarm().await, Log::default());
    let verdict = |log: &Log| {
        let log = Arc::clone(log);
        move |input: Value| (says(&log, "v", |_, _| Ok(json!({ "approved": true, "holds": true }))), input)
    };
    let can = |names: &[&str]| echoes(&log, names).can("verify", verdict(&log)).can("review", verdict(&log));
    let run = async |swarm: &Swarm, file: Workflow, names: &[&str]| {
        let can = can(names).gate("checks", |_| {
            (agent_fn("checks", |(): (), _: Context| async { Ok::<_, AgentError>(Gate::Pass) }), ())
        });
        let working = workflow(swarm, file, can).unwrap();
        let mut worked = working.run().await;
        if worked.waits_for == ["agree"] {
            working.complete(&mut worked, "agree", true).await.unwrap();
        }
        worked.to_string()
    };
    let ship = Workflow::scout_plan_build_review().with("brief", "b");
    assert_eq!(run(&swarm, ship, &["scout", "plan", "code"]).await, "5 of 5 completed");
    let issue = |kind| Workflow::issue_triage(kind).with("issue", json!({ "number": 12 }));
    let done = run(&swarm, issue(IssueKind::Bug), &["reproduce", "diagnose", "fix"]).await;
    assert_eq!(done, "4 of 4 completed");
    let done = run(&swarm, issue(IssueKind::Feature), &["scope", "design", "code", "document"]).await;
    assert_eq!(done, "6 of 6 completed");
    let done = run(&swarm, issue(IssueKind::Refactor), &["pin", "plan", "change"]).await;
    assert_eq!(done, "4 of 4 completed");
}
