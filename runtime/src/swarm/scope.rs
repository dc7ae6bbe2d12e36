//! A scope: a seat without behaviour that ends everything begun in it. Patterns open one.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::agent::agent_ref::AgentRef;
use crate::agent::ask::{Ask, At};
use crate::agent::context::{Cancelled, Context, progress_text};
use crate::agent::effect::Memory;
use crate::agent::spawn::{Naming, SpawnPlace, scope, spawn};
use crate::agent::spec::AgentSpec;
use crate::agent::{Agent, Message};
use crate::decide::branch::below;
use crate::engine::seat::Seat;
use crate::engine::turn::{self, Turn};
use crate::env::Env;
use crate::swarm::Swarm;
use crate::views::bill::Breakdown;
use crate::words::balance::Balance;
use crate::words::budget::Budget;
use crate::words::error::SpawnError;
use crate::words::event::{Role, What};
use crate::words::id::AgentId;
use crate::words::naming;
use crate::words::receipt::{Stop, StopReceipt};

/// The owner of a scope: a task, an agent, the whole swarm, or another scope.
#[derive(Clone)]
pub struct ScopeOwner {
    seat: Arc<Seat>,
    turn: Option<Arc<Turn>>,
    /// The path of branches and scopes in the turn.
    path: Option<Arc<str>>,
    /// Of each scope that is opened in its name.
    budget: Option<Budget>,
}

impl ScopeOwner {
    /// The environment that the owner lives in: time, chance, blocking work and the outside.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.seat.engine.env
    }

    /// The same owner, whose scopes each have this budget: what everything begun in one of them may spend together. Said twice,
    /// the later one holds.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// The same owner in a branch of what it does: scopes of one name in different branches can be open at the same time.
    #[must_use]
    pub fn branch(&self, name: &str) -> Self {
        Self { path: Some(below(self.path.as_ref(), name)), ..self.clone() }
    }

    /// Says what it is doing: as the progress of its turn, if it is a task, and else as that of the agent.
    pub fn progress(&self, text: impl Into<String>) {
        match &self.turn {
            Some(turn) => Context::new(Arc::clone(turn)).progress(text),
            None => self.note(|| What::Progress { text: progress_text(&text.into()) }),
        }
    }

    /// Records a custom event: of its turn, if it is a task, and else of the agent. The name has at most 256 bytes; a longer one
    /// is cut.
    pub fn record(&self, name: impl Into<String>, version: u32, data: serde_json::Value) {
        match &self.turn {
            Some(turn) => Context::new(Arc::clone(turn)).record(name, version, data),
            None => self.note(|| What::Custom { name: naming::shown(&name.into()), version, data }),
        }
    }

    /// Does something once for all attempts at the owner's task, if it belongs to one: a later attempt has what the earlier one had.
    /// It is for what hangs on timing, such as which of several asks was answered first; so it is kept as long as asks are, whatever
    /// the agent's restart mode. `kind` and `input` identify it in its branch or scope.
    ///
    /// # Errors
    /// Those of `work`, which are not kept; [`Cancelled`] if the owner's turn is.
    pub async fn memo<T, E, F, Fut>(&self, kind: &str, input: impl serde::Serialize, work: F) -> Result<T, E>
    where
        T: Message,
        E: From<Cancelled>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let Some(turn) = &self.turn else { return work().await };
        let memory = Memory::of_asks(turn, self.path.as_ref(), kind, &input);
        let cancelled = || E::from(Context::new(Arc::clone(turn)).cancelled());
        // Boxed, so that what it holds is not laid on the stack once for each layer below.
        memory.memo(cancelled, |_| Box::pin(work())).await
    }

    /// Writes something down, while it lives.
    fn note(&self, what: impl FnOnce() -> What) {
        let _gate = self.seat.gate.lock();
        if self.seat.is_up() {
            self.seat.note(what());
        }
    }

    fn role(&self) -> Role {
        let of_turn = self.turn.as_ref().filter(|turn| Arc::ptr_eq(&turn.seat, &self.seat));
        of_turn.and_then(|turn| turn.task.clone()).map_or(Role::Scope, Role::Task)
    }
}

impl From<&Context> for ScopeOwner {
    fn from(cx: &Context) -> Self {
        let (turn, path) = (Some(Arc::clone(&cx.turn)), cx.branch.clone());
        Self { seat: Arc::clone(&cx.turn.seat), turn, path, budget: None }
    }
}

impl<A: Agent> From<&AgentRef<A>> for ScopeOwner {
    fn from(agent: &AgentRef<A>) -> Self {
        Self { seat: agent.seat(), turn: None, path: None, budget: None }
    }
}

impl From<&Swarm> for ScopeOwner {
    fn from(swarm: &Swarm) -> Self {
        Self { seat: swarm.root_seat(), turn: None, path: None, budget: None }
    }
}

impl From<&Scope> for ScopeOwner {
    fn from(scope: &Scope) -> Self {
        let (turn, path) = (scope.turn.clone(), Some(Arc::clone(&scope.path)));
        Self { seat: Arc::clone(&scope.seat), turn, path, budget: None }
    }
}

/// An open scope. Dropping it stops everything begun in it, in the background; [`Scope::close`] waits for that.
///
/// # After a crash
/// An ask in a scope is identified by the path of scopes, the part, and its position, never by an agent's name: see
/// [`Scope::ask`]. So two scopes that a turn has open at once need different names.
pub struct Scope {
    seat: Arc<Seat>,
    /// The turn in whose name is asked in it, if it belongs to one.
    turn: Option<Arc<Turn>>,
    path: Arc<str>,
    /// Where its name is taken, if it was opened in a turn.
    named: Option<OpenName>,
    is_closed: AtomicBool,
}

/// A name that is open in a turn.
struct OpenName {
    turn: Arc<Turn>,
    path: Arc<str>,
}

impl OpenName {
    fn free(&self) {
        self.turn.paths.lock().close(&self.path);
    }
}

impl Drop for OpenName {
    fn drop(&mut self) {
        self.free();
    }
}

impl Scope {
    /// Opens a scope. It ends with its owner at the latest.
    ///
    /// # Errors
    /// [`SpawnError`] if the owner is stopping, or its turn is over; [`SpawnError::ScopeOpen`] if a scope of this name is open
    /// in the turn already; [`SpawnError::BadSpec`] for a name or a budget that is none.
    pub fn open(owner: &ScopeOwner, name: &str) -> Result<Self, SpawnError> {
        let place = SpawnPlace::under(&owner.seat, owner.role(), Naming::New);
        let place = match &owner.turn {
            Some(turn) => place.in_turn(turn),
            None => place,
        };
        let named = match owner.turn.clone().or_else(turn::current) {
            Some(turn) => {
                let path = turn.paths.lock().open(owner.path.as_ref(), name);
                let taken = || SpawnError::ScopeOpen { agent: turn.seat.id.clone(), name: name.to_owned() };
                let path = path.ok_or_else(taken)?;
                Some(OpenName { turn, path })
            }
            None => None,
        };
        let path =
            named.as_ref().map_or_else(|| below(owner.path.as_ref(), name), |named| Arc::clone(&named.path));
        let seat = scope(&place, name, owner.budget.as_ref())?;
        Ok(Self { seat, turn: owner.turn.clone(), path, named, is_closed: AtomicBool::new(false) })
    }

    /// The scope's id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.seat.id
    }

    /// Spawns an agent in the scope, transient unless its spec says otherwise. A taken name gets a number.
    ///
    /// # Errors
    /// [`SpawnError`]: a bad spec, a fence, a limit, a start that failed.
    pub async fn spawn<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let place = SpawnPlace::under(&self.seat, Role::Scope, Naming::New);
        let by = turn::current().or_else(|| self.turn.clone());
        let place = place.by(by).in_branch(Some(Arc::clone(&self.path)));
        Ok(AgentRef::new(spawn(place, spec).await?))
    }

    /// Asks as a named part of the work in the scope. A later attempt at the asking turn's task takes up what the earlier
    /// attempt asked in the part of this name: matched by the path of scopes, the part, the task and the position among equal
    /// ones, whichever agent is asked. So parts that run side by side need different names.
    ///
    /// In a turn's scope, the ask belongs to that turn, wherever it is polled.
    pub fn ask<A: Agent>(&self, part: &str, agent: &AgentRef<A>, task: A::Task) -> Ask<A> {
        Ask::new(agent.seat(), task, self.turn.clone()).at(At::Part(below(Some(&self.path), part)))
    }

    /// How many agents are alive in the scope, at any depth, in O(1).
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.seat.live_below()
    }

    /// What was spent and is reserved in the scope, including agents that have ended.
    #[must_use]
    pub fn cost(&self) -> Balance {
        self.seat.meter.subtree()
    }

    /// The bill of the scope, agent by agent.
    #[must_use]
    pub fn breakdown(&self) -> Breakdown {
        self.seat.engine.breakdown(&self.seat.id)
    }

    /// Stops everything begun in the scope and waits for the receipt.
    pub async fn close(self, stop: Stop) -> StopReceipt {
        self.stop(stop).await
    }

    /// The same for a scope that is still referenced elsewhere: waits for its agents get their ends, and nothing more can
    /// be begun in it.
    ///
    /// The fence is up when this is first polled; dropping the future afterwards takes nothing back.
    pub async fn stop(&self, stop: Stop) -> StopReceipt {
        self.is_closed.store(true, Ordering::Release);
        if let Some(named) = &self.named {
            named.free();
        }
        self.seat.engine.stop_ordered(&self.seat, stop).await
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.is_closed.load(Ordering::Acquire) {
            self.seat.engine.stop_in_background(&self.seat);
        }
    }
}

impl Context {
    /// Opens a scope that belongs to the task: everything begun in the scope ends with it. Its name must differ from those of
    /// other open scopes in the turn or branch.
    ///
    /// # Errors
    /// [`SpawnError`] if the turn is over, its agent is stopping, or another open scope has the name.
    pub fn scope(&self, name: &str) -> Result<Scope, SpawnError> {
        Scope::open(&ScopeOwner::from(self), name)
    }
}
