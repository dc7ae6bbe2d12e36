//! The rules of supervision, one sentence each, and properties over random policies and interleavings.

mod added;
mod alone;
mod interface;
mod interleavings;
mod limits;
mod quiet;
mod rounds;
mod scale;
mod words;

use std::time::Duration;

use super::{Action, ChildKey, ChildPolicy, Core, Event, Policy, Started};
use crate::words::policy::{AutoShutdown, Exit, FailureClass, Intensity, Restart, Shutdown, Strategy};
use crate::words::time::Time;

/// A core and what it has said to each event.
struct Desk {
    core: Core,
    now: Time,
    noise: u32,
}

impl Desk {
    fn new(strategy: Strategy, restarts: u32) -> Self {
        Self::with(policy(strategy, restarts, AutoShutdown::Never))
    }

    fn with(policy: Policy) -> Self {
        Self { core: Core::new(policy), now: Time::ZERO, noise: 0 }
    }

    /// With children 1, 2, … that run.
    fn running(mut self, children: &[ChildPolicy]) -> Self {
        for (key, child) in (1..).zip(children) {
            self.core.insert(key, child.clone()).unwrap();
            self.started(key, Started::Ok);
        }
        self
    }

    /// With children 1, 2, … that have not been started.
    fn declared(mut self, children: &[ChildPolicy]) -> Self {
        for (key, child) in (1..).zip(children) {
            self.core.declare(key, child.clone()).unwrap();
        }
        self
    }

    fn hear(&mut self, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.core.decide(event, self.now, self.noise, &mut out);
        out
    }

    fn started(&mut self, key: ChildKey, result: Started) -> Vec<Action> {
        self.hear(Event::Started { key, result })
    }

    fn fails_to_start(&mut self, key: ChildKey) -> Vec<Action> {
        self.started(key, Started::Failed("no".to_owned()))
    }

    fn exited(&mut self, key: ChildKey, exit: Exit) -> Vec<Action> {
        self.hear(Event::Exited { key, exit, counted: true })
    }

    fn stopped(&mut self, key: ChildKey) -> Vec<Action> {
        self.hear(Event::Stopped { key, odd: None })
    }

    fn due(&mut self, key: ChildKey) -> Vec<Action> {
        self.hear(Event::Due { key })
    }

    fn terminate(&mut self, key: ChildKey, ticket: u64) -> Vec<Action> {
        self.hear(Event::Terminate { key, ticket })
    }

    fn restart(&mut self, key: ChildKey, ticket: u64) -> Vec<Action> {
        self.hear(Event::Restart { key, ticket })
    }

    fn delete(&mut self, key: ChildKey, ticket: u64) -> Vec<Action> {
        self.hear(Event::Delete { key, ticket })
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }
}

fn policy(strategy: Strategy, restarts: u32, auto_shutdown: AutoShutdown) -> Policy {
    let intensity = Intensity { restarts, period: Duration::from_secs(5) };
    Policy { strategy, intensity, auto_shutdown, each_child_alone: false }
}

fn child(restart: Restart) -> ChildPolicy {
    ChildPolicy { restart, ..ChildPolicy::default() }
}

fn permanent(count: usize) -> Vec<ChildPolicy> {
    vec![child(Restart::Permanent); count]
}

fn dynamic(restart: Restart) -> ChildPolicy {
    ChildPolicy { dynamic: true, ..child(restart) }
}

fn crash() -> Exit {
    Exit::failed(FailureClass::Bug, "crash")
}

fn refused() -> Exit {
    Exit::failed(FailureClass::Start, "no")
}

/// Without the reports, which have tests of their own.
fn deeds(actions: Vec<Action>) -> Vec<Action> {
    actions.into_iter().filter(|action| !matches!(action, Action::Report(_))).collect()
}

fn start(key: ChildKey, after: Option<Exit>) -> Action {
    Action::Start { key, after, automatic: true }
}

fn stop(key: ChildKey) -> Action {
    Action::Stop { key, shutdown: Shutdown::default() }
}

fn wait(key: ChildKey) -> Action {
    Action::Wait { key, pause: Duration::ZERO }
}
