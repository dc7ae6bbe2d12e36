//! What an agent sees of the world while it works.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::agent_ref::AgentRef;
use crate::agent::ask::{Ask, At};
use crate::agent::effect::{Effect, Memory};
use crate::agent::question::AskParent;
use crate::agent::spawn::{Naming, SpawnPlace, spawn};
use crate::agent::spec::AgentSpec;
use crate::agent::{Agent, Message};
use crate::decide::branch::below;
use crate::engine::lab::points;
use crate::engine::seat::holding::Holding;
use crate::engine::turn::{Cancel, Turn};
use crate::env::Env;
use crate::env::fault::Phase;
use crate::words::effect::Tier;
use crate::words::error::{AgentError, SkepError, SpawnError};
use crate::words::event::{Role, Wait, What};
use crate::words::id::{AgentId, Incarnation, TaskId};
use crate::words::naming;
use crate::words::pause::Doing;
use crate::words::policy::{Exit, FailureClass};
use crate::words::question::Question;
use crate::words::reach::Reach;
use crate::words::text::{at_most, one_line};
use crate::words::time::Time;
use crate::words::usage::Usage;

/// Bytes of what an agent says that it does: a sentence, not a log.
const PROGRESS: usize = 4 << 10;

pub(crate) fn progress_text(text: &str) -> String {
    at_most(one_line(text), PROGRESS)
}

/// A turn's access to everything outside it: effects, children, other agents, time, randomness.
///
/// It is shared and cheap to clone, so that a turn can `join!` several things. When the turn is over or its incarnation
/// has ended, remaining clones are refused everything.
#[derive(Clone)]
pub struct Context {
    pub(crate) turn: Arc<Turn>,
    /// The path of its branches.
    pub(crate) branch: Option<Arc<str>>,
}

/// Why a call on a context did not go through: the turn was interrupted, withdrawn, expired or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the turn was {0}")]
pub struct Cancelled(pub(crate) &'static str);

impl SkepError for Cancelled {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::Interrupted, self.to_string())
    }
}

impl Context {
    pub(crate) fn new(turn: Arc<Turn>) -> Self {
        Self { turn, branch: None }
    }

    /// A branch of the same turn. After a crash, what is asked, spawned, opened and called through it is matched with what an
    /// earlier attempt began in the branch of this name. Use branches for things that run side by side in no fixed order.
    #[must_use]
    pub fn branch(&self, name: &str) -> Self {
        let branch = below(self.branch.as_ref(), name);
        Self { turn: Arc::clone(&self.turn), branch: Some(branch) }
    }

    /// The agent's id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.turn.seat.id
    }

    /// The agent's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.turn.seat.name
    }

    /// The number of this incarnation, from 1.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.turn.incarnation
    }

    /// The task; `None` in a start.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        self.turn.task.as_ref()
    }

    /// Which attempt at the task this is, from 1; 0 in a start.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.turn.attempted().map_or(0, |attempted| attempted.attempt)
    }

    /// The error of the previous attempt, if there was one.
    #[must_use]
    pub fn last_error(&self) -> Option<&AgentError> {
        self.turn.attempted()?.errors.last()
    }

    /// Why the asker did not accept the outputs of earlier attempts, the first first. An agent that resumes gets the answers that
    /// it has paid for in them again, so one that talks with a model goes on from there and tells it the reason.
    pub fn refusals(&self) -> impl Iterator<Item = &str> {
        self.turn
            .attempted()
            .into_iter()
            .flat_map(|attempted| &attempted.errors)
            .filter_map(AgentError::refused)
    }

    /// The time now, since the session began.
    #[must_use]
    pub fn now(&self) -> Time {
        self.env().now()
    }

    /// A random number, from the swarm's single stream of randomness.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.env().random()
    }

    /// The deadline of the task's asker; `None` for a start and a tell.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.turn.deadline()
    }

    /// An effect of a kind: anything that touches the world. `input` identifies the effect, for keys and records; it is
    /// never shown.
    pub fn effect(&self, kind: impl Into<String>, input: impl serde::Serialize) -> Effect {
        Effect::new(Arc::clone(&self.turn), self.branch.as_ref(), kind.into(), &input)
    }

    /// Whether this turn may make a harmless effect of this kind on these targets: it must be within every ceiling (its agent's, those
    /// above, and those of the agents that it works for) and within its agent's grants. Otherwise the effect is refused with
    /// [`EffectError::BeyondCeiling`](crate::EffectError::BeyondCeiling) or
    /// [`EffectError::NotGranted`](crate::EffectError::NotGranted).
    #[must_use]
    pub fn may(&self, kind: &str, on: &Reach) -> bool {
        [&self.turn.rights, &self.turn.seat.grants]
            .iter()
            .all(|rights| rights.forbids(kind, on, Tier::Safe).is_none())
    }

    /// Spawns a child of the task, which ends when the task has its outcome. In a start, it spawns a child of the agent.
    ///
    /// # Errors
    /// [`SpawnError`]: a bad spec, a name that is taken, a fence, a limit, a start that failed.
    pub async fn spawn<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let role = self.turn.task.clone().map_or(Role::Static, Role::Task);
        self.spawn_as(role, spec).await
    }

    /// The agent itself, as a parent for children that outlive the task.
    #[must_use]
    pub fn agent(&self) -> OwnAgent<'_> {
        OwnAgent(self)
    }

    async fn spawn_as<A: Agent>(&self, role: Role, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let _waiting = self.turn.excuse();
        let naming = Naming::KnownOrNew;
        let place = SpawnPlace::under(&self.turn.seat, role, naming)
            .in_turn(&self.turn)
            .in_branch(self.branch.clone());
        Ok(AgentRef::new(self.turn.through(spawn(place, spec)).await?))
    }

    /// Asks on behalf of this turn, wherever the future is polled.
    pub fn ask<A: Agent>(&self, agent: &AgentRef<A>, task: A::Task) -> Ask<A> {
        Ask::new(agent.seat(), task, Some(Arc::clone(&self.turn)))
            .at(self.branch.clone().map_or(At::Turn, At::Branch))
    }

    /// Asks upwards: the parent's [`Agent::on_question`] answers beside its turn, or passes the question on to its own
    /// parent. Scopes are skipped. The deadline is 30 s by default, and never later than the turn's.
    pub fn ask_parent(&self, question: Question) -> AskParent {
        AskParent::new(Arc::clone(&self.turn), question)
    }

    /// Sleeps. The agent is *waiting* meanwhile. The wake-up time is fixed: a pause does not move it.
    ///
    /// # Errors
    /// [`Cancelled`] as soon as the turn is.
    pub async fn sleep(&self, pause: Duration) -> Result<(), Cancelled> {
        let _waiting = self.turn.wait(Wait::Sleep);
        let until = self.now() + pause;
        let sleep = async {
            tokio::select! {
                biased;
                () = self.turn.cancel.raised() => Err(self.cancelled()),
                () = self.env().sleep_until(until) => Ok(()),
            }
        };
        self.turn.through(sleep).await
    }

    /// Yields to other tasks, and returns an error if the turn was cancelled meanwhile. For long computations.
    ///
    /// # Errors
    /// [`Cancelled`] if the turn is.
    pub async fn breathe(&self) -> Result<(), Cancelled> {
        self.turn.through(tokio::task::yield_now()).await;
        if self.turn.cancel.is_raised() { Err(self.cancelled()) } else { Ok(()) }
    }

    /// Names the next step: it shows in the status, counts as progress and is a fault point.
    ///
    /// # Errors
    /// An error injected by a fault plan, or that of a cancelled turn.
    pub async fn step(&self, name: &str) -> Result<(), AgentError> {
        self.progress(name);
        points::pass(&self.turn, Phase::Step, name).await?;
        Ok(self.breathe().await?)
    }

    /// Says in a sentence what the agent is doing now, to its asker and in its status. Counts as progress. The text is put on one
    /// line and cut after 4 KiB.
    pub fn progress(&self, text: impl Into<String>) {
        if !self.turn.is_open() {
            return;
        }
        let text = progress_text(&text.into());
        self.turn.show_progress();
        if let Some(listener) = self.turn.listener() {
            listener.say(&text);
        }
        self.turn.note_open(|| What::Progress { text });
    }

    /// Sends something to the asker while the turn runs: a word of an answer, a partial result. The asker reads it from
    /// [`Ask::stream`], by its type. It is not an event and is not stored: if more than 1,024 pieces are unread, the oldest are
    /// dropped. Counts as progress.
    pub fn tell_asker<T: Send + 'static>(&self, value: T) {
        if !self.turn.is_open() {
            return;
        }
        self.turn.show_progress();
        if let Some(listener) = self.turn.listener() {
            let piece: Box<dyn Any + Send> = Box::new(value);
            listener.tell(self.turn.seat.home.keep(piece));
        }
    }

    /// Does something once for all attempts at the task, if the agent's restart mode is to resume: a later attempt gets the value
    /// of an earlier one, and `work` does not run again. Use it for work of several effects, such as a route that tries one model
    /// and then another. Each single effect is resumed without it, but an attempt that begins with another effect would pay
    /// again.
    ///
    /// `work` must use the context that it is given, which is a branch of this one. `kind` and `input` identify it, as they do
    /// an effect. An error is not kept.
    ///
    /// # Errors
    /// Those of `work`; [`Cancelled`] if the turn is.
    pub async fn memo<T, E, F, Fut>(&self, kind: &str, input: impl serde::Serialize, work: F) -> Result<T, E>
    where
        T: Message,
        E: From<Cancelled>,
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let memory = Memory::of(&self.turn, self.branch.as_ref(), kind, &input);
        // Boxed, so that what it holds is not laid on the stack once for each layer below.
        memory.memo(|| E::from(self.cancelled()), |branch| Box::pin(work(self.branch(&branch)))).await
    }

    /// Runs blocking work on a separate thread. If the turn is cancelled, the work still runs to its end, unobserved; a stop
    /// that cannot wait for it names it in the receipt.
    ///
    /// # Errors
    /// [`Cancelled`] as soon as the turn is.
    ///
    /// # Panics
    /// With the work's own panic.
    pub async fn blocking<T, F>(&self, work: F) -> Result<T, Cancelled>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let out = loop {
            self.turn.parked().await;
            if self.turn.cancel.is_raised() {
                return Err(self.cancelled());
            }
            if let Some(out) = self.turn.go_out(Doing::Blocking) {
                break out;
            }
        };
        let waiting = self.turn.wait(Wait::Blocking);
        let value = tokio::select! {
            biased;
            () = self.turn.cancel.raised() => Err(self.cancelled()),
            value = self.turn.blocking(work) => Ok(value),
        };
        drop((waiting, out));
        self.turn.parked().await;
        value
    }

    /// A resource, by its type: from the agent's spec, else from the nearest agent above that has one, else from the swarm.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.turn.seat.resource()
    }

    /// Keeps something until the incarnation ends, however it ends: a lock, a worktree, a guard. If the turn is over, the
    /// value is dropped at once.
    pub fn hold(&self, name: &str, value: impl Send + 'static) -> Holding {
        let seat = &self.turn.seat;
        let gate = seat.gate.lock();
        if self.turn.is_open() {
            return seat.hold(&naming::shown(name), Box::new(value));
        }
        drop(gate);
        drop(value);
        Holding::of_nothing(seat)
    }

    /// Drives a future beside the agent's turns for as long as the incarnation lives: a connection, a watcher of a process. When
    /// the future ends, the incarnation ends with the exit that it returns, and supervision decides. When the incarnation ends or
    /// the holding is released, the future is dropped. A panic in it crashes the agent. If the turn is over, the future is not
    /// driven.
    pub fn attend(&self, name: &str, future: impl Future<Output = Exit> + Send + 'static) -> Holding {
        let seat = &self.turn.seat;
        let gate = seat.gate.lock();
        if self.turn.is_open() {
            let (holding, driven) = seat.attend(&naming::shown(name), self.turn.span.clone(), future);
            drop(gate);
            seat.engine.env.spawn_work(driven);
            return holding;
        }
        drop(gate);
        drop(future);
        Holding::of_nothing(seat)
    }

    /// Records a custom event. The name has at most 256 bytes; a longer one is cut.
    pub fn record(&self, name: impl Into<String>, version: u32, data: serde_json::Value) {
        let name = naming::shown(&name.into());
        self.turn.note_open(|| What::Custom { name, version, data });
    }

    /// Ends the incarnation when this turn has returned; the task keeps the outcome of `handle`.
    pub fn exit(&self, exit: Exit) {
        self.turn.ask_exit(exit);
    }

    /// Whether the turn was cancelled, so that `handle` should finish.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.turn.cancel.is_raised()
    }

    /// What the agent itself has spent so far.
    #[must_use]
    pub fn spent(&self) -> Usage {
        self.turn.seat.meter.own().spent
    }

    /// The environment: time, chance, blocking work and the outside.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.turn.seat.engine.env
    }

    pub(crate) fn cancelled(&self) -> Cancelled {
        Cancelled(match self.turn.cancelled() {
            Some(Cancel::Interrupt) => "interrupted",
            Some(Cancel::Withdrawn) => "withdrawn by its asker",
            Some(Cancel::Expired) => "past its deadline",
            Some(Cancel::Stop) => "stopped",
            Some(Cancel::Over) => "over",
            None => "not cancelled",
        })
    }
}

/// The agent of a context, as a parent.
pub struct OwnAgent<'a>(pub(crate) &'a Context);

impl OwnAgent<'_> {
    /// Spawns a child of the agent. It outlives the task and is permanent by default.
    ///
    /// # Errors
    /// [`SpawnError`], as [`Context::spawn`].
    pub async fn spawn<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        self.0.spawn_as(self.0.turn.seat.role_of_own_child(), spec).await
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("agent", self.id())
            .field("incarnation", &self.incarnation())
            .field("task", &self.task())
            .finish()
    }
}

/// What a stop hook can use: effects within the stop's deadline, and asks of agents outside the fence. It cannot
/// spawn.
pub struct StopContext {
    cx: Context,
}

impl StopContext {
    pub(crate) fn new(turn: Arc<Turn>) -> Self {
        Self { cx: Context::new(turn) }
    }

    /// The agent's id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        self.cx.id()
    }

    /// The deadline of the hook.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.cx.deadline()
    }

    /// The moment now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.cx.now()
    }

    /// An effect, within the stop's deadline.
    pub fn effect(&self, kind: impl Into<String>, input: impl serde::Serialize) -> Effect {
        self.cx.effect(kind, input)
    }

    /// Asks an agent that is not being stopped; an agent that is being stopped accepts no tasks.
    pub fn ask<A: Agent>(&self, agent: &AgentRef<A>, task: A::Task) -> Ask<A> {
        self.cx.ask(agent, task)
    }

    /// Sleeps, at most until the hook's deadline.
    ///
    /// # Errors
    /// [`Cancelled`] if the hook is.
    pub async fn sleep(&self, pause: Duration) -> Result<(), Cancelled> {
        self.cx.sleep(pause).await
    }

    /// A resource, by its type: from the agent's spec, else from the nearest agent above that has one, else from the swarm.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.cx.get()
    }
}
