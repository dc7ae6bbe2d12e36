//! A plain model of the rules S1 to S10, written from them and not from the code. It gives what OTP's supervisor did in all 900
//! traces, so what it says of other scenarios holds too: the engine and the core are held against it under generation, with
//! waits that reach beyond the period and with live changes, which the traces do not have.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use skep::testkit::conformance::{On, play_all};

use crate::traces;

/// What is left of a child's life.
struct Kid {
    line: Value,
    runs: bool,
}

impl Kid {
    fn id(&self) -> &str {
        self.line["id"].as_str().unwrap()
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.line[key] == value
    }
}

struct Model {
    strategy: String,
    intensity: u64,
    period: u64,
    auto: String,
    is_dynamic: bool,
    kids: Vec<Kid>,
    restarts: Vec<u64>,
    /// Milliseconds; a step takes two seconds.
    now: u64,
    attempts: BTreeMap<String, usize>,
    events: Vec<Value>,
    unnoticed: BTreeSet<String>,
    dead: BTreeSet<String>,
    ended: Option<&'static str>,
}

impl Model {
    fn new(scenario: &Value) -> Self {
        let text = |key: &str| scenario[key].as_str().unwrap().to_owned();
        Self {
            strategy: text("strategy"),
            intensity: scenario["intensity"].as_u64().unwrap(),
            period: scenario["period"].as_u64().unwrap() * 1_000,
            auto: text("auto_shutdown"),
            is_dynamic: scenario["dynamic"].is_object(),
            kids: Vec::new(),
            restarts: Vec::new(),
            now: 0,
            attempts: BTreeMap::new(),
            events: Vec::new(),
            unnoticed: BTreeSet::new(),
            dead: BTreeSet::new(),
            ended: None,
        }
    }

    fn start(&mut self, line: &Value) -> String {
        self.notice();
        self.dead.clear();
        let id = line["id"].as_str().unwrap().to_owned();
        let attempt = self.attempts.entry(id.clone()).or_default();
        *attempt += 1;
        let answer = line["start"].get(*attempt - 1).map_or("ok", |answer| answer.as_str().unwrap());
        self.events.push(json!(["start", id, *attempt, answer]));
        answer.to_owned()
    }

    fn stop(&mut self, at: usize) {
        let kid = &mut self.kids[at];
        kid.runs = false;
        let id = kid.id().to_owned();
        if kid.is("shutdown", "brutal_kill") {
            self.unnoticed.insert(id);
        } else {
            self.events.push(json!(["stop", id, "shutdown"]));
        }
    }

    fn notice(&mut self) {
        let died = std::mem::take(&mut self.unnoticed);
        self.events.extend(died.into_iter().map(|id| json!(["died", id])));
    }

    fn forget(&mut self, at: usize) {
        let kid = self.kids.remove(at);
        self.dead.insert(kid.id().to_owned());
    }

    /// S7.
    fn end(&mut self, how: &'static str) {
        for at in (0..self.kids.len()).rev().filter(|at| self.kids[*at].runs).collect::<Vec<_>>() {
            self.stop(at);
        }
        self.notice();
        self.ended = Some(how);
    }

    /// S1: gives the child that failed, if one did.
    fn start_all(&mut self, lines: &[Value]) -> Option<Value> {
        for line in lines {
            match self.start(line).as_str() {
                "error" => {
                    self.end("refused");
                    return Some(json!(["failed_to_start_child", line["id"]]));
                }
                "ignore" if line["restart"] == "temporary" => {}
                answer => self.kids.push(Kid { line: line.clone(), runs: answer == "ok" }),
            }
        }
        None
    }

    /// S2 and S9.
    fn exit(&mut self, id: &str, reason: &str) -> &'static str {
        let Some(at) = self.kids.iter().position(|kid| kid.id() == id && kid.runs) else {
            return "not_running";
        };
        self.kids[at].runs = false;
        if reason == "kill" {
            self.unnoticed.insert(id.to_owned());
        }
        let kid = &self.kids[at];
        let fails = ["crash", "kill"].contains(&reason);
        if kid.is("restart", "permanent") || (kid.is("restart", "transient") && fails) {
            self.restart(at);
            return "ok";
        }
        let is_significant = kid.line["significant"] == true;
        if self.is_dynamic || kid.is("restart", "temporary") {
            self.forget(at);
        }
        let others = self.kids.iter().any(|kid| kid.runs && kid.line["significant"] == true);
        let ends = match self.auto.as_str() {
            "any_significant" => is_significant,
            "all_significant" => is_significant && !others,
            _ => false,
        };
        if ends {
            self.end("auto_shutdown");
        }
        "ok"
    }

    /// S3, S4 and S5.
    fn restart(&mut self, at: usize) {
        let mut trigger = Some(at);
        while let Some(at) = trigger {
            self.restarts.retain(|then| self.now - then <= self.period);
            self.restarts.push(self.now);
            if self.restarts.len() as u64 > self.intensity {
                self.end("escalated");
                return;
            }
            trigger = self.attempt(at);
        }
    }

    /// One attempt; gives the child whose start failed.
    fn attempt(&mut self, at: usize) -> Option<usize> {
        let (first, alone) = match self.strategy.as_str() {
            "one_for_all" => (0, false),
            "rest_for_one" => (at, false),
            _ => (at, true),
        };
        let id = self.kids[at].id().to_owned();
        if !alone {
            for other in (first..self.kids.len()).rev() {
                if self.kids[other].runs {
                    self.stop(other);
                    if self.kids[other].is("restart", "temporary") {
                        self.forget(other);
                    }
                }
            }
        }
        let scope: Vec<String> = match alone {
            true => vec![id],
            false => self.kids[first.min(self.kids.len())..].iter().map(|kid| kid.id().to_owned()).collect(),
        };
        for id in scope {
            let at = self.kids.iter().position(|kid| kid.id() == id).unwrap();
            let line = self.kids[at].line.clone();
            match self.start(&line).as_str() {
                "ok" => self.kids[at].runs = true,
                "ignore" if self.is_dynamic || line["restart"] == "temporary" => self.forget(at),
                "ignore" => {}
                _ => return Some(at),
            }
        }
        None
    }

    /// S10 and S12.
    fn step(&mut self, step: &Value) -> Value {
        let id = step["id"].as_str().unwrap_or_default();
        let at = self.kids.iter().position(|kid| kid.id() == id);
        let runs = at.is_some_and(|at| self.kids[at].runs);
        json!(match (step["op"].as_str().unwrap(), at) {
            ("exit", _) => self.exit(id, step["reason"].as_str().unwrap()),
            ("start_child" | "start_instance", _) => self.start_child(&step["child"]),
            ("terminate_instance", None) if self.dead.contains(id) => "ok",
            ("terminate_child" | "terminate_instance" | "restart_child" | "delete_child", None) =>
                "not_found",
            ("terminate_child" | "terminate_instance", Some(at)) => {
                if runs {
                    self.stop(at);
                }
                if self.is_dynamic || self.kids[at].is("restart", "temporary") {
                    self.forget(at);
                }
                "ok"
            }
            ("restart_child" | "delete_child", Some(_)) if runs => "running",
            ("delete_child", Some(at)) => {
                self.kids.remove(at);
                "ok"
            }
            ("restart_child", Some(at)) => {
                let line = self.kids[at].line.clone();
                match self.start(&line).as_str() {
                    "ok" => {
                        self.kids[at].runs = true;
                        "ok"
                    }
                    "ignore" => "ignored",
                    _ => "error",
                }
            }
            ("which_children", _) => {
                let word = |kid: &Kid| if kid.runs { "running" } else { "undefined" };
                return self.kids.iter().rev().map(|kid| json!([kid.id(), word(kid)])).collect();
            }
            ("which_instances", _) => return self.kids.iter().map(|_| json!("running")).collect(),
            ("count_children", _) => {
                let supervisors = self.kids.iter().filter(|kid| kid.is("type", "supervisor")).count();
                let active = self.kids.iter().filter(|kid| kid.runs).count();
                let specs = if self.is_dynamic { 1 } else { self.kids.len() };
                return json!([specs, active, supervisors, self.kids.len() - supervisors]);
            }
            ("wait", _) => {
                self.now += step["millis"].as_u64().unwrap();
                "ok"
            }
            ("change", _) => {
                self.strategy = step["strategy"].as_str().unwrap().to_owned();
                self.intensity = step["intensity"].as_u64().unwrap();
                "ok"
            }
            _ => {
                self.end("shutdown");
                "ok"
            }
        })
    }

    fn start_child(&mut self, line: &Value) -> &'static str {
        if let Some(kid) = self.kids.iter().find(|kid| kid.line["id"] == line["id"]) {
            return if kid.runs { "already_started" } else { "already_present" };
        }
        match self.start(line).as_str() {
            "ok" => self.kids.push(Kid { line: line.clone(), runs: true }),
            "ignore" if self.is_dynamic || line["restart"] == "temporary" => return "ignored",
            "ignore" => {
                self.kids.push(Kid { line: line.clone(), runs: false });
                return "ignored";
            }
            _ => return "error",
        }
        "ok"
    }
}

/// The scenario with what the model says of each step, up to the one in which the supervisor ends.
fn told(mut scenario: Value) -> Value {
    let mut model = Model::new(&scenario);
    let children = scenario["children"].as_array().cloned().unwrap_or_default();
    let failed = model.start_all(&children);
    scenario["then"] = json!({ "started": failed.is_none(), "events": std::mem::take(&mut model.events) });
    if let Some(error) = &failed {
        scenario["then"]["error"] = error.clone();
    }
    let mut steps = Vec::new();
    for mut step in scenario["steps"].as_array().cloned().unwrap_or_default() {
        if model.ended.is_some() {
            break;
        }
        let result = model.step(&step);
        step["then"] = json!({ "result": result, "events": std::mem::take(&mut model.events) });
        if let Some(how) = model.ended {
            step["then"]["ended"] = json!(how);
        }
        steps.push(step);
        model.now += 2_000;
    }
    scenario["steps"] = json!(steps);
    scenario
}

#[test]
fn the_model_says_what_otp_did() {
    for text in [traces::STATIC, traces::DYNAMIC] {
        for line in text.lines() {
            let recorded: Value = serde_json::from_str(line).unwrap();
            let mut told = told(recorded.clone());
            for (step, recorded) in told["steps"].as_array_mut().unwrap().iter_mut().zip(steps(&recorded)) {
                if step["then"].get("ended").is_some() {
                    step["then"]["ended"] = json!("shutdown");
                }
                assert_eq!(sorted(&step["then"]), sorted(&recorded["then"]), "{}: {step}", recorded["name"]);
            }
            assert_eq!(sorted(&told["then"]), sorted(&recorded["then"]), "{}", recorded["name"]);
            assert_eq!(steps(&told).len(), steps(&recorded).len());
        }
    }
}

fn steps(scenario: &Value) -> Vec<Value> {
    scenario["steps"].as_array().cloned().unwrap_or_default()
}

/// The same with events as a set: their order is compared where the core and the engine are.
fn sorted(then: &Value) -> Value {
    let mut then = then.clone();
    if let Some(events) = then["events"].as_array_mut() {
        events.sort_by_key(ToString::to_string);
    }
    then
}

fn child(id: &'static str, auto: &'static str) -> impl Strategy<Value = Value> {
    let restart = prop_oneof![Just("permanent"), Just("transient"), Just("temporary")];
    let shutdown = prop_oneof![Just(json!("brutal_kill")), Just(json!("infinity")), Just(json!(5_000))];
    let start =
        prop::collection::vec(prop_oneof![6 => Just("ok"), 2 => Just("error"), 1 => Just("ignore")], 0..5);
    (restart, shutdown, any::<bool>(), prop_oneof![Just("worker"), Just("supervisor")], start).prop_map(
        move |(restart, shutdown, significant, kind, mut start)| {
            if let Some(first) = start.first_mut() {
                // Most supervisors are to start.
                *first = "ok";
            }
            json!({
                "id": id, "restart": restart, "shutdown": shutdown, "type": kind, "start": start,
                "significant": significant && restart != "permanent" && auto != "never",
            })
        },
    )
}

fn step(auto: &'static str) -> impl Strategy<Value = Value> {
    let ids = prop_oneof![Just("a"), Just("b"), Just("c"), Just("d"), Just("e")];
    let reason = prop_oneof![Just("normal"), Just("shutdown"), Just("crash"), Just("kill")];
    let strategy = prop_oneof![Just("one_for_one"), Just("one_for_all"), Just("rest_for_one")];
    let new = prop_oneof![child("c", auto), child("d", auto), child("e", auto)];
    let named = |op: &'static str| ids.clone().prop_map(move |id| json!({ "op": op, "id": id }));
    prop_oneof![
        6 => (ids.clone(), reason).prop_map(|(id, reason)| json!({ "op": "exit", "id": id, "reason": reason })),
        2 => new.prop_map(|child| json!({ "op": "start_child", "child": child })),
        2 => named("terminate_child"),
        2 => named("restart_child"),
        1 => named("delete_child"),
        1 => Just(json!({ "op": "which_children" })),
        1 => Just(json!({ "op": "count_children" })),
        2 => (0_u64..6).prop_map(|seconds| json!({ "op": "wait", "millis": seconds * 1_000 })),
        1 => (strategy, 0_u32..5).prop_map(|(strategy, intensity)| {
            json!({ "op": "change", "strategy": strategy, "intensity": intensity })
        }),
    ]
}

fn scenario() -> impl Strategy<Value = Value> {
    let auto = prop_oneof![Just("never"), Just("any_significant"), Just("all_significant")];
    auto.prop_flat_map(|auto| {
        let strategy = prop_oneof![Just("one_for_one"), Just("one_for_all"), Just("rest_for_one")];
        let children =
            (child("a", auto), child("b", auto), child("c", auto)).prop_map(|(a, b, c)| vec![a, b, c]);
        let steps = prop::collection::vec(step(auto), 1..14);
        (strategy, 0_u32..5, 2_u64..12, children, steps).prop_map(
            move |(strategy, intensity, period, children, steps)| {
                json!({
                    "name": "generated", "strategy": strategy, "intensity": intensity, "period": period,
                    "auto_shutdown": auto, "children": children, "steps": steps,
                })
            },
        )
    })
}

fn agree(scenario: Value, on: On) {
    let line = told(scenario).to_string();
    let verdicts = play_all(&line, on).unwrap();
    assert!(verdicts.mismatches.is_empty(), "{verdicts}\n{line}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn the_core_does_what_the_rules_say(scenario in scenario()) {
        agree(scenario, On::Core);
    }

    #[test]
    fn the_engine_does_what_the_rules_say(scenario in scenario(), seed in 0_u64..1_000) {
        agree(scenario, On::Engine(seed));
    }
}
