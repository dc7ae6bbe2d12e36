//! A recorded scenario, and what each of its steps did.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use skep_runtime::supervision::Policy;
use skep_runtime::{AutoShutdown, Intensity, Restart, Shutdown, Strategy};

use super::Mismatch;

/// A supervisor with its children, what was done to it, and what came of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Scenario {
    name: String,
    strategy: String,
    intensity: u32,
    /// Seconds.
    period: u64,
    pub(super) auto_shutdown: AutoShutdown,
    #[serde(default)]
    pub(super) children: Vec<ChildLine>,
    dynamic: Option<ChildLine>,
    then: Value,
    #[serde(default)]
    pub(super) steps: Vec<Step>,
}

/// A child's spec, with what its starts answer, attempt by attempt.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ChildLine {
    pub(super) id: String,
    pub(super) restart: Restart,
    shutdown: Value,
    pub(super) significant: bool,
    #[serde(rename = "type")]
    kind: String,
    pub(super) start: Vec<String>,
}

/// One thing that was done.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Step {
    pub(super) op: String,
    id: Option<String>,
    reason: Option<String>,
    pub(super) child: Option<ChildLine>,
    /// Of a wait.
    #[serde(default)]
    pub(super) millis: u64,
    /// Of a live change.
    strategy: Option<String>,
    intensity: Option<u32>,
    then: Value,
}

/// How a supervisor has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It gave up.
    Escalated,
    /// By its parent, or with its significant children.
    Shutdown,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Then {
    /// What the call answered; at the start, null or which child failed.
    pub result: Value,
    /// Starts, stops and deaths in order.
    pub events: Vec<Value>,
    /// Whether the supervisor ended in this step.
    pub ended: Option<Ended>,
}

impl Scenario {
    pub(super) fn read(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn strategy(&self) -> Strategy {
        strategy(&self.strategy)
    }

    pub(super) const fn is_dynamic(&self) -> bool {
        self.dynamic.is_some()
    }

    pub(super) const fn intensity(&self) -> Intensity {
        Intensity { restarts: self.intensity, period: Duration::from_secs(self.period) }
    }

    /// Holds what was played against what OTP's supervisor did, step by step.
    pub(super) fn compare(&self, played: &[Then]) -> Result<(), Box<Mismatch>> {
        let differs = |step: usize, what: String, expected: Value, got: Value| {
            Err(Box::new(Mismatch { scenario: self.name.clone(), step, what, expected, got }))
        };
        let whats = std::iter::once("start".to_owned()).chain(self.steps.iter().map(Step::name));
        let thens = std::iter::once(&self.then).chain(self.steps.iter().map(|step| &step.then));
        for (number, (what, then)) in whats.zip(thens).enumerate() {
            let Some(got) = played.get(number) else {
                return differs(number, what, then.clone(), json!("nothing: it ended before"));
            };
            let mut expected = then.clone();
            expected["events"] = self.normal(then["events"].as_array().map_or(&[][..], Vec::as_slice));
            let mut seen = json!({ "events": self.normal(&got.events) });
            if number == 0 {
                seen["started"] = json!(got.result.is_null());
                if !got.result.is_null() {
                    seen["error"] = got.result.clone();
                }
            } else {
                seen["result"] = got.result.clone();
                match (got.ended, then["ended"].as_str()) {
                    (None, _) => {}
                    // OTP's recorder has one word for all ends; a model says which it means.
                    (Some(_), Some("shutdown")) => seen["ended"] = json!("shutdown"),
                    (Some(Ended::Escalated), _) => seen["ended"] = json!("escalated"),
                    (Some(Ended::Shutdown), _) => seen["ended"] = json!("auto_shutdown"),
                }
            }
            if seen != expected {
                return differs(number, what, expected, seen);
            }
            // OTP says `shutdown` of both ends; ours are told apart where the scenario leaves no doubt which it is.
            let doubtless = match what.split(' ').next() {
                Some("stop") => Some(Ended::Shutdown),
                Some("exit") if self.auto_shutdown == AutoShutdown::Never => Some(Ended::Escalated),
                _ => None,
            };
            if let (Some(ended), Some(doubtless)) = (got.ended, doubtless)
                && ended != doubtless
            {
                return differs(number, what, json!(format!("{doubtless:?}")), json!(format!("{ended:?}")));
            }
        }
        Ok(())
    }

    /// Sorts what has no order: deaths noticed together, and the stops of dynamic children.
    fn normal(&self, events: &[Value]) -> Value {
        let unordered = |event: &Value| event[0] == "died" || (self.is_dynamic() && event[0] == "stop");
        let runs = events.chunk_by(|a, b| unordered(a) && unordered(b) && a[0] == b[0]);
        let sort = |run: &[Value]| {
            let mut run = run.to_vec();
            run.sort_by_key(ToString::to_string);
            run
        };
        runs.flat_map(sort).collect()
    }
}

impl ChildLine {
    pub(super) fn shutdown(&self) -> Shutdown {
        match &self.shutdown {
            Value::String(word) if word == "brutal_kill" => Shutdown::Brutal,
            Value::String(_) => Shutdown::UntilDeadline,
            millis => Shutdown::within(Duration::from_millis(millis.as_u64().unwrap_or_default())),
        }
    }

    pub(super) fn is_supervisor(&self) -> bool {
        self.kind == "supervisor"
    }

    /// What its start answers at an attempt, from 1.
    pub(super) fn answer(&self, attempt: usize) -> &str {
        self.start.get(attempt - 1).map_or("ok", String::as_str)
    }
}

fn strategy(word: &str) -> Strategy {
    match word {
        "one_for_all" => Strategy::OneForAll,
        "rest_for_one" => Strategy::RestForOne,
        _ => Strategy::OneForOne,
    }
}

impl Step {
    /// A live change of the supervisor's policy.
    pub(super) fn change(&self, policy: &mut Policy) {
        if let Some(word) = &self.strategy {
            policy.strategy = strategy(word);
        }
        if let Some(restarts) = self.intensity {
            policy.intensity.restarts = restarts;
        }
    }

    /// Whom it is about; empty for a step that names nobody.
    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    pub(super) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    fn name(&self) -> String {
        let id = self.id.as_ref().or(self.child.as_ref().map(|child| &child.id));
        id.map_or_else(|| self.op.clone(), |id| format!("{} {id}", self.op))
    }
}
