//! Random trees of agents with random policies, and an agent that does whatever it is told, well or badly.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep::testkit::Dice;
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, Backoff, Budget, Context, Exit, NanoUsd, OnRefusal, Orphans,
    Repeat, Restart, Retry, Shutdown, StopContext, Strategy, Supervisor, Usage,
};

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What a task has its agent do, one after another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Act {
    Sleep(u64),
    /// Sleeps and does not listen to its cancel.
    SleepDeaf(u64),
    Hang,
    Step,
    Panic,
    PanicOnce,
    Fail,
    Crash,
    Redeliver,
    Exit,
    Hold,
    Say,
    Spend {
        kind: u64,
        worst: u64,
        used: u64,
        takes: u64,
        tries: u32,
        says: bool,
        once: bool,
    },
    /// A child of the task, which is given a task of its own.
    Child(String, Vec<Act>),
    /// A child of the agent.
    OwnChild(String, Vec<Act>),
    /// A scope with a child; closed, or dropped.
    Scope(String, Vec<Act>, bool),
    /// Asks the agent beside the tree, and drops the ask after so long.
    Ask(Vec<Act>, u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    Ready,
    Slow(u64),
    FailsAt(u32),
    PanicsAt(u32),
    HangsAt(u32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Hook {
    Ready,
    Slow(u64),
    Hangs,
    Deaf,
    Panics,
    Fails,
    Spends(u64),
}

/// An agent that does as it is told.
pub(crate) struct Imp {
    pub(crate) start: Start,
    pub(crate) hook: Hook,
    pub(crate) beside: Option<AgentRef<Imp>>,
}

impl Imp {
    pub(crate) fn spec(name: impl Into<String>) -> AgentSpec<Self> {
        Self::with(name, Start::Ready, Hook::Ready, None)
    }

    pub(crate) fn with(
        name: impl Into<String>,
        start: Start,
        hook: Hook,
        beside: Option<AgentRef<Self>>,
    ) -> AgentSpec<Self> {
        AgentSpec::new(name, move || Self { start, hook, beside: beside.clone() })
    }

    async fn act(&self, act: &Act, cx: &Context) -> Result<u64, AgentError> {
        match act {
            Act::Sleep(time) => cx.sleep(ms(*time)).await?,
            Act::SleepDeaf(time) => cx.env().sleep_until(cx.now() + ms(*time)).await,
            Act::Hang => std::future::pending().await,
            Act::Step => cx.step("step").await?,
            Act::Panic => panic!("told to"),
            Act::PanicOnce if cx.attempt() == 1 => panic!("told to, once"),
            Act::PanicOnce => {}
            Act::Fail => return Err(AgentError::message("told to fail")),
            Act::Crash => return Err(AgentError::crash("told to crash")),
            Act::Redeliver => return Err(AgentError::redeliver(AgentError::message("told to come again"))),
            Act::Exit => cx.exit(Exit::Normal),
            Act::Hold => drop(cx.hold("lock", ())),
            Act::Say => cx.progress("working"),
            Act::Spend { kind, worst, used, takes, tries, says, once } => {
                let pay = Pay { used: *used, takes: *takes, says: *says };
                let repeat = if *once { Repeat::Once } else { Repeat::Pure };
                let effect =
                    cx.effect(format!("call-{kind}"), worst).worst_case(amount(*worst)).repeat(repeat);
                let env = cx.env();
                let fails_before = *tries;
                let spent = effect.deadline(ms(900)).retry(Retry::times(*tries).backoff(ms(5), ms(20)));
                let spent = spent
                    .run(|call| async move {
                        env.sleep_until(env.now() + ms(pay.takes)).await;
                        if pay.says {
                            call.used(amount(pay.used));
                        }
                        if call.number() < fails_before {
                            Err(AgentError::message("a try fails"))
                        } else {
                            Ok(pay.used)
                        }
                    })
                    .await?;
                return Ok(spent);
            }
            Act::Child(name, acts) => {
                let child = cx.spawn(self.another(name)).await?;
                return Ok(child.ask(acts.clone()).await?);
            }
            Act::OwnChild(name, acts) => {
                let child = cx.agent().spawn(self.another(name)).await?;
                child.tell(acts.clone()).ok();
            }
            Act::Scope(name, acts, is_closed) => {
                let scope = cx.scope("scope")?;
                let child = scope.spawn(self.another(name)).await?;
                let answer = child.ask(acts.clone()).await;
                if *is_closed {
                    drop(scope.close(skep::Stop::within(ms(300))).await);
                }
                return Ok(answer?);
            }
            Act::Ask(acts, patience) => {
                let Some(beside) = &self.beside else { return Ok(0) };
                return Ok(beside.ask(acts.clone()).within(ms(*patience)).await?);
            }
        }
        Ok(0)
    }

    fn another(&self, name: &str) -> AgentSpec<Self> {
        let (hook, beside) = (self.hook, self.beside.clone());
        let spec = Self::with(name, Start::Ready, hook, beside).shutdown(Shutdown::within(ms(200)));
        // By the name, so that the same name is the same agent.
        match name.bytes().last() {
            Some(b'1') => spec.when_orphaned(Orphans::Adopt),
            Some(b'2') => spec.when_orphaned(Orphans::UntilDone),
            _ => spec,
        }
    }
}

#[derive(Clone, Copy)]
struct Pay {
    used: u64,
    takes: u64,
    says: bool,
}

/// So many calls, with tokens and money to them.
pub(crate) fn amount(calls: u64) -> Usage {
    Usage::calls(calls).with_tokens(calls * 10, calls * 3).with_money(NanoUsd(calls * 1_000))
}

impl Agent for Imp {
    type Task = Vec<Act>;
    type Output = u64;

    async fn start(&mut self, cx: &Context) -> Result<(), AgentError> {
        match self.start {
            Start::Ready => {}
            Start::Slow(time) => cx.sleep(ms(time)).await?,
            Start::FailsAt(life) if cx.incarnation() == life => {
                return Err(AgentError::message("told to fail"));
            }
            Start::PanicsAt(life) if cx.incarnation() == life => panic!("told to"),
            Start::HangsAt(life) if cx.incarnation() == life => std::future::pending().await,
            Start::FailsAt(_) | Start::PanicsAt(_) | Start::HangsAt(_) => {}
        }
        Ok(())
    }

    async fn handle(&mut self, acts: &Vec<Act>, cx: &Context) -> Result<u64, AgentError> {
        let mut sum = 0;
        for act in acts {
            sum += self.act(act, cx).await?;
        }
        Ok(sum)
    }

    async fn stop(&mut self, cx: &StopContext) -> Result<(), AgentError> {
        match self.hook {
            Hook::Ready => {}
            Hook::Slow(time) => cx.sleep(ms(time)).await?,
            Hook::Hangs => cx.sleep(ms(3_600_000)).await?,
            Hook::Deaf => std::future::pending().await,
            Hook::Panics => panic!("told to"),
            Hook::Fails => return Err(AgentError::message("told to fail")),
            Hook::Spends(calls) => {
                let effect = cx.effect("call-0", calls).worst_case(amount(calls));
                let spend = |call: skep::Call| async move {
                    call.used(amount(calls));
                    Ok(())
                };
                effect.run(spend).await?;
            }
        }
        Ok(())
    }
}

/// What a forest is grown with.
#[derive(Clone, Copy)]
pub(crate) struct Soil {
    pub(crate) depth: u64,
    pub(crate) fan_out: u64,
    /// Of a thousand starts and hooks, how many misbehave.
    pub(crate) bad: u64,
    pub(crate) budgets: bool,
}

impl Soil {
    pub(crate) const WILD: Self = Self { depth: 3, fan_out: 3, bad: 300, budgets: false };
    pub(crate) const TAME: Self = Self { depth: 3, fan_out: 3, bad: 0, budgets: true };
}

/// Grows trees, each agent with a name of its own.
pub(crate) struct Forest {
    pub(crate) dice: Dice,
    pub(crate) soil: Soil,
    pub(crate) names: Vec<String>,
    pub(crate) beside: Option<AgentRef<Imp>>,
}

impl Forest {
    pub(crate) fn new(dice: Dice, soil: Soil, beside: Option<AgentRef<Imp>>) -> Self {
        Self { dice, soil, names: Vec::new(), beside }
    }

    /// A tree of which an imp is the top.
    pub(crate) fn tree(&mut self) -> AgentSpec<Imp> {
        let spec = self.imp(self.soil.depth);
        self.policies(spec)
    }

    /// A tree under a supervisor that does nothing else.
    pub(crate) fn supervised(&mut self) -> AgentSpec<Supervisor> {
        let name = self.name("sup");
        let spec = match self.dice.below(3) {
            0 => Supervisor::one_for_one(),
            1 => Supervisor::one_for_all(),
            _ => Supervisor::rest_for_one(),
        };
        let mut spec = spec.named(name).intensity(self.dice.below(4) as u32, ms(5_000));
        for _ in 0..self.dice.between(1, self.soil.fan_out) {
            let child = self.imp(self.soil.depth.saturating_sub(1));
            spec = spec.child(self.policies(child));
        }
        spec
    }

    pub(crate) fn name(&mut self, kind: &str) -> String {
        let name = format!("{kind}-{}", self.names.len());
        self.names.push(name.clone());
        name
    }

    fn imp(&mut self, depth: u64) -> AgentSpec<Imp> {
        let name = self.name("imp");
        let (start, hook) = (self.start(), self.hook());
        let mut spec = Imp::with(name, start, hook, self.beside.clone());
        if depth > 0 {
            for _ in 0..self.dice.below(self.soil.fan_out + 1) {
                if self.dice.chance(200) {
                    let child = self.supervised_below(depth - 1);
                    spec = spec.child(child);
                } else {
                    let child = self.imp(depth - 1);
                    spec = spec.child(self.policies(child));
                }
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
        if self.soil.budgets && dice.chance(500) {
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
        match dice.below(7) {
            _ if !dice.chance(self.soil.bad) => Hook::Ready,
            0 => Hook::Hangs,
            1 => Hook::Deaf,
            2 => Hook::Panics,
            3 => Hook::Fails,
            4 => Hook::Spends(dice.between(1, 3)),
            _ => Hook::Slow(dice.between(1, 300)),
        }
    }
}

/// A budget small enough to be hit.
pub(crate) fn budget(dice: &mut Dice) -> Budget {
    let most = dice.between(1, 40);
    let budget = match dice.below(3) {
        0 => Budget::new().calls(most),
        1 => Budget::new().tokens(most * 13),
        _ => Budget::new().money(NanoUsd(most * 1_000)),
    };
    let budget = if dice.chance(300) { budget.every(ms(dice.between(50, 2_000))) } else { budget };
    budget.on_refusal(*dice.pick(&[OnRefusal::Fail, OnRefusal::Fail, OnRefusal::Warn, OnRefusal::Stop]))
}

/// What an agent is told to do: mostly work, of every kind.
pub(crate) fn acts(dice: &mut Dice, depth: u64) -> Vec<Act> {
    let count = dice.between(1, 4);
    (0..count).map(|_| act(dice, depth)).collect()
}

fn act(dice: &mut Dice, depth: u64) -> Act {
    let name = format!("child-{}", dice.below(4));
    match dice.below(if depth == 0 { 19 } else { 24 }) {
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
        19 | 20 => Act::Child(name, acts(dice, depth - 1)),
        21 => Act::OwnChild(name, acts(dice, depth - 1)),
        22 => Act::Scope(name, acts(dice, depth - 1), dice.chance(500)),
        23 => Act::Ask(acts(dice, 0), dice.between(1, 800)),
        _ => spend(dice),
    }
}

/// An effect: mostly as it said, at times above its worst case, at times without a word.
pub(crate) fn spend(dice: &mut Dice) -> Act {
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
