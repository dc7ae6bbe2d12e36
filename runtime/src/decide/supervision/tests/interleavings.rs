//! Random policies, and answers that come late and in any order, against a world that knows what really runs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::Strategy as Generate;

use super::*;
use crate::decide::supervision::ChildState;
use crate::words::child::Decision;
use crate::words::policy::Backoff;

/// What the world knows of a child.
#[derive(Debug, Default)]
struct Body {
    runs: bool,
    /// A start is to be answered, and whether the core chose it by itself.
    start: Option<bool>,
    stop: bool,
    wait: bool,
    /// The core has said that nothing runs, and has started nothing since.
    ended: bool,
}

struct World {
    desk: Desk,
    grouped: bool,
    bodies: BTreeMap<ChildKey, Body>,
    next: ChildKey,
    tickets: BTreeSet<u64>,
    issued: u64,
    over: bool,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    Start,
    Stop,
    Wait,
}

impl World {
    fn new(policy: Policy, children: Vec<ChildPolicy>) -> Self {
        let grouped = policy.strategy != Strategy::OneForOne;
        let mut world = Self {
            desk: Desk::with(policy),
            grouped,
            bodies: BTreeMap::new(),
            next: 1,
            tickets: BTreeSet::new(),
            issued: 0,
            over: false,
        };
        for child in children {
            let declared = ChildPolicy { dynamic: false, ..child };
            if world.desk.core.declare(world.next, declared).is_ok() {
                world.bodies.insert(world.next, Body { ended: true, ..Body::default() });
                world.next += 1;
            }
        }
        world.tell(Event::StartAll);
        world
    }

    fn tell(&mut self, event: Event) {
        self.desk.noise = self.desk.noise.wrapping_add(0x5DEE_CE66);
        let heard = format!("{event:?}");
        let actions = self.desk.hear(event);
        for action in &actions {
            assert!(!self.over, "nothing after the last word: {heard} gave {actions:?}");
            self.perform(action);
        }
        let automatic = |(key, body): (&ChildKey, &Body)| {
            let alone = self.dynamic(*key) || self.desk.core.returns(*key);
            !alone && body.start == Some(true) && !body.stop && self.grouped
        };
        if self.over {
            self.stop_all();
        } else {
            assert!(self.bodies.iter().filter(|body| automatic(*body)).count() <= 1, "one round at a time");
        }
    }

    fn dynamic(&self, key: ChildKey) -> bool {
        self.desk.core.policy(key).is_some_and(|policy| policy.dynamic)
    }

    /// Does what the core wants, and checks that it may want it.
    fn perform(&mut self, action: &Action) {
        match action {
            Action::Start { key, automatic, .. } => {
                let body = self.bodies.get_mut(key).expect("a child that is started is known");
                assert!(
                    !body.runs && body.start.is_none() && !body.stop && !body.wait,
                    "start {key}: {body:?}"
                );
                body.start = Some(*automatic);
                body.ended = false;
            }
            Action::Stop { key, .. } => {
                let body = self.bodies.get_mut(key).expect("a child that is stopped is known");
                assert!((body.runs || body.start.is_some()) && !body.stop, "stop {key}: {body:?}");
                body.stop = true;
            }
            Action::Wait { key, .. } => {
                let body = self.bodies.get_mut(key).expect("a child that waits is known");
                assert!(
                    !body.runs && body.start.is_none() && !body.stop && !body.wait,
                    "wait {key}: {body:?}"
                );
                body.wait = true;
            }
            Action::CancelWait { key } => {
                let body = self.bodies.get_mut(key).expect("a child that waits is known");
                assert!(std::mem::take(&mut body.wait), "{key} waits");
            }
            Action::Ended { key, .. } => {
                let body = self.bodies.get_mut(key).expect("a child that ended is known");
                assert!(
                    !body.runs && body.start.is_none() && !body.stop && !body.wait,
                    "ended {key}: {body:?}"
                );
                body.ended = true;
            }
            Action::Forget { key, .. } => {
                let body = self.bodies.remove(key).expect("a child is forgotten once");
                assert!(
                    !body.runs && body.start.is_none() && !body.stop && !body.wait,
                    "forget {key}: {body:?}"
                );
            }
            Action::Reply { ticket, .. } => assert!(self.tickets.remove(ticket), "one reply to {ticket}"),
            Action::StartFailed { .. } | Action::GiveUp { .. } | Action::AutoShutdown => self.over = true,
            Action::StartedAll | Action::Report(_) => {}
        }
    }

    /// The supervisor ends and is started again.
    fn stop_all(&mut self) {
        assert!(self.tickets.is_empty(), "all calls have their reply");
        assert!(self.bodies.values().all(|body| !body.wait), "nothing waits");
        let alive = |body: &Body| body.runs || body.start.is_some() || body.stop;
        let order = self.desk.core.stop_order();
        let (together, one_by_one): (Vec<_>, Vec<_>) = self
            .bodies
            .iter()
            .filter(|(_, body)| alive(body))
            .map(|(key, _)| *key)
            .partition(|key| self.dynamic(*key));
        assert_eq!(order.together, together);
        assert_eq!(order.one_by_one, one_by_one.into_iter().rev().collect::<Vec<_>>());
        assert!(self.desk.core.reset().is_empty(), "no ticket is left");
        self.start_over();
    }

    fn start_over(&mut self) {
        let keys: BTreeSet<_> = self.desk.core.keys().into_iter().collect();
        self.bodies.retain(|key, _| keys.contains(key));
        for body in self.bodies.values_mut() {
            *body = Body { ended: true, ..Body::default() };
        }
        self.over = false;
        self.tell(Event::StartAll);
    }

    fn outstanding(&self) -> Vec<(ChildKey, Due)> {
        let mut all = Vec::new();
        for (key, body) in &self.bodies {
            all.extend(body.start.map(|_| (*key, Due::Start)));
            all.extend(body.stop.then_some((*key, Due::Stop)));
            all.extend(body.wait.then_some((*key, Due::Wait)));
        }
        all
    }

    fn answer(&mut self, key: ChildKey, due: Due, result: Started) {
        let body = self.bodies.get_mut(&key).expect("what is outstanding is about a known child");
        match due {
            Due::Start => {
                body.start = None;
                body.runs = result == Started::Ok;
                self.tell(Event::Started { key, result });
            }
            Due::Stop => {
                // Whatever the start has or would have answered: the whole subtree has ended.
                *body = Body { ended: body.ended, ..Body::default() };
                self.tell(Event::Stopped { key, odd: None });
            }
            Due::Wait => {
                body.wait = false;
                self.tell(Event::Due { key });
            }
        }
    }

    fn step(&mut self, kind: u8, pick: u8, detail: u8, child: ChildPolicy) {
        let pick = usize::from(pick);
        match kind % 24 {
            0..=12 => {
                let all = self.outstanding();
                if let Some((key, due)) = all.get(pick % all.len().max(1)) {
                    let result = match detail % 8 {
                        0..=1 => Started::Failed("no".to_owned()),
                        2 => Started::Ignored,
                        _ => Started::Ok,
                    };
                    self.answer(*key, *due, result);
                }
            }
            13..=16 => {
                let running: Vec<_> =
                    self.bodies.iter().filter(|(_, body)| body.runs).map(|(key, _)| *key).collect();
                if let Some(key) = running.get(pick % running.len().max(1)) {
                    self.bodies.get_mut(key).unwrap().runs = false;
                    let exit = match detail % 4 {
                        0 => Exit::Normal,
                        1 => Exit::Shutdown,
                        2 => crash(),
                        _ => Exit::failed(FailureClass::Overloaded, "later"),
                    };
                    self.tell(Event::Exited { key: *key, exit, counted: detail < 200 });
                }
            }
            17..=18 => {
                let key = pick as ChildKey % self.next;
                let ticket = self.issued;
                self.issued += 1;
                self.tickets.insert(ticket);
                self.tell(match detail % 4 {
                    0 | 1 => Event::Terminate { key, ticket },
                    2 => Event::Restart { key, ticket },
                    _ => Event::Delete { key, ticket },
                });
            }
            19..=20 => {
                if self.desk.core.insert(self.next, child).is_ok() {
                    self.bodies.insert(self.next, Body { start: Some(false), ..Body::default() });
                    self.next += 1;
                }
            }
            21..=22 => self.desk.pass(u64::from(detail % 4)),
            // The supervisor itself crashes.
            _ => {
                let dropped: BTreeSet<_> = self.desk.core.reset().into_iter().collect();
                assert_eq!(
                    dropped,
                    std::mem::take(&mut self.tickets),
                    "a ticket without a reply is given back"
                );
                self.start_over();
            }
        }
    }

    /// Delivers all that is outstanding; starts succeed.
    fn come_to_rest(&mut self) {
        for _ in 0..10_000 {
            let Some((key, due)) = self.outstanding().pop() else { return };
            self.answer(key, due, Started::Ok);
        }
        panic!("it never comes to rest");
    }

    fn check_at_rest(&self) {
        let core = &self.desk.core;
        assert!(self.tickets.is_empty(), "all calls have their reply: {:?}", self.tickets);
        assert_eq!(core.keys(), self.bodies.keys().copied().collect::<Vec<_>>());
        for (key, body) in &self.bodies {
            let expected = if body.runs { ChildState::Running } else { ChildState::Nothing };
            assert_eq!(core.state(*key), Some(expected), "{key}: {body:?}");
            assert!(body.runs || body.ended, "{key} has been told that it ended: {body:?}");
        }
        let policies: Vec<_> = self.bodies.keys().filter_map(|key| core.policy(*key)).collect();
        let counts = core.counts();
        assert_eq!(counts.specs, policies.iter().filter(|policy| !policy.dynamic).count());
        assert_eq!(counts.active, self.bodies.values().filter(|body| body.runs).count());
        assert_eq!(counts.supervisors, policies.iter().filter(|policy| policy.supervisor).count());
        assert_eq!(counts.workers, policies.len() - counts.supervisors);
    }
}

pub(super) fn any_policy() -> impl Generate<Value = Policy> {
    let strategy =
        prop_oneof![Just(Strategy::OneForOne), Just(Strategy::OneForAll), Just(Strategy::RestForOne)];
    let auto_shutdown = prop_oneof![
        Just(AutoShutdown::Never),
        Just(AutoShutdown::AnySignificant),
        Just(AutoShutdown::AllSignificant)
    ];
    (strategy, 0_u32..6, 1_u64..6, auto_shutdown, 0..4).prop_map(
        |(strategy, restarts, period, auto_shutdown, root)| {
            let intensity = Intensity { restarts, period: Duration::from_secs(period) };
            Policy { strategy, intensity, auto_shutdown, each_child_alone: root == 0 }
        },
    )
}

pub(super) fn any_child() -> impl Generate<Value = ChildPolicy> {
    let restart = prop_oneof![Just(Restart::Permanent), Just(Restart::Transient), Just(Restart::Temporary)];
    let shutdown = prop_oneof![Just(Shutdown::Brutal), Just(Shutdown::default())];
    let decision = prop_oneof![Just(Decision::Restart), Just(Decision::Stop), Just(Decision::Escalate)];
    let on_failure = prop_oneof![
        4 => Just(Vec::new()),
        1 => decision.clone().prop_map(|decision| vec![(FailureClass::Overloaded, decision)]),
        1 => decision.prop_map(|decision| vec![(FailureClass::Start, decision)]),
    ];
    (restart, shutdown, on_failure, any::<u8>()).prop_map(|(restart, shutdown, on_failure, flags)| {
        ChildPolicy {
            restart,
            shutdown,
            supervisor: flags & 1 > 0,
            significant: flags & 2 > 0 && restart != Restart::Permanent,
            backoff: (flags & 12 == 12).then(Backoff::default),
            limit: None,
            dynamic: flags & 48 == 48,
            counted: flags & 192 != 192,
            on_failure,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_comes_in_whatever_order_each_child_has_one_life_at_a_time_and_all_comes_to_rest(
        policy in any_policy(),
        children in proptest::collection::vec(any_child(), 0..6),
        steps in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), any_child()), 0..150),
    ) {
        let mut world = World::new(policy, children);
        for (kind, pick, detail, child) in steps {
            world.step(kind, pick, detail, child);
        }
        world.come_to_rest();
        world.check_at_rest();
    }
}
