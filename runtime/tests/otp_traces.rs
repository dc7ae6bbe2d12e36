//! The supervision core does what OTP's supervisor did, in 900 scenarios, step by step.

#![allow(clippy::unwrap_used, reason = "a test, helpers and all")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use skep_runtime::Time;
use skep_runtime::policy::{AutoShutdown, Exit, FailureClass, Intensity, Restart, Shutdown, Strategy};
use skep_runtime::supervision::{
    Action, Answer, ChildKey, ChildPolicy, ChildState, Core, Event, InterfaceError, Policy, Started,
};

#[derive(Deserialize)]
struct Scenario {
    name: String,
    strategy: String,
    intensity: u32,
    period: u64,
    auto_shutdown: AutoShutdown,
    #[serde(default)]
    children: Vec<ChildSpec>,
    dynamic: Option<ChildSpec>,
    then: Value,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Clone, Deserialize)]
struct ChildSpec {
    id: String,
    restart: Restart,
    shutdown: Value,
    significant: bool,
    #[serde(rename = "type")]
    kind: String,
    start: Vec<String>,
}

#[derive(Deserialize)]
struct Step {
    op: String,
    id: Option<String>,
    reason: Option<String>,
    child: Option<ChildSpec>,
    then: Value,
}

impl ChildSpec {
    fn policy(&self, dynamic: bool) -> ChildPolicy {
        ChildPolicy {
            restart: self.restart,
            shutdown: match &self.shutdown {
                Value::String(word) if word == "brutal_kill" => Shutdown::Brutal,
                Value::String(_) => Shutdown::UntilDeadline,
                millis => Shutdown::within(Duration::from_millis(millis.as_u64().unwrap())),
            },
            supervisor: self.kind == "supervisor",
            significant: self.significant,
            dynamic,
            ..ChildPolicy::default()
        }
    }
}

/// How the supervisor has ended.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Escalated,
    Shutdown,
}

/// An engine that performs each action at once, and notes what OTP's recorder noted.
struct Engine {
    core: Core,
    dynamic: bool,
    keys: BTreeMap<String, ChildKey>,
    specs: BTreeMap<ChildKey, ChildSpec>,
    given: ChildKey,
    attempts: BTreeMap<String, usize>,
    clock: u64,
    actions: VecDeque<Action>,
    replies: Vec<Result<Answer, InterfaceError>>,
    events: Vec<Value>,
    /// Died without a word; not noticed yet.
    unnoticed: BTreeSet<String>,
    /// Dynamic children that have ended and whose address the recorder still knows.
    dead: BTreeSet<String>,
    start_failed: Option<String>,
    ended: Option<End>,
}

impl Engine {
    fn new(scenario: &Scenario) -> Self {
        let strategy = match scenario.strategy.as_str() {
            "one_for_all" => Strategy::OneForAll,
            "rest_for_one" => Strategy::RestForOne,
            _ => Strategy::OneForOne,
        };
        let intensity =
            Intensity { restarts: scenario.intensity, period: Duration::from_secs(scenario.period) };
        let auto_shutdown = scenario.auto_shutdown;
        let mut engine = Self {
            core: Core::new(Policy { strategy, intensity, auto_shutdown, each_child_alone: false }),
            dynamic: scenario.dynamic.is_some(),
            keys: BTreeMap::new(),
            specs: BTreeMap::new(),
            given: 0,
            attempts: BTreeMap::new(),
            clock: 0,
            actions: VecDeque::new(),
            replies: Vec::new(),
            events: Vec::new(),
            unnoticed: BTreeSet::new(),
            dead: BTreeSet::new(),
            start_failed: None,
            ended: None,
        };
        for child in &scenario.children {
            let key = engine.key(child);
            engine.core.declare(key, child.policy(false)).unwrap();
        }
        engine
    }

    fn key(&mut self, child: &ChildSpec) -> ChildKey {
        self.given += 1;
        self.keys.insert(child.id.clone(), self.given);
        self.specs.insert(self.given, child.clone());
        self.given
    }

    fn tell(&mut self, event: Event) {
        self.clock += 1;
        let mut actions = Vec::new();
        self.core.decide(event, Time::from_nanos(self.clock), 0, &mut actions);
        self.actions.extend(actions);
    }

    fn run(&mut self) {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::Start { key, .. } => {
                    let result = self.start(key);
                    self.tell(Event::Started { key, result });
                }
                Action::Stop { key, .. } => {
                    self.stop(key);
                    self.tell(Event::Stopped { key });
                }
                Action::Wait { key, pause } => {
                    assert_eq!(pause, Duration::ZERO, "OTP knows no backoff");
                    self.tell(Event::Due { key });
                }
                Action::Forget { key, .. } => self.forget(key),
                Action::StartFailed { key, .. } => {
                    self.start_failed = Some(self.specs[&key].id.clone());
                    self.notice();
                }
                Action::Reply { answer, .. } => self.replies.push(answer),
                Action::GiveUp { exit } => {
                    assert!(matches!(exit, Exit::Escalated { .. }), "{exit:?}");
                    self.end(End::Escalated);
                }
                Action::AutoShutdown => self.end(End::Shutdown),
                Action::CancelWait { .. } | Action::Ended { .. } | Action::StartedAll | Action::Report(_) => {
                }
            }
        }
    }

    fn start(&mut self, key: ChildKey) -> Started {
        let spec = self.specs[&key].clone();
        self.notice();
        self.dead.clear();
        let attempt = self.attempts.entry(spec.id.clone()).or_default();
        *attempt += 1;
        let answer = spec.start.get(*attempt - 1).map_or("ok", String::as_str);
        self.events.push(json!(["start", spec.id, *attempt, answer]));
        match answer {
            "ok" => Started::Ok,
            "ignore" => Started::Ignored,
            _ => Started::Failed("refused".to_owned()),
        }
    }

    fn stop(&mut self, key: ChildKey) {
        let id = self.specs[&key].id.clone();
        if self.specs[&key].shutdown == json!("brutal_kill") {
            self.unnoticed.insert(id);
        } else {
            self.events.push(json!(["stop", id, "shutdown"]));
        }
    }

    fn notice(&mut self) {
        for id in std::mem::take(&mut self.unnoticed) {
            self.events.push(json!(["died", id]));
        }
    }

    fn forget(&mut self, key: ChildKey) {
        let spec = self.specs.remove(&key).unwrap();
        self.keys.remove(&spec.id);
        self.dead.insert(spec.id);
    }

    fn end(&mut self, end: End) {
        let order = self.core.stop_order();
        for key in order.together.into_iter().chain(order.one_by_one) {
            self.stop(key);
        }
        self.notice();
        self.ended = Some(end);
    }

    fn state(&self, id: &str) -> Option<ChildState> {
        self.core.state(*self.keys.get(id)?)
    }

    /// Performs a step and gives the result in the recorder's words.
    fn step(&mut self, step: &Step) -> Value {
        match step.op.as_str() {
            "exit" => json!(self.exit(step.id.as_ref().unwrap(), step.reason.as_ref().unwrap())),
            "start_child" | "start_instance" => json!(self.start_child(step.child.as_ref().unwrap())),
            "terminate_child" => self.ask(step, |key, ticket| Event::Terminate { key, ticket }),
            "terminate_instance" if self.dead.contains(step.id.as_ref().unwrap()) => json!("ok"),
            "terminate_instance" => self.ask(step, |key, ticket| Event::Terminate { key, ticket }),
            "restart_child" => self.ask(step, |key, ticket| Event::Restart { key, ticket }),
            "delete_child" => self.ask(step, |key, ticket| Event::Delete { key, ticket }),
            "which_children" => {
                let children = self.core.which_children().into_iter();
                children.map(|(key, state)| json!([self.specs[&key].id, word(state)])).collect()
            }
            "which_instances" => {
                let mut words: Vec<_> =
                    self.core.which_children().into_iter().map(|(_, state)| word(state)).collect();
                words.sort_unstable();
                json!(words)
            }
            "count_children" => {
                let counts = self.core.counts();
                let template = usize::from(self.dynamic);
                json!([counts.specs + template, counts.active, counts.supervisors, counts.workers])
            }
            "stop" => {
                self.end(End::Shutdown);
                json!("ok")
            }
            other => panic!("unknown step {other}"),
        }
    }

    fn exit(&mut self, id: &str, reason: &str) -> &'static str {
        if self.state(id) != Some(ChildState::Running) {
            return "not_running";
        }
        let exit = match reason {
            "normal" => Exit::Normal,
            "shutdown" | "shutdown_tuple" => Exit::Shutdown,
            "kill" => Exit::failed(FailureClass::Killed, "killed"),
            _ => Exit::failed(FailureClass::Bug, "crashed"),
        };
        if reason == "kill" {
            self.unnoticed.insert(id.to_owned());
        }
        self.tell(Event::Exited { key: self.keys[id], exit, counted: true });
        self.run();
        "ok"
    }

    fn start_child(&mut self, child: &ChildSpec) -> &'static str {
        match self.state(&child.id) {
            Some(ChildState::Running) => return "already_started",
            Some(_) => return "already_present",
            None => {}
        }
        let key = self.key(child);
        self.core.insert(key, child.policy(self.dynamic)).unwrap();
        let result = self.start(key);
        self.tell(Event::Started { key, result: result.clone() });
        self.run();
        match result {
            Started::Ok => return "ok",
            // It never had an address.
            Started::Ignored | Started::Failed(_) => self.dead.remove(&child.id),
        };
        if result == Started::Ignored { "ignored" } else { "error" }
    }

    fn ask(&mut self, step: &Step, event: fn(ChildKey, u64) -> Event) -> Value {
        let key = self.keys.get(step.id.as_ref().unwrap()).copied().unwrap_or(ChildKey::MAX);
        self.tell(event(key, self.clock));
        self.run();
        assert_eq!(self.replies.len(), 1, "one reply to one call");
        json!(match self.replies.pop().unwrap() {
            Ok(Answer::Ignored) => "ignored",
            Ok(Answer::Terminated | Answer::Started | Answer::Deleted) => "ok",
            Err(InterfaceError::NotFound) => "not_found",
            Err(InterfaceError::Running) => "running",
            Err(InterfaceError::Restarting) => "restarting",
            Err(InterfaceError::StartFailed(_)) => "error",
            Err(InterfaceError::Ending) => "ending",
        })
    }
}

fn word(state: ChildState) -> &'static str {
    match state {
        ChildState::Running => "running",
        ChildState::Nothing => "undefined",
        ChildState::Starting | ChildState::Restarting | ChildState::Stopping => "not quiet",
    }
}

/// Sorts what has no order: deaths noticed together, and the stops of dynamic children.
fn normal(events: &[Value], dynamic: bool) -> Vec<Value> {
    let unordered = |event: &Value| event[0] == "died" || (dynamic && event[0] == "stop");
    let runs = events.chunk_by(|a, b| unordered(a) && unordered(b) && a[0] == b[0]);
    let sort = |run: &[Value]| {
        let mut run = run.to_vec();
        run.sort_by_key(ToString::to_string);
        run
    };
    runs.flat_map(sort).collect()
}

/// Plays a scenario; the first step that differs, if one does.
fn play(scenario: &Scenario) -> Result<(), String> {
    let mut engine = Engine::new(scenario);
    let differs = |step: usize, what: &str, expected: &Value, got: &Value| {
        Err(format!("{}, step {step} ({what}):\n  expected {expected}\n  got      {got}", scenario.name))
    };
    let events = |value: &Value| json!(normal(value["events"].as_array().unwrap(), engine.dynamic));
    let dynamic = engine.dynamic;

    let mut expected = scenario.then.clone();
    expected["events"] = events(&scenario.then);
    engine.tell(Event::StartAll);
    engine.run();
    let mut got = json!({
        "started": engine.start_failed.is_none(),
        "events": normal(&std::mem::take(&mut engine.events), dynamic),
    });
    if let Some(id) = &engine.start_failed {
        got["error"] = json!(["failed_to_start_child", id]);
    }
    if got != expected {
        return differs(0, "start", &expected, &got);
    }
    for (number, step) in scenario.steps.iter().enumerate() {
        let mut expected = step.then.clone();
        expected["events"] = json!(normal(step.then["events"].as_array().unwrap(), dynamic));
        let result = engine.step(step);
        let mut got =
            json!({ "result": result, "events": normal(&std::mem::take(&mut engine.events), dynamic) });
        if let Some(end) = engine.ended {
            got["ended"] = json!("shutdown");
            let by_itself = step.op == "exit" && scenario.auto_shutdown == AutoShutdown::Never;
            if by_itself && end != End::Escalated {
                return differs(number + 1, "reason", &json!("escalated"), &json!("shutdown"));
            }
        }
        if got != expected {
            return differs(number + 1, &step.op, &expected, &got);
        }
    }
    Ok(())
}

fn compare(traces: &str, scenarios: usize) {
    let mut differences = String::new();
    let mut equal = 0;
    for line in traces.lines() {
        match play(&serde_json::from_str(line).unwrap()) {
            Ok(()) => equal += 1,
            Err(difference) => writeln!(differences, "{difference}").unwrap(),
        }
    }
    assert!(differences.is_empty(), "{equal} of {scenarios} are equal\n{differences}");
    assert_eq!(equal, scenarios, "all scenarios are played");
}

#[test]
fn children_with_a_spec_live_as_under_otp() {
    compare(include_str!("otp-traces/static.jsonl"), 700);
}

#[test]
fn dynamic_children_live_as_under_otp() {
    compare(include_str!("otp-traces/dynamic.jsonl"), 200);
}
