//! An agent that does whatever it is told, well or badly, and what it can be told.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use skep::{
    Agent, AgentError, AgentRef, AgentSpec, Answer, Context, Exit, NanoUsd, Orphans, Question, Repeat, Retry,
    Shutdown, StopContext, Usage,
};

use crate::ms;

/// What a task has its agent do, one after another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Act {
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
    /// An effect that says nothing of its cost, or that it is free, and what it bills all the same.
    Unpriced {
        free: bool,
        used: u64,
        takes: u64,
    },
    /// A child of the task, which is given a task of its own.
    Child(String, Vec<Act>),
    /// A child of the agent.
    OwnChild(String, Vec<Act>),
    /// A scope with a child; closed, or dropped.
    Scope(String, Vec<Act>, bool),
    /// Asks the agent beside the tree, and drops the ask after so long.
    Ask(Vec<Act>, u64),
    /// The same with any agent that the storm has met: the n-th, in this way, for so long.
    Neighbour(u64, Way, Vec<Act>, u64),
    /// A child of the task, whose answer passes from this attempt on.
    Accept(String, Vec<Act>, u32),
    /// Its answer says which attempt it is.
    Attempt,
    /// Asks upwards: how who stands so far above deals with it, and for how long.
    Question(Deal, usize, u64),
    /// Nothing, until the last attempt has failed: then how that is dealt with.
    Helped(Deal),
}

/// How another agent is given a task.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Way {
    Ask,
    Try,
    Tell,
    Detach,
    /// Twice, side by side, each in a branch of its own.
    Branches,
}

/// How a question, or a task that has failed for good, is dealt with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Deal {
    Answer,
    PassUp,
    Fail,
    Panic,
    Slow(u64),
    Hang,
    Pay(u64),
    AskUp,
    Neighbour(u64),
    Spawn(String),
}

/// Agents that the storm has met, for those who ask each other.
#[derive(Default)]
pub(crate) struct Neighbours(Mutex<Vec<AgentRef<Imp>>>);

impl Neighbours {
    pub(crate) fn met(&self, agent: &AgentRef<Imp>) {
        let mut met = self.0.lock().unwrap();
        if met.len() < 24 && met.iter().all(|known| known.id() != agent.id()) {
            met.push(agent.clone());
        }
    }

    /// They hold the swarm that holds them.
    pub(crate) fn part(&self) {
        self.0.lock().unwrap().clear();
    }

    fn pick(&self, number: u64) -> Option<AgentRef<Imp>> {
        let met = self.0.lock().unwrap();
        let count = u64::try_from(met.len()).ok().filter(|count| *count > 0)?;
        usize::try_from(number % count).ok().and_then(|at| met.get(at).cloned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    Ready,
    Slow(u64),
    FailsAt(u32),
    PanicsAt(u32),
    HangsAt(u32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hook {
    Ready,
    Slow(u64),
    Hangs,
    Deaf,
    Panics,
    Fails,
    Spends(u64),
    /// Asks the agent beside the tree.
    Asks(u64),
}

/// An agent that does as it is told.
pub struct Imp {
    pub start: Start,
    pub hook: Hook,
    pub beside: Option<AgentRef<Imp>>,
}

impl Imp {
    pub fn spec(name: impl Into<String>) -> AgentSpec<Self> {
        Self::with(name, Start::Ready, Hook::Ready, None)
    }

    pub fn with(
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
            Act::Unpriced { free, used, takes } => {
                let effect = cx.effect("call-0", used).deadline(ms(900));
                let effect = if *free { effect.free() } else { effect };
                let (env, used, takes) = (cx.env(), *used, ms(*takes));
                let call = |call: skep::Call| async move {
                    env.sleep_until(env.now() + takes).await;
                    call.used(amount(used));
                    Ok(used)
                };
                return Ok(effect.run(call).await?);
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
            Act::Neighbour(number, way, acts, patience) => {
                let Some(other) = neighbour(*number, cx) else { return Ok(0) };
                return ask(&other, *way, acts, *patience, cx).await;
            }
            Act::Accept(name, acts, least) => {
                let (child, least) = (cx.spawn(self.another(name)).await?, u64::from(*least));
                let passes = move |output: &u64| if *output < least { Err("too early") } else { Ok(()) };
                return Ok(child.ask(acts.clone()).accept(passes).await?);
            }
            Act::Attempt => return Ok(u64::from(cx.attempt())),
            Act::Question(deal, above, patience) => {
                let question = Question::about("deal").with((deal, above))?;
                return cx.ask_parent(question).within(ms(*patience)).await?.read();
            }
            Act::Helped(_) => {}
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

fn neighbour(number: u64, cx: &Context) -> Option<AgentRef<Imp>> {
    cx.get::<Arc<Neighbours>>()?.pick(number)
}

async fn ask(
    other: &AgentRef<Imp>,
    way: Way,
    acts: &[Act],
    patience: u64,
    cx: &Context,
) -> Result<u64, AgentError> {
    let (acts, patience) = (acts.to_vec(), ms(patience));
    match way {
        Way::Ask => Ok(other.ask(acts).within(patience).await?),
        Way::Try => Ok(other.try_ask(acts)?.await?),
        Way::Tell => Ok(other.tell(acts).map(|()| 0)?),
        Way::Detach => Ok(other.ask(acts).within(patience).detach().map(|_| 0)?),
        Way::Branches => {
            let one = cx.branch("one").ask(other, acts.clone()).within(patience);
            let (one, two) = tokio::join!(one, cx.branch("two").ask(other, acts).within(patience));
            Ok(one? + two?)
        }
    }
}

/// What comes of it; nothing hands it on.
async fn deal_with(deal: &Deal, cx: &Context) -> Result<Option<u64>, AgentError> {
    match deal {
        Deal::Answer => {}
        Deal::PassUp => return Ok(None),
        Deal::Fail => return Err(AgentError::message("told to fail")),
        Deal::Panic => panic!("told to"),
        Deal::Slow(time) => cx.sleep(ms(*time)).await?,
        Deal::Hang => std::future::pending().await,
        Deal::Pay(calls) => {
            let calls = *calls;
            let pay = |call: skep::Call| async move {
                call.used(amount(calls));
                Ok(())
            };
            cx.effect("call-0", calls).worst_case(amount(calls)).run(pay).await?;
        }
        Deal::AskUp => {
            let question = Question::about("deal").with((Deal::Answer, 1))?;
            return Ok(Some(cx.ask_parent(question).within(ms(500)).await?.read()?));
        }
        Deal::Neighbour(number) => {
            if let Some(other) = neighbour(*number, cx) {
                return Ok(Some(cx.ask(&other, vec![Act::Step]).within(ms(500)).await?));
            }
        }
        Deal::Spawn(name) => {
            let child = Imp::spec(name).shutdown(Shutdown::within(ms(200)));
            cx.agent().spawn(child).await?.tell(vec![Act::Sleep(50)]).ok();
        }
    }
    Ok(Some(1))
}

/// How far above the first the second stands.
fn levels_above(below: &skep::AgentId, above: &skep::AgentId) -> usize {
    let depth = |id: &skep::AgentId| id.as_str().matches('.').count();
    depth(below).saturating_sub(depth(above))
}

#[derive(Clone, Copy)]
struct Pay {
    used: u64,
    takes: u64,
    says: bool,
}

/// So many calls, with tokens and money to them.
pub fn amount(calls: u64) -> Usage {
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

    async fn on_question(question: Question, cx: Context) -> Result<Option<Answer>, AgentError> {
        let (deal, above): (Deal, usize) = question.read()?;
        match question.from() {
            Some(from) if levels_above(from, cx.id()) >= above => {
                deal_with(&deal, &cx).await?.map(Answer::of).transpose()
            }
            _ => Ok(None),
        }
    }

    async fn on_help(acts: &Vec<Act>, _: &[AgentError], cx: &Context) -> Result<Option<u64>, AgentError> {
        let helped = acts.iter().find_map(|act| if let Act::Helped(deal) = act { Some(deal) } else { None });
        match helped {
            Some(deal) => deal_with(deal, cx).await,
            None => Ok(None),
        }
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
            Hook::Asks(patience) => {
                if let Some(beside) = &self.beside {
                    cx.ask(beside, vec![Act::Step]).within(ms(patience)).await?;
                }
            }
        }
        Ok(())
    }
}
