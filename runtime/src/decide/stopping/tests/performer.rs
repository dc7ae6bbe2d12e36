//! A small world that performs a plan's actions on a clock of its own, and holds every step against what it knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::rig::at;
use crate::decide::stopping::{Command, EndRow, HookEnd, Node, Notice, RequestId, StopPlan, TurnEnd};
use crate::words::ends::{End, HookFault};
use crate::words::policy::Shutdown;
use crate::words::time::Time;

/// How long something runs, in milliseconds; `None` is for ever.
#[derive(Clone, Debug)]
pub(super) struct Run<E> {
    pub(super) takes: Option<u64>,
    pub(super) end: E,
    /// From its abort to the confirmation.
    pub(super) confirms: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// An earlier agent; the first has none.
    pub(super) parent: Option<usize>,
    pub(super) ordered: bool,
    pub(super) shutdown: Shutdown,
    pub(super) turn: Option<Run<TurnEnd>>,
    pub(super) hook: Option<Run<HookEnd>>,
    /// It ends by itself so long after the fence, if it is idle.
    pub(super) exits: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) at: u64,
    pub(super) root: usize,
    pub(super) within: u64,
    pub(super) brutal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Nothing,
    Turn,
    Hook,
}

/// What the world knows of an agent.
#[derive(Clone, Debug)]
struct Life {
    fenced: Option<Time>,
    running: Running,
    aborted: bool,
    gone: Option<End>,
    hook: Option<(End, Option<HookFault>)>,
    brutal: bool,
    ended: Option<EndRow>,
    /// How many ended before it.
    place: usize,
}

/// An unfinished stop, as the world knows it.
#[derive(Debug)]
struct Asked {
    root: usize,
    alive: BTreeSet<u64>,
    deadline: Time,
    abort: Time,
}

pub(super) struct World {
    agents: Vec<Agent>,
    lives: Vec<Life>,
    plan: StopPlan,
    now: Time,
    events: BTreeMap<(Time, u64), Notice>,
    planned: u64,
    wake: Option<Time>,
    asked: BTreeMap<RequestId, Asked>,
    /// Agents that have been the root of a request.
    roots: BTreeSet<usize>,
    pub(super) log: Vec<(Time, Command)>,
}

impl World {
    /// Plays all of it to the end.
    pub(super) fn play(agents: &[Agent], stops: &[Stop]) -> Self {
        let life = Life {
            fenced: None,
            running: Running::Nothing,
            aborted: false,
            gone: None,
            hook: None,
            brutal: false,
            ended: None,
            place: 0,
        };
        let mut world = Self {
            agents: agents.to_vec(),
            lives: vec![life; agents.len()],
            plan: StopPlan::new(),
            now: Time::ZERO,
            events: BTreeMap::new(),
            planned: 0,
            wake: None,
            asked: BTreeMap::new(),
            roots: BTreeSet::new(),
            log: Vec::new(),
        };
        let mut stops = stops.to_vec();
        stops.sort_by_key(|stop| stop.at);
        for (id, stop) in stops.iter().enumerate() {
            world.run_until(at(stop.at));
            world.ask(id as u64, stop);
        }
        world.run_until(Time::NEVER);
        assert!(world.asked.is_empty(), "every request finishes");
        assert!(world.plan.is_empty() && world.plan.due.is_empty() && world.plan.receipts.is_empty());
        assert!(world.plan.loose.is_empty());
        world
    }

    pub(super) fn row(&self, agent: usize) -> Option<&EndRow> {
        self.lives[agent].ended.as_ref()
    }

    fn run_until(&mut self, end: Time) {
        loop {
            let event = self.events.first_key_value().map(|(key, _)| *key);
            let wake = self.wake.filter(|wake| event.is_none_or(|(time, _)| *wake < time));
            let Some(next) = wake.or(event.map(|(time, _)| time)).filter(|next| *next < end) else { break };
            self.now = next;
            match event.filter(|_| wake.is_none()) {
                Some(key) => {
                    let input = self.events.remove(&key).unwrap();
                    self.report(input);
                }
                None => {
                    self.wake = None;
                    self.step(Notice::Tick);
                }
            }
        }
        if end != Time::NEVER {
            self.now = end;
        }
    }

    fn is_within(&self, agent: usize, root: usize) -> bool {
        std::iter::successors(Some(agent), |agent| self.agents[*agent].parent).any(|above| above == root)
    }

    fn ask(&mut self, id: RequestId, stop: &Stop) {
        let root = stop.root;
        if self.lives[root].ended.is_some() {
            return;
        }
        let subtree: Vec<usize> = (0..self.agents.len())
            .filter(|agent| self.is_within(*agent, root) && self.lives[*agent].ended.is_none())
            .collect();
        let deadline = self.now + Duration::from_millis(stop.within);
        let patience = Duration::from_millis((stop.within / 10).max(50));
        let abort = (deadline - patience).max(self.now);
        let request = self.plan.request_of_root(root as u64).unwrap_or(id);
        let alive = subtree.iter().map(|agent| *agent as u64).collect();
        let asked = self.asked.entry(request).or_insert(Asked { root, alive, deadline, abort });
        asked.deadline = asked.deadline.min(deadline);
        asked.abort = asked.abort.min(abort);
        self.roots.insert(root);
        let mut nodes = Vec::new();
        for agent in subtree {
            self.lives[agent].brutal |= stop.brutal;
            if !self.plan.is_stopping(agent as u64) {
                nodes.push(self.fence(agent));
            }
        }
        self.step(Notice::Request { request, root: root as u64, nodes, deadline, brutal: stop.brutal });
    }

    fn fence(&mut self, agent: usize) -> Node {
        let Agent { parent, ordered, shutdown, turn, hook, exits } = self.agents[agent].clone();
        let key = agent as u64;
        let life = &mut self.lives[agent];
        life.fenced = Some(self.now);
        life.brutal |= shutdown == Shutdown::Brutal;
        if let Some(turn) = &turn {
            life.running = Running::Turn;
            self.later(turn.takes, Notice::TurnEnded { key, end: turn.end });
        } else {
            self.later(exits, Notice::TurnEnded { key, end: TurnEnd::Exited });
        }
        let parent = parent.map(|parent| parent as u64);
        let order = u32::try_from(agent).unwrap();
        Node {
            key,
            parent,
            ordered,
            order,
            shutdown,
            busy: turn.is_some(),
            works: turn.is_some(),
            hook: hook.is_some(),
        }
    }

    fn later(&mut self, millis: Option<u64>, input: Notice) {
        if let Some(millis) = millis {
            self.planned += 1;
            self.events.insert((self.now + Duration::from_millis(millis), self.planned), input);
        }
    }

    /// Passes a report on, if what it reports of still runs; a Stuck one reports too.
    fn report(&mut self, input: Notice) {
        let (key, of) = match &input {
            Notice::TurnEnded { key, end: TurnEnd::Exited } if self.agents[*key as usize].turn.is_none() => {
                (*key, Running::Nothing)
            }
            Notice::TurnEnded { key, .. } => (*key, Running::Turn),
            Notice::HookEnded { key, .. } => (*key, Running::Hook),
            _ => unreachable!("only reports are events"),
        };
        let life = &mut self.lives[key as usize];
        if life.running != of || life.hook.is_some() {
            return;
        }
        if life.ended.is_none() {
            match &input {
                Notice::TurnEnded { end: TurnEnd::Exited, .. } => life.gone = Some(End::AlreadyStopped),
                Notice::TurnEnded { end: TurnEnd::Returned, .. } => {}
                Notice::TurnEnded { .. } => life.gone = Some(End::Aborted),
                Notice::HookEnded { end, .. } => {
                    life.hook = Some(match end {
                        _ if life.aborted => (End::Aborted, None),
                        HookEnd::Done => (End::Clean, None),
                        HookEnd::Failed(_) => (End::Clean, Some(HookFault::Failed("oh\\nno".into()))),
                        HookEnd::Panicked(_) => (End::Aborted, Some(HookFault::Panicked("ah\\nno".into()))),
                        HookEnd::Dropped => unreachable!("only after an abort"),
                    });
                }
                _ => {}
            }
        }
        life.running = Running::Nothing;
        life.aborted = false;
        self.step(input);
    }

    fn step(&mut self, input: Notice) {
        let mut out = Vec::new();
        self.plan.step(input, self.now, &mut out);
        let mut out = VecDeque::from(out);
        while let Some(action) = out.pop_front() {
            self.log.push((self.now, action.clone()));
            match action {
                Command::Look { key } => {
                    // Whoever runs has begun, and what does not confirm blocks its thread.
                    let is_there = self.lives[key as usize].running != Running::Nothing;
                    let mut more = Vec::new();
                    let looked = Notice::Looked { key, has_begun: is_there, blocks: is_there };
                    self.plan.step(looked, self.now, &mut more);
                    out.extend(more);
                }
                Command::Hook { key, until } => self.begin_hook(key as usize, until),
                Command::Abort { key } => self.abort(key as usize),
                Command::Ended(row) => self.ended(row),
                Command::Finished { request, rows } => self.finished(request, &rows),
                Command::WakeAt(time) => {
                    assert!(time > self.now, "what is due now is done now");
                    self.wake = Some(time);
                }
            }
        }
        self.look_at_all();
    }

    fn begin_hook(&mut self, agent: usize, until: Time) {
        let spec = self.agents[agent].hook.clone().expect("it has a hook");
        let life = &self.lives[agent];
        assert!(life.ended.is_none() && life.running == Running::Nothing && life.hook.is_none());
        assert!(life.gone.is_none() && !life.brutal, "no hook for {agent}");
        assert!(until > self.now);
        for (other, its) in self.lives.iter().enumerate() {
            assert!(other == agent || !self.is_within(other, agent) || its.ended.is_some(), "children first");
        }
        // From this agent up to the next root of a request, all have come to their place.
        let mut place = agent;
        while !self.roots.contains(&place) {
            let parent = self.agents[place].parent.expect("a request's root is above");
            for (sibling, its) in self.lives.iter().enumerate() {
                let before_it = !self.agents[sibling].ordered || sibling > place;
                if self.agents[sibling].parent == Some(parent) && self.agents[place].ordered && before_it {
                    assert!(its.ended.is_some(), "{sibling} comes before {place}");
                }
            }
            place = parent;
        }
        let key = agent as u64;
        self.later(spec.takes, Notice::HookEnded { key, end: spec.end });
        self.lives[agent].running = Running::Hook;
    }

    fn abort(&mut self, agent: usize) {
        let life = &mut self.lives[agent];
        assert!(life.ended.is_none() && life.running != Running::Nothing && !life.aborted);
        life.aborted = true;
        let key = agent as u64;
        if life.running == Running::Turn {
            let confirms = self.agents[agent].turn.as_ref().and_then(|turn| turn.confirms);
            self.later(confirms, Notice::TurnEnded { key, end: TurnEnd::Dropped });
        } else {
            let confirms = self.agents[agent].hook.as_ref().and_then(|hook| hook.confirms);
            self.later(confirms, Notice::HookEnded { key, end: HookEnd::Dropped });
        }
    }

    fn ended(&mut self, row: EndRow) {
        let agent = row.key as usize;
        for (other, its) in self.lives.iter().enumerate() {
            let below = other != agent && self.is_within(other, agent);
            assert!(!below || its.ended.is_some(), "{other} ends before {agent}");
        }
        let place = self.lives.iter().filter(|life| life.ended.is_some()).count();
        let spec = &self.agents[agent];
        let life = &mut self.lives[agent];
        assert!(life.ended.is_none(), "an agent ends once");
        let hook_aborted = life.running == Running::Hook || life.hook == Some((End::Aborted, None));
        let expected = match (&life.gone, &life.hook) {
            _ if life.running != Running::Nothing => {
                assert!(life.aborted, "what is Stuck was aborted before");
                End::Stuck
            }
            (Some(gone), _) => *gone,
            (None, Some((end, _))) => *end,
            (None, None) if spec.hook.is_some() || life.brutal => End::Aborted,
            (None, None) => End::Clean,
        };
        assert_eq!(row.end, expected, "{agent}");
        assert_eq!(row.brutal, life.brutal);
        assert_eq!(row.took, self.now.since(life.fenced.expect("only what is fenced ends")));
        match &row.hook {
            Some(HookFault::Hung) => assert!(hook_aborted),
            None if hook_aborted => assert!(life.brutal, "only brutality leaves a cut hook without a fault"),
            fault => assert_eq!(*fault, life.hook.clone().and_then(|(_, fault)| fault)),
        }
        life.ended = Some(row);
        life.place = place;
    }

    fn finished(&mut self, request: RequestId, rows: &[EndRow]) {
        let asked = self.asked.remove(&request).expect("it was asked for, and finishes once");
        assert!(self.now <= asked.deadline, "by its deadline");
        let named: BTreeSet<u64> = rows.iter().map(|row| row.key).collect();
        assert_eq!((named.len(), &named), (rows.len(), &asked.alive), "all that were alive, each once");
        for row in rows {
            assert_eq!(Some(row), self.lives[row.key as usize].ended.as_ref(), "rows are shared");
        }
        let in_order = rows.is_sorted_by_key(|row| self.lives[row.key as usize].place);
        assert!(in_order, "in the order in which they ended, so children before parents");
    }

    /// What runs unaborted is within its own time and all limits above it.
    fn look_at_all(&self) {
        for (agent, life) in self.lives.iter().enumerate() {
            if life.ended.is_some()
                || life.fenced.is_none()
                || life.running == Running::Nothing
                || life.aborted
            {
                continue;
            }
            assert!(!life.brutal);
            if let (Running::Turn, Shutdown::Within(span)) = (life.running, self.agents[agent].shutdown) {
                assert!(life.fenced.is_some_and(|fenced| self.now < fenced + span));
            }
            for asked in self.asked.values().filter(|asked| self.is_within(agent, asked.root)) {
                assert!(self.now < asked.abort, "{agent} runs beyond a limit");
            }
        }
    }
}
