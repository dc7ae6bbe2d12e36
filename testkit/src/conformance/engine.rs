//! Scenarios on the engine: a supervisor in a swarm, its children agents that write down what happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skep_runtime::{
    Agent, AgentError, AgentRef, AgentSpec, ChildError, ChildState, Children, Context, Exit, FailureClass,
    Restart, Restarted, SpawnError, Stop, StopContext, StopReason, Supervisor, Swarm,
};

use super::scenario::{ChildLine, Ended, Scenario, Step, Then};
use crate::lab::Lab;
use crate::world::in_a_world;

/// So long by the virtual clock, and all that follows from a step has happened: no child takes time for anything.
const QUIET: Duration = Duration::from_secs(2);

/// Plays a scenario; what came of each step, and what an oracle of the lab has against it.
pub(super) fn play(scenario: &Scenario, seed: u64) -> (Vec<Then>, Option<String>) {
    let lab = Lab::seed(seed);
    let played = Mutex::new(Vec::new());
    let wrong = in_a_world(|| async {
        let swarm = lab.start().await;
        let mut stage = Stage::new(&lab, &swarm);
        stage.play(scenario, &played).await;
        lab.try_end(swarm).await.map(drop)
    });
    (played.into_inner(), wrong.err().map(|wrong| wrong.text))
}

/// What the children have written down.
#[derive(Default)]
struct Recorder {
    events: Vec<Value>,
    attempts: BTreeMap<String, usize>,
    /// Died without a word; not noticed yet.
    unnoticed: BTreeSet<String>,
    /// Whether a start was attempted in this step.
    attempted: bool,
}

impl Recorder {
    /// A start is attempted: gives its number.
    fn attempt(&mut self, child: &ChildLine) -> usize {
        self.notice();
        self.attempted = true;
        let attempt = self.attempts.entry(child.id.clone()).or_default();
        *attempt += 1;
        self.events.push(json!(["start", child.id, *attempt, child.answer(*attempt)]));
        *attempt
    }

    fn notice(&mut self) {
        for id in std::mem::take(&mut self.unnoticed) {
            self.events.push(json!(["died", id]));
        }
    }
}

/// A child: its starts answer as its line says, and it ends as it is told.
struct Actor {
    line: Arc<ChildLine>,
    recorder: Arc<Mutex<Recorder>>,
    /// It runs, and has not said that it ends.
    is_up: bool,
}

/// The one task of an actor: to end so.
#[derive(Serialize, Deserialize)]
struct Leave(Exit);

impl Agent for Actor {
    type Task = Leave;
    type Output = ();

    async fn start(&mut self, _: &Context) -> Result<(), AgentError> {
        let attempt = self.recorder.lock().attempt(&self.line);
        match self.line.answer(attempt) {
            "ok" => {
                self.is_up = true;
                Ok(())
            }
            "ignore" => Err(AgentError::ignore()),
            _ => Err(AgentError::message("refused")),
        }
    }

    async fn handle(&mut self, task: &Leave, cx: &Context) -> Result<(), AgentError> {
        self.is_up = false;
        cx.exit(task.0.clone());
        Ok(())
    }

    async fn stop(&mut self, _: &StopContext) -> Result<(), AgentError> {
        self.is_up = false;
        self.recorder.lock().events.push(json!(["stop", self.line.id, "shutdown"]));
        Ok(())
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if self.is_up {
            self.recorder.lock().unnoticed.insert(self.line.id.clone());
        }
    }
}

struct Stage<'a> {
    lab: &'a Lab,
    swarm: &'a Swarm,
    recorder: Arc<Mutex<Recorder>>,
    /// Children that had an address at the end of the last step.
    alive: BTreeSet<String>,
    /// Dynamic children that have ended and whose address the recorder of the traces still knew.
    dead: BTreeSet<String>,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab, swarm: &'a Swarm) -> Self {
        Self { lab, swarm, recorder: Arc::default(), alive: BTreeSet::new(), dead: BTreeSet::new() }
    }

    async fn play(&mut self, scenario: &Scenario, played: &Mutex<Vec<Then>>) {
        let started = self.swarm.spawn(self.supervisor(scenario)).await;
        self.quiet().await;
        let supervisor = match started {
            Ok(supervisor) => supervisor,
            Err(error) => {
                self.recorder.lock().notice();
                played.lock().push(self.then(refused(&error), None));
                return;
            }
        };
        played.lock().push(self.then(Value::Null, ended(&supervisor)));
        for step in &scenario.steps {
            self.alive = names(&supervisor.children());
            let result = self.step(&supervisor, step).await;
            self.quiet().await;
            self.note_the_dead(&names(&supervisor.children()));
            let ended = ended(&supervisor);
            if ended.is_some() {
                self.recorder.lock().notice();
            }
            let then = self.then(result, ended);
            played.lock().push(then);
        }
    }

    fn supervisor(&self, scenario: &Scenario) -> AgentSpec<Supervisor> {
        let supervisor =
            if scenario.is_dynamic() { Supervisor::dynamic() } else { Supervisor::one_for_one() };
        let intensity = scenario.intensity();
        let supervisor = supervisor
            .restart(Restart::Temporary)
            .strategy(scenario.strategy())
            .intensity(intensity.restarts, intensity.period)
            .auto_shutdown(scenario.auto_shutdown);
        scenario.children.iter().fold(supervisor, |supervisor, child| supervisor.child(self.actor(child)))
    }

    fn actor(&self, line: &ChildLine) -> AgentSpec<Actor> {
        let recorder = Arc::clone(&self.recorder);
        let shared = Arc::new(line.clone());
        let actor =
            move || Actor { line: Arc::clone(&shared), recorder: Arc::clone(&recorder), is_up: false };
        let mut spec = AgentSpec::new(&line.id, actor).restart(line.restart);
        if line.is_supervisor() {
            spec = spec.as_supervisor();
        }
        if line.significant {
            spec = spec.significant();
        }
        spec.shutdown(line.shutdown())
    }

    async fn quiet(&self) {
        let env = self.swarm.env();
        env.sleep_until(env.now() + QUIET).await;
    }

    fn then(&self, result: Value, ended: Option<Ended>) -> Then {
        let mut recorder = self.recorder.lock();
        recorder.attempted = false;
        Then { result, events: std::mem::take(&mut recorder.events), ended }
    }

    /// The recorder of the traces forgot dead addresses at the next attempt of a start.
    fn note_the_dead(&mut self, alive: &BTreeSet<String>) {
        if self.recorder.lock().attempted {
            self.dead.clear();
        }
        self.dead.extend(self.alive.difference(alive).cloned());
    }

    /// Performs a step and gives the result in the recorder's words.
    async fn step(&mut self, supervisor: &AgentRef<Supervisor>, step: &Step) -> Value {
        let children = supervisor.children();
        let id = step.id();
        json!(match step.op.as_str() {
            "exit" => self.exit(&children, id, step.reason()),
            "start_child" | "start_instance" => match &step.child {
                Some(line) => started(children.start_child(self.actor(line)).await.err().as_ref()),
                None => "no child",
            },
            "terminate_instance" if self.dead.contains(id) => "ok",
            "terminate_child" | "terminate_instance" =>
                answered(children.terminate_child(id).await.err().as_ref()),
            "restart_child" => match children.restart_child(id).await {
                Ok(Restarted::Ignored) => "ignored",
                answer => answered(answer.err().as_ref()),
            },
            "delete_child" => answered(children.delete_child(id).await.err().as_ref()),
            "which_children" => {
                let all = children.which_children().into_iter();
                return all.map(|child| json!([child.name, word(child.state)])).collect();
            }
            "which_instances" => {
                let all = children.which_children().into_iter();
                let mut words: Vec<_> = all.map(|child| word(child.state)).collect();
                words.sort_unstable();
                return json!(words);
            }
            "count_children" => {
                let counts = children.count_children();
                return json!([counts.specs, counts.active, counts.supervisors, counts.workers]);
            }
            "stop" => {
                self.lab.saw(&supervisor.stop(Stop::default()).await);
                "ok"
            }
            "wait" => {
                let env = self.swarm.env();
                env.sleep_until(env.now() + Duration::from_millis(step.millis)).await;
                "ok"
            }
            "change" => match children.change(|policy| step.change(policy)) {
                Ok(()) => "ok",
                Err(_) => "refused",
            },
            _ => "no such step",
        })
    }

    /// Has a child end by itself.
    fn exit(&self, children: &Children, id: &str, reason: &str) -> &'static str {
        if !children.which_child(id).is_ok_and(|child| child.state == ChildState::Running) {
            return "not_running";
        }
        let Ok(actor) = self.swarm.agent::<Actor>(id) else { return "no address" };
        let exit = match reason {
            "normal" => Exit::Normal,
            "shutdown" | "shutdown_tuple" => Exit::Shutdown,
            "kill" => {
                actor.kill();
                return "ok";
            }
            _ => Exit::failed(FailureClass::Bug, "crashed"),
        };
        if actor.tell(Leave(exit)).is_ok() { "ok" } else { "takes no task" }
    }
}

fn names(children: &Children) -> BTreeSet<String> {
    children.which_children().into_iter().map(|child| child.name).collect()
}

/// Whether a supervisor has ended, and how.
fn ended(supervisor: &AgentRef<Supervisor>) -> Option<Ended> {
    match supervisor.state() {
        skep_runtime::AgentState::Stopped(StopReason::Escalated { .. }) => Some(Ended::Escalated),
        skep_runtime::AgentState::Stopped(_) => Some(Ended::Shutdown),
        _ => None,
    }
}

/// Why a supervisor did not start: it names the child.
fn refused(error: &SpawnError) -> Value {
    match error {
        SpawnError::Start { message, .. } => {
            let child = message.split(" failed to start").next().unwrap_or_default();
            json!(["failed_to_start_child", child])
        }
        other => json!(other.to_string()),
    }
}

fn started(error: Option<&SpawnError>) -> &'static str {
    match error {
        None => "ok",
        Some(SpawnError::Start { .. }) => "error",
        Some(SpawnError::Ignored { .. }) => "ignored",
        Some(SpawnError::AlreadyStarted { .. }) => "already_started",
        Some(SpawnError::AlreadyPresent { .. }) => "already_present",
        Some(_) => "another error",
    }
}

fn answered(error: Option<&ChildError>) -> &'static str {
    match error {
        None => "ok",
        Some(ChildError::NotFound { .. }) => "not_found",
        Some(ChildError::Running { .. }) => "running",
        Some(ChildError::Restarting { .. }) => "restarting",
        Some(ChildError::StartFailed { .. }) => "error",
        Some(ChildError::Ending { .. }) => "ending",
        Some(_) => "another error",
    }
}

fn word(state: ChildState) -> &'static str {
    match state {
        ChildState::Running => "running",
        ChildState::Nothing => "undefined",
        ChildState::Starting | ChildState::Restarting | ChildState::Stopping => "not quiet",
    }
}
