//! The resident future of an open agent: it owns the behaviour and works the mailbox off.
//!
//! ```text
//!   bring up ──▶ serve ──▶ down ──(restart)──▶ bring up
//!                  │ fenced     └──(end)──▶ gone
//!                  ▼
//!                whole ──(hook)──▶ gone
//! ```
//!
//! # Invariants
//! 1. What it reports to a stop it reports as its last act, when its behaviour is dropped and its presence given up, but
//!    for a turn that returned: then it waits, whole, for its hook.
//! 2. A runner whose generation is gone touches nothing.
//!
//! What it does once in a life is boxed: the resident future is as large as the largest thing that it holds, for each of a
//! hundred thousand agents, and that is to be a turn. The runner itself is boxed where it is spawned: tokio's task is then
//! compiled once, and not for each type of agent.

mod bring_up;
mod help;
mod in_place;
mod turn;

use std::pin::pin;
use std::sync::Arc;

use self::bring_up::Brought;
use crate::agent::Agent;
use crate::agent::context::Context;
use crate::agent::mailbox::Mailbox;
#[cfg(feature = "lab")]
use crate::agent::spawn::{Naming, SpawnPlace, spawn};
#[cfg(feature = "lab")]
use crate::agent::spec::Supervisor;
use crate::agent::task::{Over, TaskCell};
use crate::agent::typed::Typed;
use crate::decide::stopping::{HookEnd, TurnEnd};
use crate::decide::supervision::Started;
use crate::engine::pause::HeldNow;
use crate::engine::seat::Seat;
use crate::engine::seat::body::{Answered, Body, BoxFuture};
use crate::engine::seat::line::{Line, NextOrder};
pub(super) use crate::engine::seat::presence::PresenceGuard;
use crate::engine::supervise::first_start::FirstStart;
use crate::engine::turn::Turn;
use crate::env::theirs::{Sleeper, Theirs};
#[cfg(feature = "lab")]
use crate::words::event::Role;
use crate::words::event::What;
use crate::words::id::TaskId;
use crate::words::policy::{Exit, FailureClass};
use crate::words::question::Question;
use crate::words::state::StopReason;
use crate::words::time::Time;

pub(crate) type Task<A> = Arc<TaskCell<<A as Agent>::Task, <A as Agent>::Output>>;

pub(crate) struct Runner<A: Agent> {
    seat: Arc<Seat>,
    generation: u64,
    agent_type: std::marker::PhantomData<fn() -> A>,
}

/// How far a first start came when it was polled in place.
pub(crate) enum FirstPoll {
    /// It is over; with nothing if a stop came by.
    Over(Option<Started>),
    /// It goes on elsewhere, and its result will be there.
    Pending(Arc<FirstStart>),
}

/// What a runner does next.
enum RunnerStage<A> {
    BringUp,
    Brought(Brought<A>),
    Serve(Theirs<A>),
    /// Between incarnations; how a stop that comes by is told that the last one ended.
    Down(TurnEnd),
    /// Fenced, with nothing torn.
    Whole(Theirs<A>),
}

/// The last thing that a runner has to say.
enum Last {
    Nothing,
    Turn(TurnEnd),
    Hook(HookEnd),
}

/// What a runner finds when it looks for work.
enum FoundWork<A: Agent> {
    Task(Task<A>),
    Fenced,
    Exit(Exit),
    Superseded,
}

impl Seat {
    pub(crate) fn typed<A: Agent>(&self) -> &Typed<A> {
        self.body.as_any().downcast_ref().expect("a seat is asked by its own type")
    }
}

impl<A: Agent> Body for Typed<A> {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn agent_type(&self) -> &'static str {
        crate::agent::type_word::<A>()
    }

    fn has_behaviour(&self) -> bool {
        true
    }

    fn queued(&self) -> usize {
        self.mailbox.len()
    }

    fn deadlines(&self) -> Vec<(TaskId, Time)> {
        self.mailbox.deadlines()
    }

    fn close(&self, reason: StopReason) -> Vec<Sleeper> {
        self.mailbox.close(reason)
    }

    fn reopen(&self) {
        self.mailbox.reopen();
    }

    #[cfg(feature = "lab")]
    fn arrive(&self, number: u64) {
        self.mailbox.arrive(number);
    }

    #[cfg(feature = "lab")]
    fn make_room(&self) {
        self.mailbox.make_room();
    }

    #[cfg(feature = "lab")]
    fn overdue(&self, seat: &Seat) -> Vec<(TaskId, std::time::Duration)> {
        let tasks = self.mailbox.tasks().into_iter();
        tasks.filter_map(|task| Some((task.id.clone(), task.late_by(seat)?))).collect()
    }

    fn end_queued(&self, seat: &Seat, reason: &StopReason) {
        for task in self.mailbox.take_all() {
            let id = task.id.clone();
            task.finish(Over::Stopped(reason.clone()), None, |outcome| {
                seat.note_in(Some(id), What::TaskEnded { outcome });
            });
        }
    }

    fn runner(&self, seat: Arc<Seat>, generation: u64) -> BoxFuture<()> {
        Runner::<A>::run(&seat, generation, RunnerStage::BringUp)
    }

    fn runner_of_dormant(&self, seat: Arc<Seat>, generation: u64) -> BoxFuture<()> {
        let stage = self.dormant.lock().take().map_or(RunnerStage::BringUp, RunnerStage::Serve);
        Runner::<A>::run(&seat, generation, stage)
    }

    fn dormant_hook(&self, seat: Arc<Seat>) -> Option<BoxFuture<HookEnd>> {
        let agent = self.dormant.lock().take()?;
        let generation = seat.line.lock().place.generation();
        Some(Box::pin(bring_up::hook(seat, generation, agent)))
    }

    fn drop_dormant(&self) {
        let agent = self.dormant.lock().take();
        agent.into_iter().for_each(Theirs::let_go);
    }

    #[cfg(feature = "lab")]
    fn begin_late(&self, turn: Arc<Turn>) -> BoxFuture<()> {
        Box::pin(async move {
            let role = turn.task.clone().map_or(Role::Static, Role::Task);
            let name = format!("late-{}", turn.seat.engine.number());
            let place = SpawnPlace::under(&turn.seat, role, Naming::New).in_turn(&turn);
            // Refused or not, the oracles see what lives afterwards.
            drop(spawn(place, Supervisor::dynamic().named(name)).await);
        })
    }

    fn on_question(&self, question: Question, turn: Arc<Turn>) -> BoxFuture<Answered> {
        Box::pin(A::on_question(question, Context::new(turn)))
    }
}

impl<A: Agent> Runner<A> {
    /// A runner, which is there from here on, polled or not.
    fn run(seat: &Arc<Seat>, generation: u64, stage: RunnerStage<A>) -> BoxFuture<()> {
        Box::pin(Self::run_on(PresenceGuard::new(seat, generation), stage))
    }

    async fn run_on(presence: PresenceGuard, stage: RunnerStage<A>) {
        let seat = Arc::clone(&presence.seat);
        let generation = presence.generation;
        let runner = Self { seat: Arc::clone(&seat), generation, agent_type: std::marker::PhantomData };
        let live = pin!(runner.live(stage));
        let last = seat.polled(generation, live).await;
        seat.release_holdings(generation);
        presence.leave();
        match last {
            // A stop may have come by since; one that did not know of the runner does not mind.
            Last::Nothing if seat.line.lock().place.is_fenced() && !runner.is_superseded() => {
                seat.engine.turn_ended(&seat, TurnEnd::Exited);
            }
            Last::Nothing => {}
            Last::Turn(end) => seat.engine.turn_ended(&seat, end),
            Last::Hook(end) => seat.engine.hook_ended(&seat, end),
        }
    }

    async fn live(&self, mut stage: RunnerStage<A>) -> Last {
        loop {
            stage = match stage {
                RunnerStage::BringUp => {
                    let bringing_up = bring_up::bring_up(Arc::clone(&self.seat), self.generation, true);
                    RunnerStage::Brought(Box::pin(bringing_up).await)
                }
                RunnerStage::Brought(brought) => match Box::pin(self.brought(brought)).await {
                    Ok(stage) => stage,
                    Err(last) => return last,
                },
                RunnerStage::Serve(agent) => match self.serve(agent).await {
                    Ok(stage) => stage,
                    Err(last) => return last,
                },
                RunnerStage::Down(end) => match self.order().await {
                    Some(NextOrder::Restart) => RunnerStage::BringUp,
                    Some(_) => return Last::Nothing,
                    None => return self.last_turn(end),
                },
                RunnerStage::Whole(agent) => return self.whole(agent).await,
            };
        }
    }

    /// A superseded runner has nothing to say, whatever it was about to.
    fn last_turn(&self, end: TurnEnd) -> Last {
        if self.is_superseded() { Last::Nothing } else { Last::Turn(end) }
    }

    fn is_superseded(&self) -> bool {
        self.seat.line.lock().is_superseded(self.generation)
    }

    /// Waits for an order; none if a stop came by first.
    async fn order(&self) -> Option<NextOrder> {
        let look = |line: &mut Line| match line.orders.next.take() {
            Some(next) => Some(Some(next)),
            None => line.place.is_fenced().then_some(None),
        };
        self.at_line(look, || self.rests()).await.unwrap_or(Some(NextOrder::End))
    }

    /// Waits at its line until something is found there, or elsewhere; nothing if another runner has its place.
    async fn at_line<T>(
        &self,
        look: impl FnMut(&mut Line) -> Option<T>,
        elsewhere: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        self.seat.at_line(self.generation, look, elsewhere).await
    }

    /// It has nothing to do: a pause may be waiting for that.
    fn rests<T>(&self) -> Option<T> {
        self.seat.rest_if_quiet();
        None
    }

    async fn brought(&self, brought: Brought<A>) -> Result<RunnerStage<A>, Last> {
        match brought {
            Brought::Up(agent) => self.up(agent).await,
            Brought::Ignored => {
                self.seat.not_started(Some(self.generation), Started::Ignored);
                Ok(RunnerStage::Down(TurnEnd::Exited))
            }
            Brought::Failed(message) => {
                self.seat.not_started(Some(self.generation), Started::Failed(message));
                Ok(RunnerStage::Down(TurnEnd::Exited))
            }
            Brought::Dropped => Err(self.last_turn(TurnEnd::Dropped)),
        }
    }

    /// Its own start is over: those of its children with a spec come next.
    async fn up(&self, agent: Theirs<A>) -> Result<RunnerStage<A>, Last> {
        if self.seat.has_children_to_start() {
            self.seat.start_children();
            match self.order_or_exit().await {
                Ok(Some(NextOrder::Serve)) => {}
                Ok(None) => return Ok(RunnerStage::Whole(agent)),
                Ok(Some(_)) => return Err(Last::Nothing),
                Err(exit) => {
                    agent.let_go();
                    let message = match &exit {
                        Exit::Failed { message, .. } | Exit::Escalated { message } => message.clone(),
                        Exit::Normal | Exit::Shutdown => {
                            "it ended before its children had started".to_owned()
                        }
                    };
                    self.seat.not_started(Some(self.generation), Started::Failed(message));
                    return Ok(RunnerStage::Down(TurnEnd::Exited));
                }
            }
        }
        let fenced = self.seat.line.lock().place.is_fenced();
        if fenced || !self.seat.note_started(self.generation) {
            return Ok(RunnerStage::Whole(agent));
        }
        self.seat.tell_parent_started();
        Ok(RunnerStage::Serve(agent))
    }

    async fn order_or_exit(&self) -> Result<Option<NextOrder>, Exit> {
        let look = |line: &mut Line| {
            if let Some((exit, _)) = line.orders.exit.take() {
                return Some(Err(exit));
            }
            match line.orders.next.take() {
                Some(next) => Some(Ok(Some(next))),
                None => line.place.is_fenced().then_some(Ok(None)),
            }
        };
        self.at_line(look, || self.rests()).await.unwrap_or(Ok(Some(NextOrder::End)))
    }

    async fn serve(&self, mut agent: Theirs<A>) -> Result<RunnerStage<A>, Last> {
        let mut served = 0_u32;
        loop {
            match self.work().await {
                FoundWork::Task(task) => match self.turn(agent, task).await {
                    turn::After::GoesOn(whole) => agent = whole,
                    turn::After::Rebuilds => match self.rebuild().await {
                        Ok(whole) => agent = whole,
                        Err(Brought::Dropped) => return Err(self.last_turn(TurnEnd::Dropped)),
                        Err(_) => {
                            let exit =
                                Exit::failed(FailureClass::Start, "a new behaviour could not be built");
                            return Ok(self.exits(exit, true));
                        }
                    },
                    turn::After::Exits { exit, counted } => return Ok(self.exits(exit, counted)),
                    turn::After::Stops(None) => return Err(self.last_turn(TurnEnd::Dropped)),
                    turn::After::Stops(Some(whole)) => return Ok(RunnerStage::Whole(whole)),
                },
                FoundWork::Fenced => return Ok(RunnerStage::Whole(agent)),
                FoundWork::Exit(exit) => {
                    agent.let_go();
                    return Ok(self.exits(exit, true));
                }
                FoundWork::Superseded => {
                    agent.let_go();
                    return Err(Last::Nothing);
                }
            }
            served += 1;
            if served.is_multiple_of(64) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// The incarnation has ended; the behaviour is gone already.
    fn exits(&self, exit: Exit, counted: bool) -> RunnerStage<A> {
        let crashed = exit.is_abnormal();
        let brutal = matches!(exit, Exit::Failed { class: FailureClass::Killed, .. });
        let was_fenced = self.seat.is_closed();
        self.seat.release_holdings(self.generation);
        self.seat.exited_by(Some(self.generation), exit, counted, brutal);
        RunnerStage::Down(if was_fenced && crashed { TurnEnd::Crashed } else { TurnEnd::Exited })
    }

    /// Builds the behaviour anew in the same incarnation: a dropped turn may have torn it.
    async fn rebuild(&self) -> Result<Theirs<A>, Brought<A>> {
        let report = "the behaviour is built anew: its turn was dropped at an await".to_owned();
        self.seat.note(What::Reported { report, child: None });
        match Box::pin(bring_up::bring_up(Arc::clone(&self.seat), self.generation, false)).await {
            Brought::Up(agent) => Ok(agent),
            failed => Err(failed),
        }
    }

    /// Looks for work: an order first, then a task.
    async fn work(&self) -> FoundWork<A> {
        let look = |line: &mut Line| match line.orders.exit.take() {
            Some((exit, _)) => Some(FoundWork::Exit(exit)),
            None => line.place.is_fenced().then_some(FoundWork::Fenced),
        };
        let task = || {
            if self.seat.held() == HeldNow::Not {
                self.mailbox().pop().map(FoundWork::Task)
            } else {
                // Its tasks wait; the resume wakes it.
                self.rests()
            }
        };
        self.at_line(look, task).await.unwrap_or(FoundWork::Superseded)
    }

    fn mailbox(&self) -> &Mailbox<A::Task, A::Output> {
        &self.seat.typed::<A>().mailbox
    }

    /// Fenced and whole: its children come first, then its hook.
    async fn whole(&self, agent: Theirs<A>) -> Last {
        self.seat.engine.turn_ended(&self.seat, TurnEnd::Returned);
        let next = self.at_line(|line| line.orders.next.take(), || None).await;
        if let Some(NextOrder::Hook(_)) = next {
            let hook = bring_up::hook(Arc::clone(&self.seat), self.generation, agent);
            return Last::Hook(Box::pin(hook).await);
        }
        agent.let_go();
        Last::Nothing
    }
}
