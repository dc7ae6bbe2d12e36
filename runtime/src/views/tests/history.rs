//! Well-formed histories for tests: what a swarm could have written, from a tape of numbers.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use crate::decide::ledger::overrun;
use crate::words::ends::End;
use crate::words::event::{EffectEnd, Event, Outcome, Role, Wait, What};
use crate::words::id::{AgentId, TaskId};
use crate::words::money::NanoUsd;
use crate::words::policy::{Exit, FailureClass};
use crate::words::state::StopReason;
use crate::words::time::Time;
use crate::words::usage::Usage;

/// Histories of up to `length` steps, each a few events.
pub(crate) fn histories(length: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(any::<u32>(), 1..length).prop_map(|tape| {
        let mut world = World::new();
        for number in tape {
            world.step(number);
        }
        world.events
    })
}

struct World {
    agents: Vec<Person>,
    events: Vec<Event>,
    number: u64,
}

struct Person {
    id: AgentId,
    children: u32,
    tasks: u64,
    queue: VecDeque<(TaskId, u32)>,
    turn: Option<(TaskId, u32)>,
    incarnation: u32,
    life: Life,
    effects: VecDeque<(u64, Usage)>,
    waits: VecDeque<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Life {
    Starting,
    Running,
    Down,
    Stopped,
    /// Its spec stands.
    Ended,
}

impl World {
    fn new() -> Self {
        let mut world = Self { agents: Vec::new(), events: Vec::new(), number: 0 };
        world.spawn(AgentId::root("s"), Role::Root);
        world.start(0);
        world
    }

    fn write(&mut self, at: usize, task: Option<TaskId>, what: What) {
        let agent = &self.agents[at];
        let seq = self.events.len() as u64 + 1;
        self.events.push(Event {
            seq,
            at: Time::from_nanos(seq / 2),
            agent: agent.id.clone(),
            incarnation: agent.incarnation,
            task,
            cause: None,
            what,
        });
    }

    fn in_turn(&mut self, at: usize, what: What) {
        let task = self.agents[at].turn.as_ref().map(|(task, _)| task.clone());
        self.write(at, task, what);
    }

    fn fresh(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn spawn(&mut self, id: AgentId, role: Role) {
        self.agents.push(Person {
            id,
            children: 0,
            tasks: 0,
            queue: VecDeque::new(),
            turn: None,
            incarnation: 0,
            life: Life::Starting,
            effects: VecDeque::new(),
            waits: VecDeque::new(),
        });
        let name = format!("agent-{}", self.agents.len());
        let what = What::AgentSpawned {
            name,
            agent_type: "Person".into(),
            role,
            budget: None,
            grants: None,
            ceiling: None,
        };
        self.write(self.agents.len() - 1, None, what);
    }

    fn start(&mut self, at: usize) {
        self.agents[at].incarnation += 1;
        self.agents[at].life = Life::Running;
        self.write(at, None, What::AgentStarted);
    }

    fn step(&mut self, number: u32) {
        let at = (number >> 8) as usize % self.agents.len();
        let with = u64::from(number >> 20);
        if self.settle(at, number, with) {
            return;
        }
        let (life, in_turn) = (self.agents[at].life, self.agents[at].turn.is_some());
        match (life, in_turn, number % 16) {
            (Life::Stopped, ..) => {}
            (Life::Ended, ..) if with % 3 == 0 => self.drop_spec(at),
            (Life::Ended, ..) => self.spawn_again(at),
            (Life::Running, false, 13) if with % 5 == 0 && self.is_childless(at) => self.end(at),
            (_, _, 0) if with % 7 == 0 => self.stop(at),
            (Life::Starting | Life::Down, ..) => self.start(at),
            (Life::Running, true, 0..=4) => self.begin_effect(at, with),
            (Life::Running, true, 5) => {
                let wait = self.fresh();
                self.agents[at].waits.push_back(wait);
                let on = [Wait::Ask, Wait::Child, Wait::Sleep][with as usize % 3];
                self.in_turn(at, What::WaitBegan { wait, on });
            }
            (Life::Running, true, 6) => self.in_turn(at, What::Progress { text: format!("step {with}") }),
            (Life::Running, true, 7..=8) => self.end_turn(at, with),
            (Life::Running, true, 9) => self.crash(at),
            (Life::Running, _, 10..=12) => {
                let role = [Role::Static, Role::Dynamic, Role::Scope][with as usize % 3].clone();
                self.agents[at].children += 1;
                let id = self.agents[at].id.child(self.agents[at].children);
                self.spawn(id, role);
            }
            (Life::Running, false, 0..=4) if !self.agents[at].queue.is_empty() => self.begin_turn(at),
            (Life::Running, ..) => {
                self.agents[at].tasks += 1;
                let task = TaskId::outside(self.agents[at].id.clone(), self.agents[at].tasks);
                self.agents[at].queue.push_back((task.clone(), 0));
                self.write(at, Some(task), What::TaskAccepted { asker: None, replay_of: None });
            }
        }
    }

    /// Ends what is open, also long after its turn: whether it did.
    fn settle(&mut self, at: usize, number: u32, with: u64) -> bool {
        if number % 4 == 1
            && let Some((effect, reserved)) = self.agents[at].effects.pop_front()
        {
            let used = match with % 5 {
                0 => reserved + Usage::money(NanoUsd(with)).with_tokens(with % 9, 0),
                1 => Usage::ZERO,
                _ => reserved.above(&Usage::money(NanoUsd(with))),
            };
            let late = matches!(self.agents[at].life, Life::Stopped | Life::Ended);
            let (end, estimated) = (EffectEnd::Done, with.is_multiple_of(3));
            self.in_turn(at, What::EffectEnded { effect, end, used, reserved, estimated, late });
            if let Some(over) = overrun(&used, &reserved) {
                self.in_turn(at, What::Overrun { effect, over, free: false });
            }
            return true;
        }
        if number % 8 == 2
            && self.agents[at].turn.is_some()
            && let Some((effect, reserved)) = self.agents[at].effects.pop_back()
        {
            // A try fails; the next begins at once, or what was reserved stays free.
            let (used, freed, estimated) =
                (reserved.above(&Usage::calls(with % 3)), reserved, with.is_multiple_of(3));
            let error = "cut".to_owned();
            self.in_turn(at, What::EffectRetried { effect, tries: 1, error, used, freed, estimated });
            let again = if with.is_multiple_of(4) { Usage::ZERO } else { reserved };
            if !with.is_multiple_of(4) {
                self.in_turn(at, What::TryBegan { effect, reserved });
            }
            self.agents[at].effects.push_back((effect, again));
            return true;
        }
        if number % 8 == 3
            && let Some(&(effect, _)) = self.agents[at].effects.back()
        {
            self.in_turn(at, What::StreamBegan { effect });
            return true;
        }
        if number % 8 == 7
            && let Some(wait) = self.agents[at].waits.pop_front()
        {
            self.in_turn(at, What::WaitEnded { wait });
            return true;
        }
        false
    }

    fn begin_effect(&mut self, at: usize, with: u64) {
        let effect = self.fresh();
        let reserved = Usage::money(NanoUsd(with * 3)).with_tokens(with % 50, with % 7) + Usage::calls(1);
        self.agents[at].effects.push_back((effect, reserved));
        let kind = ["grep", "model"][with as usize % 2].into();
        self.in_turn(at, What::EffectBegan { effect, kind, reserved, on: None });
    }

    fn begin_turn(&mut self, at: usize) {
        let (task, attempts) = self.agents[at].queue.pop_front().expect("asked for");
        self.agents[at].turn = Some((task, attempts + 1));
        self.in_turn(at, What::TurnBegan { attempt: attempts + 1 });
    }

    fn end_turn(&mut self, at: usize, with: u64) {
        let outcome = [Outcome::Done, Outcome::Failed, Outcome::Expired][with as usize % 3];
        self.in_turn(at, What::TaskEnded { outcome });
        self.in_turn(at, What::TurnEnded);
        self.agents[at].turn = None;
    }

    fn crash(&mut self, at: usize) {
        let Some((task, attempt)) = self.agents[at].turn.take() else { return };
        let exit = Exit::failed(FailureClass::Bug, "it panicked");
        self.write(at, Some(task.clone()), What::AgentExited { exit });
        if attempt < 3 {
            self.agents[at].queue.push_front((task.clone(), attempt));
            self.write(at, Some(task), What::TaskRedelivered { error: "it panicked".into() });
        } else {
            self.write(at, Some(task), What::TaskEnded { outcome: Outcome::Poisoned });
        }
        self.agents[at].life = Life::Down;
        self.write(at, None, What::AgentRestarting { pause: Duration::ZERO });
    }

    /// It has no child but such as have ended for good.
    fn is_childless(&self, at: usize) -> bool {
        let top = &self.agents[at].id;
        self.agents
            .iter()
            .all(|person| person.life == Life::Stopped || person.id == *top || !person.id.is_within(top))
            && self.agents[at].queue.is_empty()
    }

    /// It ends while its spec stands.
    fn end(&mut self, at: usize) {
        self.agents[at].life = Life::Ended;
        let reason = StopReason::Done;
        self.write(at, None, What::AgentStopped { reason, end: None, spec_stands: true });
    }

    fn drop_spec(&mut self, at: usize) {
        self.agents[at].life = Life::Stopped;
        self.write(at, None, What::SpecDropped);
    }

    fn spawn_again(&mut self, at: usize) {
        self.agents[at].life = Life::Starting;
        let name = format!("agent-{}", at + 1);
        let role = Role::Static;
        self.write(
            at,
            None,
            What::AgentSpawned {
                name,
                agent_type: "Person".into(),
                role,
                budget: None,
                grants: None,
                ceiling: None,
            },
        );
    }

    /// Stops a subtree: all are fenced, then they end from the leaves up.
    fn stop(&mut self, at: usize) {
        let top = self.agents[at].id.clone();
        // A stop takes the specs of what has ended, too.
        let stands = |person: &Person| person.life == Life::Ended && person.id.is_within(&top);
        let standing: Vec<_> = (0..self.agents.len()).filter(|at| stands(&self.agents[*at])).collect();
        for at in standing {
            self.drop_spec(at);
        }
        let is_over = |life| matches!(life, Life::Stopped | Life::Ended);
        let is_part = |person: &Person| !is_over(person.life) && person.id.is_within(&top);
        let mut part: Vec<_> = (0..self.agents.len()).filter(|at| is_part(&self.agents[*at])).collect();
        let stop = self.fresh();
        self.write(at, None, What::StopBegan { stop, agents: part.len(), within: Duration::from_secs(1) });
        for at in &part {
            self.write(*at, None, What::AgentStopping { stop });
        }
        part.sort_by_key(|at| std::cmp::Reverse(self.agents[*at].id.depth()));
        let agents = part.len();
        for at in part {
            let open =
                self.agents[at].turn.take().into_iter().chain(std::mem::take(&mut self.agents[at].queue));
            for (task, _) in open.collect::<Vec<_>>() {
                self.write(at, Some(task), What::TaskEnded { outcome: Outcome::Stopped });
            }
            self.agents[at].life = Life::Stopped;
            self.write(
                at,
                None,
                What::AgentStopped { reason: StopReason::Stopped, end: Some(End::Clean), spec_stands: false },
            );
        }
        self.write(at, None, What::StopEnded { stop, agents, stuck: 0, clean: true });
    }
}
