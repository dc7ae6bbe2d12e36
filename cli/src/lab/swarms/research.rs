//! A swarm that answers questions: a lead splits each into topics, a researcher looks each up and writes a note with a
//! model, and a critic reads what the lead made of them.
//!
//! ```text
//! desk (supervisor)
//!   ├─ lead ── a question is a task; its researchers are its children and end with it
//!   │    └─ <topic>…   search, then model "fast"
//!   └─ critic          model "careful"; the lead asks it for its verdict
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_actors::CallModel as _;
use skep_actors::model::{Request, Simulated};
use skep_runtime::{
    Agent, AgentError, AgentRef, AgentSpec, Budget, Context, NanoUsd, Retry, Stop, Supervisor, Usage,
};
use skep_testkit::{Lab, TestResult};

/// What a look into the library costs.
const SEARCH: Usage = Usage::calls(1).with_money(NanoUsd(200_000));

/// Topics of one question.
const TOPICS: u64 = 3;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A note on one topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    topic: String,
    text: String,
}

/// An answer, with what the critic says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    notes: Vec<Note>,
    verdict: String,
}

struct Researcher;

impl Agent for Researcher {
    type Task = String;
    type Output = Note;

    async fn handle(&mut self, topic: &String, cx: &Context) -> Result<Note, AgentError> {
        cx.progress(format!("looks {topic} up"));
        let env = cx.env().clone();
        let search = cx.effect("search", topic).worst_case(SEARCH).retry(Retry::times(2)).run(move |call| {
            let env = env.clone();
            async move {
                env.sleep_until(env.now() + Duration::from_millis(150)).await;
                call.used(SEARCH);
                Ok(7)
            }
        });
        let found: u32 = search.await?;
        cx.step("found").await?;
        let asked = format!("Write a note on {topic} from {found} pages.");
        let reply = cx.model("fast").max_output_tokens(200).ask(Request::from(asked)).await?;
        Ok(Note { topic: topic.clone(), text: reply.text })
    }
}

struct Critic;

impl Agent for Critic {
    type Task = Vec<Note>;
    type Output = String;

    async fn handle(&mut self, notes: &Vec<Note>, cx: &Context) -> Result<String, AgentError> {
        let asked = notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>().join("\n");
        let reply = cx.model("careful").max_output_tokens(100).ask(Request::from(asked)).await?;
        Ok(reply.text)
    }
}

struct Lead(AgentRef<Critic>);

impl Agent for Lead {
    type Task = Vec<String>;
    type Output = Answer;

    async fn handle(&mut self, topics: &Vec<String>, cx: &Context) -> Result<Answer, AgentError> {
        let mut asks = Vec::new();
        for topic in topics {
            let spec = AgentSpec::new(topic, || Researcher).budget(Budget::new().calls(20));
            let researcher = cx.spawn(spec).await?;
            asks.push(cx.ask(&researcher, topic.clone()));
        }
        let mut notes = Vec::new();
        for note in futures_util::future::join_all(asks).await {
            notes.push(note?);
        }
        let verdict = cx.ask(&self.0, notes.clone()).await?;
        Ok(Answer { notes, verdict })
    }
}

/// Two leads of a desk answer a few questions; under some seeds one of them is stopped in the middle.
///
/// Under faults the desk may be given up, and a question may go without an answer. An answer is whole, and that to its own
/// question; what skep promises of all of it, the lab's oracles ask at the end.
pub(super) async fn run(lab: Lab) -> TestResult {
    let mut dice = lab.dice();
    let model = || Simulated::new().rate_limits(20, Duration::from_secs(1)).tokens_a_second(200);
    let lab = lab.model("fast", model()).model("careful", model());
    let swarm = lab.start_with(|builder| builder.budget(Budget::usd("1")).permits("model", 4)).await;
    let desk = Supervisor::one_for_one().named("desk").intensity(10, Duration::from_secs(10));
    let desk = swarm.spawn(desk).await?;
    let mut asked = Vec::new();
    let mut leads = Vec::new();
    if let Ok(critic) = swarm.spawn(AgentSpec::new("critic", || Critic).under(&desk)).await {
        for name in ["north", "south"] {
            let critic = critic.clone();
            let lead = AgentSpec::new(name, move || Lead(critic.clone())).under(&desk);
            let Ok(lead) = swarm.spawn(lead.budget(Budget::usd("0.20"))).await else { continue };
            for question in 0..dice.between(1, 3) {
                let topics: Vec<_> = (0..TOPICS).map(|topic| format!("{name}-{question}-{topic}")).collect();
                let Ok(ask) = lead.try_ask(topics.clone()) else { continue };
                asked.push((topics, ask.within(PATIENCE)));
            }
            leads.push(lead);
        }
    }
    if dice.chance(300) && !leads.is_empty() {
        lab.advance(Duration::from_millis(dice.between(100, 4_000))).await;
        lab.saw(&dice.pick(&leads).stop(Stop::within(Duration::from_secs(2))).await);
    }
    for (topics, ask) in asked {
        if let Ok(answer) = ask.await {
            let of: Vec<_> = answer.notes.iter().map(|note| note.topic.clone()).collect();
            assert_eq!(of, topics, "the notes of an answer are those on its topics");
            assert!(answer.notes.iter().all(|note| !note.text.is_empty()) && !answer.verdict.is_empty());
        }
    }
    lab.end(swarm).await;
    Ok(())
}
