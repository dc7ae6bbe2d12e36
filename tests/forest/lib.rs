//! Random trees of agents with random policies, and random work for them: what the swarm tests have in common.
//!
//! A crate, so that it is compiled once and not for each of them.
#![allow(missing_docs, reason = "its words are the tests' own")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

mod imp;
pub mod storm;

use std::time::Duration;

use skep::testkit::Dice;
use skep::{
    AgentRef, AgentSpec, AutoShutdown, Backoff, Budget, NanoUsd, OnRefusal, OnStale, Orphans, Restart,
    Shutdown, Strategy, Supervisor,
};

pub use self::imp::{Act, Deal, Hook, Imp, Start, Way, amount};

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What a forest is grown with.
#[derive(Clone, Copy)]
pub struct Soil {
    pub depth: u64,
    pub fan_out: u64,
    /// Of a thousand starts and hooks, how many misbehave.
    pub bad: u64,
    /// Of a thousand agents, how many have a budget of their own.
    pub budgets: u64,
    /// So many agents, and no more are grown.
    pub most: usize,
}

impl Soil {
    pub const WILD: Self = Self { depth: 3, fan_out: 3, bad: 300, budgets: 0, most: 500 };
    pub const TAME: Self = Self { depth: 3, fan_out: 3, bad: 0, budgets: 500, most: 500 };
}

/// Grows trees, each agent with a name of its own.
pub struct Forest {
    pub dice: Dice,
    pub soil: Soil,
    pub names: Vec<String>,
    pub beside: Option<AgentRef<Imp>>,
}

impl Forest {
    pub fn new(dice: Dice, soil: Soil, beside: Option<AgentRef<Imp>>) -> Self {
        Self { dice, soil, names: Vec::new(), beside }
    }

    /// A tree of which an imp is the top.
    pub fn tree(&mut self) -> AgentSpec<Imp> {
        let spec = self.imp(self.soil.depth);
        self.policies(spec)
    }

    /// A tree under a supervisor that does nothing else.
    pub fn supervised(&mut self) -> AgentSpec<Supervisor> {
        let name = self.name("sup");
        let spec = match self.dice.below(7) {
            0 => return Supervisor::dynamic().named(name).intensity(self.dice.below(4) as u32, ms(5_000)),
            1 | 2 => Supervisor::one_for_one(),
            3 | 4 => Supervisor::one_for_all(),
            _ => Supervisor::rest_for_one(),
        };
        let auto = self.auto_shutdown();
        let mut spec = spec.named(name).intensity(self.dice.below(4) as u32, ms(5_000)).auto_shutdown(auto);
        for _ in 0..self.dice.between(1, self.soil.fan_out) {
            let child = self.imp(self.soil.depth.saturating_sub(1));
            let child = self.policies(child);
            spec = spec.child(self.significant(child, auto));
        }
        spec
    }

    /// A child that is added while its parent runs.
    pub fn late(&mut self) -> AgentSpec<Imp> {
        let child = self.imp(0);
        self.policies(child)
    }

    fn auto_shutdown(&mut self) -> AutoShutdown {
        if !self.dice.chance(100) {
            return AutoShutdown::Never;
        }
        *self.dice.pick(&[AutoShutdown::AnySignificant, AutoShutdown::AllSignificant])
    }

    fn significant(&mut self, child: AgentSpec<Imp>, auto: AutoShutdown) -> AgentSpec<Imp> {
        let may_be = auto != AutoShutdown::Never && child.policies().restart != Some(Restart::Permanent);
        if may_be && self.dice.chance(500) { child.significant() } else { child }
    }

    pub fn name(&mut self, kind: &str) -> String {
        let name = format!("{kind}-{}", self.names.len());
        self.names.push(name.clone());
        name
    }

    fn imp(&mut self, depth: u64) -> AgentSpec<Imp> {
        let name = self.name("imp");
        let (start, hook, auto) = (self.start(), self.hook(), self.auto_shutdown());
        let mut spec = Imp::with(name, start, hook, self.beside.clone()).auto_shutdown(auto);
        let children = if depth > 0 { self.dice.below(self.soil.fan_out + 1) } else { 0 };
        for _ in 0..children {
            if self.names.len() >= self.soil.most {
                break;
            }
            if self.dice.chance(200) {
                let child = self.supervised_below(depth - 1);
                spec = spec.child(child);
            } else {
                let child = self.imp(depth - 1);
                let child = self.policies(child);
                spec = spec.child(self.significant(child, auto));
            }
        }
        spec
    }

    fn supervised_below(&mut self, depth: u64) -> AgentSpec<Supervisor> {
        let soil = self.soil;
        self.soil.depth = depth;
        let spec = self.supervised();
        self.soil = soil;
        spec
    }

    fn policies(&mut self, spec: AgentSpec<Imp>) -> AgentSpec<Imp> {
        let dice = &mut self.dice;
        let restart = *dice.pick(&[Restart::Permanent, Restart::Transient, Restart::Temporary]);
        let shutdown = match dice.below(5) {
            0 => Shutdown::Brutal,
            1 => Shutdown::UntilDeadline,
            _ => Shutdown::within(ms(dice.between(10, 400))),
        };
        let strategy = *dice.pick(&[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]);
        let mut spec = spec
            .restart(restart)
            .shutdown(shutdown)
            .strategy(strategy)
            .intensity(dice.below(4) as u32, ms(5_000))
            .mailbox(dice.between(1, 8) as usize)
            .attempts(dice.between(1, 3) as u32)
            .heartbeat(ms(500), ms(2_000))
            .start_within(ms(1_500));
        if dice.chance(200) {
            let min = ms(dice.between(1, 300));
            spec = spec.backoff(Backoff { min, max: min * 4, ..Backoff::default() });
        }
        if dice.chance(150) {
            spec = spec.limit(dice.below(3) as u32, ms(dice.between(100, 5_000)));
        }
        if dice.chance(300) {
            spec = spec.when_orphaned(*dice.pick(&[Orphans::Adopt, Orphans::UntilDone]));
        }
        if dice.chance(100) {
            spec = spec.on_stale(OnStale::Report);
        }
        if dice.chance(self.soil.budgets) {
            spec = spec.budget(budget(dice));
        }
        spec
    }

    fn start(&mut self) -> Start {
        let dice = &mut self.dice;
        match dice.below(5) {
            _ if !dice.chance(self.soil.bad) => Start::Ready,
            0 => Start::FailsAt(dice.between(1, 3) as u32),
            1 => Start::PanicsAt(dice.between(2, 3) as u32),
            2 => Start::HangsAt(dice.between(2, 3) as u32),
            _ => Start::Slow(dice.between(1, 400)),
        }
    }

    fn hook(&mut self) -> Hook {
        let dice = &mut self.dice;
        match dice.below(8) {
            _ if !dice.chance(self.soil.bad) => Hook::Ready,
            0 => Hook::Hangs,
            1 => Hook::Deaf,
            2 => Hook::Panics,
            3 => Hook::Fails,
            4 => Hook::Spends(dice.between(1, 3)),
            5 => Hook::Asks(dice.between(1, 300)),
            _ => Hook::Slow(dice.between(1, 300)),
        }
    }
}

/// A budget small enough to be hit.
pub fn budget(dice: &mut Dice) -> Budget {
    let most = dice.between(1, 40);
    let budget = match dice.below(3) {
        0 => Budget::new().calls(most),
        1 => Budget::new().tokens(most * 13),
        _ => Budget::new().money(NanoUsd(most * 1_000)),
    };
    let budget = if dice.chance(300) { budget.every(ms(dice.between(50, 2_000))) } else { budget };
    let policies = [OnRefusal::Fail, OnRefusal::Fail, OnRefusal::Warn, OnRefusal::Stop, OnRefusal::Pause];
    budget.on_refusal(*dice.pick(&policies))
}

/// What an agent is told to do: mostly work, of every kind.
pub fn acts(dice: &mut Dice, depth: u64) -> Vec<Act> {
    let count = dice.between(1, 4);
    let mut acts: Vec<Act> = (0..count).map(|_| act(dice, depth)).collect();
    if dice.chance(250) {
        acts.push(Act::Helped(deal(dice)));
    }
    acts
}

fn act(dice: &mut Dice, depth: u64) -> Act {
    let name = format!("child-{}", dice.below(4));
    match dice.below(if depth == 0 { 21 } else { 29 }) {
        0..=3 => Act::Sleep(dice.between(1, 600)),
        4 => Act::SleepDeaf(dice.between(1, 1_500)),
        5 if dice.chance(500) => Act::Hang,
        5 | 6 => Act::Step,
        7 => Act::Panic,
        8 => Act::PanicOnce,
        9 => Act::Fail,
        10 => Act::Crash,
        11 => Act::Redeliver,
        12 if dice.chance(500) => Act::Exit,
        12 | 13 => Act::Hold,
        14 => Act::Say,
        19 => Act::Attempt,
        20 => Act::Question(deal(dice), dice.between(1, 3) as usize, dice.between(1, 1_500)),
        21 | 22 => Act::Child(name, acts(dice, depth - 1)),
        23 | 24 => Act::OwnChild(name, acts(dice, depth - 1)),
        25 => Act::Scope(name, acts(dice, depth - 1), dice.chance(500)),
        26 => Act::Ask(acts(dice, 0), dice.between(1, 800)),
        27 => {
            let way = *dice.pick(&[Way::Ask, Way::Ask, Way::Try, Way::Tell, Way::Detach, Way::Branches]);
            Act::Neighbour(dice.below(100), way, acts(dice, depth - 1), dice.between(1, 1_500))
        }
        28 => {
            let mut work = acts(dice, depth - 1);
            work.push(Act::Attempt);
            Act::Accept(name, work, dice.between(1, 4) as u32)
        }
        _ => spend(dice),
    }
}

fn deal(dice: &mut Dice) -> Deal {
    match dice.below(12) {
        0 => Deal::PassUp,
        1 => Deal::Fail,
        2 => Deal::Panic,
        3 => Deal::Slow(dice.between(1, 600)),
        4 => Deal::Hang,
        5 | 6 => Deal::Pay(dice.between(1, 3)),
        7 => Deal::AskUp,
        8 => Deal::Neighbour(dice.below(100)),
        9 => Deal::Spawn(format!("child-{}", dice.below(4))),
        _ => Deal::Answer,
    }
}

/// An effect: mostly as it said, at times above its worst case, at times without a word of what it used, or could cost.
pub fn spend(dice: &mut Dice) -> Act {
    if dice.chance(150) {
        let free = dice.chance(500);
        let used = if dice.chance(800) { 0 } else { dice.between(1, 4) };
        return Act::Unpriced { free, used, takes: dice.below(300) };
    }
    let worst = dice.below(6);
    let used = if dice.chance(100) { worst + dice.between(1, 4) } else { dice.below(worst + 1) };
    Act::Spend {
        kind: dice.below(3),
        worst,
        used,
        takes: dice.below(300),
        tries: dice.between(1, 3) as u32,
        says: dice.chance(800),
        once: dice.chance(100),
    }
}
