//! A plan that a test drives by hand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::decide::stopping::{Command, EndRow, HookEnd, Node, Notice, SeatKey, StopPlan, TurnEnd};
use crate::words::ends::{End, HookFault};
use crate::words::policy::Shutdown;
use crate::words::time::Time;

pub(super) fn at(millis: u64) -> Time {
    Time::from(Duration::from_millis(millis))
}

/// An idle dynamic child with a hook, and all the time there is.
pub(super) fn node(key: SeatKey, parent: impl Into<Option<SeatKey>>) -> Node {
    let (parent, order) = (parent.into(), u32::try_from(key).unwrap());
    Node {
        key,
        parent,
        ordered: false,
        order,
        shutdown: Shutdown::UntilDeadline,
        busy: false,
        works: false,
        hook: true,
    }
}

/// The same, but static.
pub(super) fn fixed(key: SeatKey, parent: SeatKey) -> Node {
    Node { ordered: true, ..node(key, parent) }
}

impl Node {
    pub(super) fn busy(self) -> Self {
        Self { busy: true, works: true, ..self }
    }

    /// A runner without a turn.
    pub(super) fn open(self) -> Self {
        Self { busy: true, ..self }
    }

    pub(super) fn without_hook(self) -> Self {
        Self { hook: false, ..self }
    }

    pub(super) fn within(self, millis: u64) -> Self {
        Self { shutdown: Shutdown::within(Duration::from_millis(millis)), ..self }
    }

    pub(super) fn brutal(self) -> Self {
        Self { shutdown: Shutdown::Brutal, ..self }
    }
}

/// What came out of a plan since it was last looked at, and when it wants to be woken.
#[derive(Default)]
pub(super) struct Rig {
    pub(super) plan: StopPlan,
    pub(super) wake: Option<Time>,
    untils: BTreeMap<SeatKey, Time>,
    pub(super) rows: Vec<EndRow>,
    pub(super) receipts: Vec<(u64, Vec<EndRow>)>,
    /// Whom no thread has come for: their hooks have not begun, and what was cut of them is not stuck.
    pub(super) waiting: BTreeSet<SeatKey>,
    now: u64,
    requests: u64,
}

/// An action without the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Hook(SeatKey),
    Abort(SeatKey),
    Ended(SeatKey),
    Finished(u64),
}
pub(super) use Did::{Abort, Ended, Finished, Hook};

impl Rig {
    pub(super) fn now(&mut self, millis: u64) -> &mut Self {
        self.now = millis;
        self
    }

    pub(super) fn input(&mut self, input: Notice) -> Vec<Did> {
        let mut out = Vec::new();
        self.plan.step(input, at(self.now), &mut out);
        let mut did = Vec::new();
        let mut out = VecDeque::from(out);
        while let Some(action) = out.pop_front() {
            match action {
                Command::Look { key } => {
                    let is_there = !self.waiting.contains(&key);
                    let mut more = Vec::new();
                    let looked = Notice::Looked { key, has_begun: is_there, blocks: is_there };
                    self.plan.step(looked, at(self.now), &mut more);
                    out.extend(more);
                }
                Command::Hook { key, until } => {
                    assert!(until > at(self.now), "a hook begins with time");
                    self.untils.insert(key, until);
                    did.push(Hook(key));
                }
                Command::Abort { key } => did.push(Abort(key)),
                Command::Ended(row) => {
                    did.push(Ended(row.key));
                    self.rows.push(row);
                }
                Command::Finished { request, rows } => {
                    did.push(Finished(request));
                    self.receipts.push((request, rows));
                }
                Command::WakeAt(time) => self.wake = Some(time),
            }
        }
        did
    }

    /// A request with the next id, the first being 0.
    pub(super) fn stop(&mut self, root: SeatKey, nodes: Vec<Node>, deadline: u64) -> Vec<Did> {
        self.request(root, nodes, deadline, false)
    }

    pub(super) fn stop_brutally(&mut self, root: SeatKey, nodes: Vec<Node>, deadline: u64) -> Vec<Did> {
        self.request(root, nodes, deadline, true)
    }

    fn request(&mut self, root: SeatKey, nodes: Vec<Node>, deadline: u64, brutal: bool) -> Vec<Did> {
        let request = self.requests;
        self.requests += 1;
        self.input(Notice::Request { request, root, nodes, deadline: at(deadline), brutal })
    }

    pub(super) fn turn(&mut self, key: SeatKey, end: TurnEnd) -> Vec<Did> {
        self.input(Notice::TurnEnded { key, end })
    }

    pub(super) fn hook(&mut self, key: SeatKey, end: HookEnd) -> Vec<Did> {
        self.input(Notice::HookEnded { key, end })
    }

    pub(super) fn done(&mut self, key: SeatKey) -> Vec<Did> {
        self.hook(key, HookEnd::Done)
    }

    pub(super) fn tick(&mut self, millis: u64) -> Vec<Did> {
        self.now(millis).input(Notice::Tick)
    }

    pub(super) fn row(&self, key: SeatKey) -> &EndRow {
        self.rows.iter().find(|row| row.key == key).expect("it has ended")
    }

    pub(super) fn end(&self, key: SeatKey) -> End {
        self.row(key).end
    }

    pub(super) fn fault(&self, key: SeatKey) -> Option<HookFault> {
        self.row(key).hook.clone()
    }

    /// The deadline that its hook was given.
    pub(super) fn until(&self, key: SeatKey) -> Time {
        self.untils[&key]
    }

    /// The keys of a request's rows.
    pub(super) fn named(&self, request: u64) -> Vec<SeatKey> {
        let (_, rows) = self.receipts.iter().find(|(id, _)| *id == request).expect("it has finished");
        rows.iter().map(|row| row.key).collect()
    }
}
