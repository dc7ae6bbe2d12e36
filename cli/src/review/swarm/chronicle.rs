//! What happened to the swarm, folded event by event: the journal keeps the latest only, and a review of ten thousand files has
//! half a million.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use skep_runtime::event::EffectEnd;
use skep_runtime::{AgentId, Event, Events, Exit, FailureClass, Filter, Swarm, Time, What};

/// The fold, and the events that it has not taken in yet.
pub(super) struct Chronicle(Mutex<(Events, Told)>);

impl fmt::Debug for Chronicle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chronicle").field(&self.0.lock().1).finish()
    }
}

/// What the events have come to.
#[derive(Clone, Debug)]
pub(super) struct Told {
    names: HashMap<AgentId, String>,
    down: HashMap<AgentId, Time>,
    turns: HashMap<AgentId, u64>,
    /// Whether some events were cut before they were read.
    pub(super) has_gaps: bool,
    /// When the last of them happened.
    pub(super) last: Time,
    pub(super) faults: Vec<String>,
    pub(super) crashes: u64,
    pub(super) kills: u64,
    pub(super) stale: u64,
    pub(super) lost_cells: u64,
    pub(super) restarts: u64,
    pub(super) longest_restart: Duration,
    pub(super) redelivered: u64,
    pub(super) retried: u64,
    pub(super) expired: u64,
}

impl Chronicle {
    /// Begins with what has happened already.
    pub(super) fn of(swarm: &Swarm) -> Self {
        Self(Mutex::new((swarm.history(Filter::all()), Told::default())))
    }

    /// Takes in what has happened since it was last called, and says what there is.
    pub(super) fn told(&self) -> Told {
        self.read();
        self.0.lock().1.clone()
    }

    /// Takes in what has happened since it was last called.
    pub(super) fn read(&self) {
        let (events, told) = &mut *self.0.lock();
        while let Some(event) = events.try_next() {
            match event {
                Ok(event) => told.take(&event),
                Err(_) => told.has_gaps = true,
            }
        }
    }
}

impl Default for Told {
    fn default() -> Self {
        Self {
            names: HashMap::new(),
            down: HashMap::new(),
            turns: HashMap::new(),
            has_gaps: false,
            last: Time::ZERO,
            faults: Vec::new(),
            crashes: 0,
            kills: 0,
            stale: 0,
            lost_cells: 0,
            restarts: 0,
            longest_restart: Duration::ZERO,
            redelivered: 0,
            retried: 0,
            expired: 0,
        }
    }
}

impl Told {
    fn take(&mut self, event: &Event) {
        self.last = event.at;
        match &event.what {
            What::AgentSpawned { name, .. } => {
                self.names.insert(event.agent.clone(), name.clone());
            }
            What::TurnBegan { .. } => *self.turns.entry(event.agent.clone()).or_default() += 1,
            What::AgentExited { exit, .. } => {
                self.down.insert(event.agent.clone(), event.at);
                match exit {
                    Exit::Failed { class: FailureClass::Bug, .. } => self.crashes += 1,
                    Exit::Failed { class: FailureClass::Killed, .. } => self.kills += 1,
                    _ => {}
                }
            }
            What::AgentStarted => {
                if let Some(since) = self.down.remove(&event.agent) {
                    self.restarts += 1;
                    self.longest_restart = self.longest_restart.max(event.at.since(since));
                }
            }
            What::TurnStale { .. } => self.stale += 1,
            What::CellLost => self.lost_cells += 1,
            What::TaskRedelivered { .. } => self.redelivered += 1,
            What::EffectRetried { .. } => self.retried += 1,
            What::EffectEnded { end: EffectEnd::Expired, .. } => self.expired += 1,
            What::FaultInjected { point, action, .. } => self.fault(event, point, action),
            _ => {}
        }
    }

    fn fault(&mut self, event: &Event, point: &str, action: &str) {
        let name = self.names.get(&event.agent).map_or("an agent", String::as_str);
        let place = match point.split_once(':') {
            Some(("effect", kind)) => format!("in {kind}"),
            _ => "at the beginning of a turn".to_owned(),
        };
        let done = match action {
            "panic" => "was made to panic",
            "hang" | "hang_deaf" => "was made to hang",
            "slow" => "was slowed down",
            "kill" => "was killed",
            "lose_cell" => "lost its cell",
            other => other,
        };
        self.faults.push(format!("{:.2} s: {name} {done} {place}", event.at.since(Time::ZERO).as_secs_f64()));
    }

    /// How many turns the agents of a name have begun.
    pub(super) fn turns(&self, name: &str) -> u64 {
        let is_it = |(agent, _): &(&AgentId, &u64)| self.names.get(*agent).is_some_and(|known| known == name);
        self.turns.iter().filter(is_it).map(|(_, turns)| turns).sum()
    }
}
