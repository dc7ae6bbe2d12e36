//! Scenarios on the pure core: each of its actions is performed at once, and noted as OTP's recorder noted it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use skep_runtime::supervision::{
    Action, Answer, ChildKey, ChildPolicy, ChildState, Core, Event, InterfaceError, Policy, Started,
};
use skep_runtime::{Exit, FailureClass, Shutdown, Time};

use super::scenario::{ChildLine, Ended, Scenario, Step, Then};

/// Nanoseconds that a step takes, as on the engine.
const STEP: u64 = 2_000_000_000;

/// Plays a scenario; what came of each step.
pub(super) fn play(scenario: &Scenario) -> Vec<Then> {
    let mut engine = Engine::new(scenario);
    engine.tell(Event::StartAll);
    engine.run();
    let result = engine.start_failed.take().map_or(Value::Null, |id| json!(["failed_to_start_child", id]));
    let mut played = vec![engine.then(result)];
    for step in &scenario.steps {
        let result = engine.step(step);
        played.push(engine.then(result));
    }
    played
}

fn policy(child: &ChildLine, dynamic: bool) -> ChildPolicy {
    ChildPolicy {
        restart: child.restart,
        shutdown: child.shutdown(),
        supervisor: child.is_supervisor(),
        significant: child.significant,
        dynamic,
        ..ChildPolicy::default()
    }
}

/// An engine that performs each action at once, and notes what OTP's recorder noted.
struct Engine {
    core: Core,
    dynamic: bool,
    keys: BTreeMap<String, ChildKey>,
    specs: BTreeMap<ChildKey, ChildLine>,
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
    ended: Option<Ended>,
}

impl Engine {
    fn new(scenario: &Scenario) -> Self {
        let policy = Policy {
            strategy: scenario.strategy(),
            intensity: scenario.intensity(),
            auto_shutdown: scenario.auto_shutdown,
            each_child_alone: false,
        };
        let mut engine = Self {
            core: Core::new(policy),
            dynamic: scenario.is_dynamic(),
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
            engine.declare(key, child);
        }
        engine
    }

    fn declare(&mut self, key: ChildKey, child: &ChildLine) {
        if let Err(error) = self.core.declare(key, policy(child, false)) {
            self.events.push(json!(error.to_string()));
        }
    }

    fn then(&mut self, result: Value) -> Then {
        self.clock += STEP;
        Then { result, events: std::mem::take(&mut self.events), ended: self.ended }
    }

    fn key(&mut self, child: &ChildLine) -> ChildKey {
        self.given += 1;
        self.keys.insert(child.id.clone(), self.given);
        self.specs.insert(self.given, child.clone());
        self.given
    }

    fn tell(&mut self, event: Event) {
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
                    self.tell(Event::Stopped { key, odd: None });
                }
                Action::Wait { key, .. } => self.tell(Event::Due { key }),
                Action::Forget { key, .. } => self.forget(key),
                Action::StartFailed { key, .. } => {
                    self.start_failed = Some(self.specs[&key].id.clone());
                    self.notice();
                }
                Action::Reply { answer, .. } => self.replies.push(answer),
                Action::GiveUp { exit } => {
                    let escalated = matches!(exit, Exit::Escalated { .. });
                    self.end(if escalated { Ended::Escalated } else { Ended::Shutdown });
                }
                Action::AutoShutdown => self.end(Ended::Shutdown),
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
        if self.specs[&key].shutdown() == Shutdown::Brutal {
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
        let Some(spec) = self.specs.remove(&key) else { return };
        self.keys.remove(&spec.id);
        self.dead.insert(spec.id);
    }

    fn end(&mut self, end: Ended) {
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
            "exit" => json!(self.exit(step.id(), step.reason())),
            "start_child" | "start_instance" => match &step.child {
                Some(child) => json!(self.start_child(child)),
                None => json!("no child"),
            },
            "terminate_child" => self.ask(step, |key, ticket| Event::Terminate { key, ticket }),
            "terminate_instance" if self.dead.contains(step.id()) => json!("ok"),
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
                self.end(Ended::Shutdown);
                json!("ok")
            }
            "wait" => {
                self.clock += step.millis * 1_000_000;
                json!("ok")
            }
            "change" => {
                let mut policy = self.core.supervisor();
                step.change(&mut policy);
                json!(if self.core.change(policy).is_ok() { "ok" } else { "refused" })
            }
            _ => json!("no such step"),
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

    fn start_child(&mut self, child: &ChildLine) -> &'static str {
        match self.state(&child.id) {
            Some(ChildState::Running) => return "already_started",
            Some(_) => return "already_present",
            None => {}
        }
        let key = self.key(child);
        if let Err(error) = self.core.insert(key, policy(child, self.dynamic)) {
            self.events.push(json!(error.to_string()));
        }
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
        let key = self.keys.get(step.id()).copied().unwrap_or(ChildKey::MAX);
        self.tell(event(key, self.clock));
        self.run();
        let [answer] = &std::mem::take(&mut self.replies)[..] else {
            return json!("not one reply to one call");
        };
        json!(match answer {
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
