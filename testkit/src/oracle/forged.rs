//! Sessions that never were, sound ones and broken ones, to see what an oracle says of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::event::{EffectEnd, Event, What};
use skep_runtime::supervision::report::Context;
use skep_runtime::{
    AgentId, Bears, Budget, Ceiling, ChildReport, Dealt, End, Exit, FailureClass, Found, Incarnation,
    Outcome, Role, Seq, StopReason, TaskId, Time, Usage,
};

use super::{Evidence, Oracle};

#[derive(Clone, Default)]
pub(super) struct Forged {
    events: Vec<Arc<Event>>,
    now: Time,
}

pub(super) fn id(text: &str) -> AgentId {
    serde_json::from_value(text.into()).unwrap()
}

fn task_id(text: &str) -> TaskId {
    serde_json::from_value(text.into()).expect("a task's id")
}

fn task(agent: &str, number: u64) -> TaskId {
    serde_json::from_value(format!("{agent}#{number}").into()).unwrap()
}

impl Forged {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A root `s` with these below it.
    pub(super) fn tree(agents: &[&str]) -> Self {
        Self::new().write("s", 1, None, spawned("root", None)).with_agents(agents)
    }

    /// These too, in their order.
    pub(super) fn with_agents(self, agents: &[&str]) -> Self {
        agents.iter().fold(self, |forged, agent| forged.spawned(agent))
    }

    pub(super) fn judged(&self, oracle: Oracle) -> Vec<String> {
        oracle(&Evidence::new(&self.events, &[]))
    }

    pub(super) fn judged_with(&self, oracle: Oracle, bears: &BTreeMap<AgentId, Bears>) -> Vec<String> {
        oracle(&Evidence::new(&self.events, &[]).with_bears(bears))
    }

    /// A crash ends an incarnation.
    pub(super) fn exited(self, agent: &str, incarnation: Incarnation) -> Self {
        self.write(
            agent,
            incarnation,
            None,
            What::AgentExited { exit: Exit::failed(FailureClass::Bug, "torn") },
        )
    }

    pub(super) fn start_failed(self, agent: &str, incarnation: Incarnation) -> Self {
        self.write(agent, incarnation, None, What::AgentStartFailed { message: "no".into() })
    }

    /// A supervisor deals with the end of a child.
    pub(super) fn terminated(self, supervisor: &str, child: &str) -> Self {
        let spec = serde_json::from_value(serde_json::json!({ "id": child })).unwrap();
        let report = ChildReport { context: Context::ChildTerminated, child: id(child), spec, reason: None };
        self.write(supervisor, 1, None, What::SupervisorReport(Box::new(report)))
    }

    /// Any event.
    pub(super) fn write(
        mut self,
        agent: &str,
        incarnation: Incarnation,
        of: Option<u64>,
        what: What,
    ) -> Self {
        let task = of.map(|number| task(agent, number));
        let seq = self.events.len() as u64 + 1;
        let event = Event { seq, at: self.now, agent: id(agent), incarnation, task, cause: None, what };
        self.events.push(Arc::new(event));
        self
    }

    pub(super) fn after_ms(mut self, ms: u64) -> Self {
        self.now = self.now + Duration::from_millis(ms);
        self
    }

    pub(super) fn spawned(self, agent: &str) -> Self {
        self.write(agent, 1, None, spawned("Agent", None))
    }

    pub(super) fn budgeted(self, agent: &str, calls: u64) -> Self {
        self.write(agent, 1, None, spawned("Agent", Some(Box::new(Budget::new().calls(calls)))))
    }

    pub(super) fn ceilinged(self, agent: &str, below: Ceiling) -> Self {
        let mut what = spawned("Agent", None);
        if let What::AgentSpawned { ceiling, .. } = &mut what {
            *ceiling = Some(Box::new(below));
        }
        self.write(agent, 1, None, what)
    }

    pub(super) fn granted(self, agent: &str, to: Ceiling) -> Self {
        let mut what = spawned("Agent", None);
        if let What::AgentSpawned { grants, .. } = &mut what {
            *grants = Some(Box::new(to));
        }
        self.write(agent, 1, None, what)
    }

    /// The last event was brought about by this one.
    pub(super) fn because(mut self, cause: Seq) -> Self {
        if let Some(event) = self.events.last_mut().map(Arc::make_mut) {
            event.cause = Some(cause);
        }
        self
    }

    /// A task, and whose turn asked it.
    pub(super) fn asked_by(self, agent: &str, number: u64, asker: Option<(&str, u64)>) -> Self {
        let asker = asker.map(|(agent, number)| task(agent, number));
        self.write(agent, 1, Some(number), What::TaskAccepted { asker, replay_of: None })
    }

    pub(super) fn started(self, agent: &str, incarnation: Incarnation) -> Self {
        self.write(agent, incarnation, None, What::AgentStarted)
    }

    pub(super) fn stopping(self, agent: &str, stop: u64) -> Self {
        self.write(agent, 1, None, What::AgentStopping { stop })
    }

    pub(super) fn stop_began(self, root: &str, stop: u64, agents: usize) -> Self {
        self.write(root, 1, None, What::StopBegan { stop, agents, within: Duration::from_secs(1) })
    }

    pub(super) fn stop_ended(self, root: &str, stop: u64, agents: usize) -> Self {
        self.write(root, 1, None, What::StopEnded { stop, agents, stuck: 0, clean: true })
    }

    /// A whole stop in which these end, in this order.
    pub(super) fn stop(self, root: &str, stop: u64, ends: &[&str]) -> Self {
        let count = ends.len();
        let begun = self.stop_began(root, stop, count);
        let ended = ends.iter().fold(begun, |forged, agent| {
            let (reason, end) = (StopReason::Stopped, Some(End::Clean));
            forged.write(agent, 1, None, What::AgentStopped { reason, end, spec_stands: false })
        });
        ended.stop_ended(root, stop, count)
    }

    pub(super) fn session_ended(self) -> Self {
        self.write("s", 1, None, What::SessionEnded)
    }

    pub(super) fn accepted(self, agent: &str, number: u64) -> Self {
        self.asked_by(agent, number, None)
    }

    pub(super) fn redelivered(self, agent: &str, number: u64) -> Self {
        self.write(agent, 1, Some(number), What::TaskRedelivered { error: "torn".into() })
    }

    /// A task that another one's turn asked, by its whole id.
    pub(super) fn asked(self, agent: &str, id: &str) -> Self {
        let asker = id.rsplit_once('/').map(|(asker, _)| task_id(asker));
        self.write_in(agent, id, What::TaskAccepted { asker, replay_of: None })
    }

    pub(super) fn asked_began(self, agent: &str, id: &str) -> Self {
        self.write_in(agent, id, What::TurnBegan { attempt: 1 })
    }

    pub(super) fn asked_ended(self, agent: &str, id: &str, outcome: Outcome) -> Self {
        self.write_in(agent, id, What::TaskEnded { outcome })
    }

    fn write_in(mut self, agent: &str, task: &str, what: What) -> Self {
        self = self.write(agent, 1, None, what);
        if let Some(event) = self.events.last_mut().map(Arc::make_mut) {
            event.task = Some(task_id(task));
        }
        self
    }

    pub(super) fn turn_began(self, agent: &str, number: u64, attempt: u32) -> Self {
        self.write(agent, 1, Some(number), What::TurnBegan { attempt })
    }

    pub(super) fn turn_ended(self, agent: &str, number: u64) -> Self {
        self.write(agent, 1, Some(number), What::TurnEnded)
    }

    pub(super) fn ended(self, agent: &str, number: u64, outcome: Outcome) -> Self {
        self.write(agent, 1, Some(number), What::TaskEnded { outcome })
    }

    /// An effect that begins with so many calls reserved.
    pub(super) fn effect(self, agent: &str, of: Option<u64>, effect: u64, reserved: u64) -> Self {
        let reserved = Usage::calls(reserved);
        self.write(agent, 1, of, What::EffectBegan { effect, kind: "call".into(), reserved, on: None })
    }

    pub(super) fn effect_ended(self, agent: &str, effect: u64, used: u64, reserved: u64) -> Self {
        let (used, reserved) = (Usage::calls(used), Usage::calls(reserved));
        let end = EffectEnd::Done;
        self.write(
            agent,
            1,
            None,
            What::EffectEnded { effect, end, used, reserved, estimated: false, late: false },
        )
    }

    /// So many calls more than the effect had said, or though it had said it was free.
    pub(super) fn overrun(self, agent: &str, effect: u64, calls: u64, free: bool) -> Self {
        self.write(agent, 1, None, What::Overrun { effect, over: Usage::calls(calls), free })
    }

    pub(super) fn paused(self, agent: &str, incarnation: Incarnation) -> Self {
        self.write(agent, incarnation, None, What::AgentPaused)
    }

    pub(super) fn resumed(self, agent: &str) -> Self {
        self.write(agent, 1, None, What::AgentResumed)
    }

    pub(super) fn pause_began(self, root: &str, pause: u64, within: Duration) -> Self {
        self.write(
            root,
            1,
            None,
            What::PauseBegan { pause, agents: 1, within, now: false, holds_deadlines: false, need: None },
        )
    }

    pub(super) fn pause_stands(self, root: &str, pause: u64) -> Self {
        self.write(root, 1, None, What::PauseStands { pause, quiet: 1, busy: 0 })
    }

    pub(super) fn orphaned(self, agent: &str, of: &str) -> Self {
        let found = Found::Orphan { of: id(of) };
        self.write(agent, 1, None, What::OrphanFound { found, dealt: Dealt::Stopped })
    }

    /// A fault plan loses it.
    pub(super) fn lost(self, agent: &str) -> Self {
        let what = What::FaultInjected { rule: 0, point: "turn".into(), action: "vanish".into() };
        self.write(agent, 1, None, what)
    }

    pub(super) fn adopted(self, agent: &str, by: &str) -> Self {
        self.write(agent, 1, None, What::AgentAdopted { by: id(by) })
    }

    pub(super) fn holds(self, agent: &str, holding: u64) -> Self {
        self.write(agent, 1, None, What::HoldingTaken { holding, name: "lock".into() })
    }

    pub(super) fn releases(self, agent: &str, holding: u64) -> Self {
        self.write(agent, 1, None, What::HoldingReleased { holding })
    }
}

fn spawned(agent_type: &str, budget: Option<Box<Budget>>) -> What {
    let (name, agent_type) = (agent_type.into(), agent_type.into());
    What::AgentSpawned { name, agent_type, role: Role::Static, budget, grants: None, ceiling: None }
}
