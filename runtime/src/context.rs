//! What an agent sees of the world while it works.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::{Agent, Message};
use crate::agent_ref::AgentRef;
use crate::ask::{Ask, At};
use crate::branch::below;
use crate::children::Children;
use crate::control::Control;
use crate::effect::{Effect, Memory};
use crate::engine::points;
use crate::engine::spawn::{Naming, Place, spawn};
use crate::engine::turn::{Cancel, Turn};
use crate::env::Env;
use crate::error::{AgentError, LookupError, SkepError, SpawnError};
use crate::event::{Role, Wait, What};
use crate::fault::Phase;
use crate::holding::Holding;
use crate::id::{AgentId, Incarnation, TaskId};
use crate::naming;
use crate::pause::Doing;
use crate::policy::{Exit, FailureClass};
use crate::question::{AskParent, Question};
use crate::reach::Reach;
use crate::scope::{Scope, ScopeOwner};
use crate::spec::AgentSpec;
use crate::text::{at_most, one_line};
use crate::time::Time;
use crate::usage::Usage;

/// Bytes of what an agent says that it does: a sentence, not a log.
const PROGRESS: usize = 4 << 10;

/// A turn's way to everything outside it: effects, children, other agents, time, chance.
///
/// It is shared and cheap to clone, so that a turn can `join!` what it does. When the turn is over or its incarnation has
/// ended, whatever still holds a clone is refused everything.
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

    /// The same turn, with all that is begun through it counted for itself: what is asked, spawned, opened and called through
    /// it after a crash is matched with what an earlier attempt has begun in the branch of this name. For things that are
    /// done side by side, in no order of their own.
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

    /// Which life of the agent this is, from 1.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.turn.incarnation
    }

    /// The task; none in a start.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        self.turn.task.as_ref()
    }

    /// Which attempt at the task this is, from 1; 0 in a start.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.turn.attempted().map_or(0, |attempted| attempted.attempt)
    }

    /// What the attempt before failed with.
    #[must_use]
    pub fn last_error(&self) -> Option<&AgentError> {
        self.turn.attempted()?.errors.last()
    }

    /// The moment now, since the session began.
    #[must_use]
    pub fn now(&self) -> Time {
        self.env().now()
    }

    /// A random number, from the swarm's one stream of chance.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.env().random()
    }

    /// When the task's asker wants its answer; never, for a start and a tell.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.turn.deadline()
    }

    /// An effect of a kind: whatever touches the world. `input` says on what, for keys and records; it is never shown.
    pub fn effect(&self, kind: impl Into<String>, input: impl serde::Serialize) -> Effect {
        Effect::new(Arc::clone(&self.turn), self.branch.as_ref(), kind.into(), &input)
    }

    /// Whether an effect of this kind on these targets is below every ceiling that bounds this turn: its agent's, those above, and
    /// those of whoever it works for; and among what its agent is granted. One that is not is refused as
    /// [`EffectError::BeyondCeiling`](crate::EffectError::BeyondCeiling) or
    /// [`EffectError::NotGranted`](crate::EffectError::NotGranted).
    #[must_use]
    pub fn may(&self, kind: &str, on: &Reach) -> bool {
        [&self.turn.rights, &self.turn.seat.grants].iter().all(|rights| rights.forbids(kind, on).is_none())
    }

    /// Spawns a child of the task: it ends when the task has its outcome. In a start, a child of the agent.
    ///
    /// # Errors
    /// [`SpawnError`]: a bad spec, a name that is taken, a fence, a limit, a start that failed.
    pub async fn spawn<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let role = self.turn.task.clone().map_or(Role::Static, Role::Task);
        self.spawn_as(role, spec).await
    }

    /// The agent itself, as the parent of children that outlive the task.
    #[must_use]
    pub fn agent(&self) -> OwnAgent<'_> {
        OwnAgent(self)
    }

    async fn spawn_as<A: Agent>(&self, role: Role, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let _waiting = self.turn.excuse();
        let naming = Naming::KnownOrNew;
        let place =
            Place::under(&self.turn.seat, role, naming).in_turn(&self.turn).in_branch(self.branch.clone());
        Ok(AgentRef::new(self.turn.through(spawn(place, spec)).await?))
    }

    /// Opens a scope that belongs to the task: all that is begun in it ends with it. No other scope that is open in the turn,
    /// or in the branch, has its name.
    ///
    /// # Errors
    /// [`SpawnError`] if the turn is over or its agent is stopping, or the name is another open scope's.
    pub fn scope(&self, name: &str) -> Result<Scope, SpawnError> {
        Scope::open(&ScopeOwner::from(self), name)
    }

    /// Asks in this turn's name, wherever the future is polled.
    pub fn ask<A: Agent>(&self, agent: &AgentRef<A>, task: A::Task) -> Ask<A> {
        Ask::new(agent.seat(), task, Some(Arc::clone(&self.turn)))
            .at(self.branch.clone().map_or(At::Turn, At::Branch))
    }

    /// Asks upwards: the parent's [`Agent::on_question`] answers beside its turn, or hands the question on to its own parent.
    /// Scopes are passed over. It has a deadline, 30 s unless told otherwise and never beyond that of the turn.
    pub fn ask_parent(&self, question: Question) -> AskParent {
        AskParent::new(Arc::clone(&self.turn), question)
    }

    /// Sleeps. The agent is *waiting* meanwhile. It is a moment that is slept for: a pause does not move it.
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

    /// Lets others come first, and passes on a cancel that has come meanwhile. For long computations.
    ///
    /// # Errors
    /// [`Cancelled`] if the turn is.
    pub async fn breathe(&self) -> Result<(), Cancelled> {
        self.turn.through(tokio::task::yield_now()).await;
        if self.turn.cancel.is_raised() { Err(self.cancelled()) } else { Ok(()) }
    }

    /// Names what comes next: a step shows in the status, counts as progress and is a fault point.
    ///
    /// # Errors
    /// That of a fault plan; that of a cancelled turn.
    pub async fn step(&self, name: &str) -> Result<(), AgentError> {
        self.progress(name);
        points::pass(&self.turn, Phase::Step, name).await?;
        Ok(self.breathe().await?)
    }

    /// Says in a sentence what the agent does now: to whoever asked, and in its status. Counts as progress. It is put on one line
    /// and cut after 4 KiB.
    pub fn progress(&self, text: impl Into<String>) {
        if !self.turn.is_open() {
            return;
        }
        let text = at_most(one_line(&text.into()), PROGRESS);
        self.turn.show_progress();
        if let Some(listener) = self.turn.listener() {
            listener.say(&text);
        }
        self.turn.note_open(|| What::Progress { text });
    }

    /// Hands something to whoever asked, as it comes: a word of an answer, a partial result. The asker reads it from
    /// [`Ask::stream`], by its type. It is no event and is kept nowhere: of more than 1,024 that nobody has read the oldest are
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

    /// Does something once for all attempts at the task, where the agent's restart mode is to resume: a later attempt that does
    /// the same gets the value that an earlier one had, and nothing of `work` is run again. It is for what is more than one effect,
    /// such as a route that has tried one model and then another: each effect has its result again by itself, but an attempt
    /// that begins another first would pay again.
    ///
    /// What `work` does, it does through the context that it is given, a branch of this one. `kind` and `input` name it, as they
    /// do an effect; an error is not kept.
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
        memory.memo(|| E::from(self.cancelled()), |branch| work(self.branch(&branch))).await
    }

    /// Runs blocking work on a thread for such work. When the turn is cancelled the work runs to its end unseen; a stop that
    /// cannot wait for that names it in its receipt.
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

    /// A resource, by its type: that of the agent's spec, else of the nearest agent above it that has one, else of the swarm.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.turn.seat.resource()
    }

    /// Keeps something until the incarnation ends, however it ends: a lock, a worktree, a guard. Of a turn that is over it
    /// keeps nothing: the value is dropped at once.
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

    /// Drives a future beside the agent's turns for as long as the incarnation lives: a connection, a watcher of a process. When it
    /// ends, the incarnation ends with the exit that it gives, and supervision decides; when the incarnation ends, or the
    /// holding is released, it is dropped. A panic in it is a crash of the agent. Of a turn that is over it drives nothing.
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

    /// The agent itself, for what can be done to any agent and read of it, such as its history.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::of(Arc::clone(&self.turn.seat))
    }

    /// An agent below this one, by its id or its name: a child of that name before any other.
    ///
    /// # Errors
    /// [`LookupError`]: there is none below it, or several of the name and none of them a child.
    pub fn below(&self, who: impl AsRef<str>) -> Result<Control, LookupError> {
        Control::below(&self.turn.seat, who.as_ref())
    }

    /// Records an event of the user's own, under a name of at most 256 bytes: a longer one is cut.
    pub fn record(&self, name: impl Into<String>, version: u32, data: serde_json::Value) {
        let name = naming::shown(&name.into());
        self.turn.note_open(|| What::Custom { name, version, data });
    }

    /// Ends the incarnation once this turn has returned; the task keeps the outcome that `handle` gives it.
    pub fn exit(&self, exit: Exit) {
        self.turn.ask_exit(exit);
    }

    /// Whether the turn was cancelled: `handle` should come to its end.
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

    fn cancelled(&self) -> Cancelled {
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
pub struct OwnAgent<'a>(&'a Context);

impl OwnAgent<'_> {
    /// Spawns a child of the agent: it outlives the task and is permanent by default.
    ///
    /// # Errors
    /// [`SpawnError`], as [`Context::spawn`].
    pub async fn spawn<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        self.0.spawn_as(self.0.turn.seat.role_of_own_child(), spec).await
    }

    /// Its children, those of its tasks too.
    #[must_use]
    pub fn children(&self) -> Children {
        Children::of(Arc::clone(&self.0.turn.seat))
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

/// What an agent sees while it is being stopped: effects on the stop's deadline, and asks of agents outside the fence.
/// It cannot spawn.
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

    /// When the hook has to be over.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.cx.deadline()
    }

    /// The moment now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.cx.now()
    }

    /// An effect, on the stop's deadline.
    pub fn effect(&self, kind: impl Into<String>, input: impl serde::Serialize) -> Effect {
        self.cx.effect(kind, input)
    }

    /// Asks an agent that is not being stopped; one that is answers that it takes no task.
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

    /// A resource, by its type: that of the agent's spec, else of the nearest agent above it that has one, else of the swarm.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.cx.get()
    }
}
