//! The running thing, and the handle to it.

mod builder;
pub(crate) mod bulk;
pub mod children;
pub mod control;
mod run;
pub(crate) mod scope;
#[cfg(feature = "lab")]
mod witness;

use std::fmt;
use std::sync::Arc;

pub use self::builder::SwarmBuilder;
pub use self::run::{OnDrop, Run};
#[cfg(feature = "lab")]
pub use self::witness::{Bears, Witness};
use crate::agent::Agent;
use crate::agent::agent_ref::AgentRef;
use crate::agent::ask::Ask;
use crate::agent::spawn::{Naming, SpawnPlace, spawn};
use crate::agent::spec::AgentSpec;
use crate::engine::Engine;
use crate::engine::chain::LinkStates;
use crate::engine::dead_letter::DeadLetter;
use crate::engine::seat::Seat;
use crate::env::Env;
use crate::journal::{Events, Filter};
use crate::swarm::children::Children;
use crate::swarm::control::Control;
use crate::views::bill::Breakdown;
use crate::views::{Metrics, Tree};
use crate::words::balance::Balance;
use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::error::{
    GrantError, LookupError, NarrowError, PauseError, ReplayError, ResumeError, SpawnError,
};
use crate::words::event::Event;
use crate::words::id::{AgentId, TaskId};
use crate::words::orphan::Swept;
use crate::words::pause::{Pause, PauseReceipt, ResumeReceipt};
use crate::words::receipt::{Stop, StopReceipt};
use crate::words::state::AgentState;
use crate::words::status::Status;

/// A running swarm. Clones are handles to the same swarm, so a service can keep it as plain state.
///
/// Dropping the last handle stops the swarm in the background and records that in the journal; [`Swarm::stop`] waits
/// for the receipt.
#[derive(Clone)]
pub struct Swarm(Arc<Handle>);

struct Handle {
    engine: Arc<Engine>,
    root: Arc<Seat>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.engine.over.is_raised()
            && !self.root.is_stopped()
            && self.root.state() != AgentState::Stopping
        {
            let report = "the last handle was dropped: the swarm is stopped".to_owned();
            self.root.note(crate::words::event::What::Reported { report, child: None });
            self.engine.stop_in_background(&self.root);
        }
    }
}

impl fmt::Debug for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Swarm({})", self.0.engine.session)
    }
}

impl Swarm {
    /// Starts describing a swarm. The name is that of its session: the first segment of every id.
    pub fn builder(session: impl Into<String>) -> SwarmBuilder {
        SwarmBuilder::new(session.into())
    }

    pub(crate) fn root_seat(&self) -> Arc<Seat> {
        Arc::clone(&self.0.root)
    }

    /// The id of the swarm's root.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        &self.0.root.id
    }

    /// Spawns an agent, permanent unless its spec says otherwise, under the agent that the spec names or at the root. If
    /// an agent of the same name, type and policies is alive, that one is returned.
    ///
    /// # Errors
    /// [`SpawnError`]: a bad spec, a taken name, a fence, a limit, or a failed start.
    pub async fn spawn<A: Agent>(&self, mut spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let parent = spec.take_parent(&self.0.engine)?.unwrap_or_else(|| self.root_seat());
        let role = parent.role_of_own_child();
        let place = SpawnPlace::under(&parent, role, Naming::KnownOrNew);
        Ok(AgentRef::new(spawn(place, spec).await?))
    }

    /// Spawns a new agent, gives it a task, and stops it with its subtree when the answer has arrived.
    ///
    /// Dropping the run fences the subtree at once and stops it in the background, unless [`Run::on_drop`] says otherwise.
    pub fn run<A: Agent>(&self, spec: AgentSpec<A>, task: A::Task) -> Run<A> {
        Run::new(self.clone(), spec, task)
    }

    /// Finds a living agent by its id or name, and with its type, in constant time. Text that looks like an id is taken as an
    /// id: no name can hide an agent.
    ///
    /// # Errors
    /// [`LookupError`] if no agent or several agents match, or if the agent has ended or has another type.
    pub fn agent<A: Agent>(&self, who: impl AsRef<str>) -> Result<AgentRef<A>, LookupError> {
        self.0.engine.agent(who.as_ref())
    }

    /// Control of any agent by its id or name, whatever its type: for a service, a command line or a web page. The lookup takes
    /// constant time. Scopes and the root are found only by their ids, which [`Swarm::status`] lists. Text that looks like an id
    /// is taken as an id: no name can hide an agent.
    ///
    /// For an agent that has ended, queries are answered as far as the journal still knows; everything else is
    /// [`ControlError::Ended`](crate::words::error::ControlError::Ended). A name finds the latest agent of that name, as long
    /// as no other agent has the name and fewer than 4,096 others have ended since.
    ///
    /// # Errors
    /// [`LookupError::Unknown`] if no agent has, or is known to have had, this id or name; [`LookupError::Ambiguous`] if
    /// several agents have the name; [`LookupError::Forgotten`] if the agent ended longer ago than the journal goes back.
    pub fn control(&self, who: impl AsRef<str>) -> Result<Control, LookupError> {
        Control::find(&self.0.engine, who.as_ref())
    }

    /// The root's children: the agents that `spawn` puts there.
    #[must_use]
    pub fn children(&self) -> Children {
        Children::of(self.root_seat())
    }

    /// What each living agent is and is doing right now, parents before children.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.0.root.subtree().iter().map(Status::of).collect()
    }

    /// The tree of all agents, with what they are doing now. Of the ended agents, it contains those whose end is still in the
    /// journal, and the number of the others. Its cost depends on the number of agents in it, not on how long the swarm has
    /// run.
    #[must_use]
    pub fn tree(&self) -> Tree {
        self.0.engine.journal.view(Tree::clone)
    }

    /// The bill, agent by agent. Agents that ended before the journal's cut are one sum in their parent's row.
    #[must_use]
    pub fn costs(&self) -> Breakdown {
        self.0.engine.breakdown(&self.0.root.id)
    }

    /// How many agents are alive, in O(1). Scopes do not count.
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.0.root.live_below()
    }

    /// What the swarm has spent and reserved.
    #[must_use]
    pub fn cost(&self) -> Balance {
        self.0.root.meter.subtree()
    }

    /// The swarm's metrics, for a dashboard: `swarm.metrics().text()` answers a scrape. It folds the events since the last
    /// reading and walks the living agents.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics { limits: self.0.engine.limits(), ..self.0.engine.metrics(&self.0.root.id) }
    }

    /// How the links of the chain stand that have something to say: rates, permits, breakers, caches; those of the swarm, and those
    /// that its effects have brought. One that several swarms share stands the same in all of them.
    #[must_use]
    pub fn links(&self) -> Vec<LinkStates> {
        self.0.engine.links()
    }

    /// Searches the swarm for leftovers and deals with them: agents whose supervisor ended without a stop (according to their
    /// policy), work and holdings of agents that have ended, and seats without a cell. Each one found is also an event. It looks
    /// twice, 100 ms apart, and acts on what it saw both times; dropping the future in between changes nothing.
    pub async fn sweep(&self) -> Vec<Swept> {
        self.0.engine.sweep().await
    }

    /// Follows what happens from now on.
    #[must_use]
    pub fn events(&self, filter: Filter) -> Events {
        self.0.engine.events(filter)
    }

    /// Follows what happens, from the beginning of the session. Events that the journal has cut are reported as
    /// [`Lagged`](crate::journal::Lagged).
    #[must_use]
    pub fn history(&self, filter: Filter) -> Events {
        Events::new(&self.0.engine.journal, filter, 1)
    }

    /// What has happened, as far back as the journal goes; everything with [`Keep::All`](crate::Keep::All).
    #[must_use]
    pub fn events_so_far(&self) -> Vec<Arc<Event>> {
        self.0.engine.journal.kept()
    }

    /// Tasks that failed in every attempt, newest last; at most as many as the swarm keeps.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.0.engine.dead_letters.all()
    }

    /// How many dead letters were dropped to make room for newer ones.
    #[must_use]
    pub fn dead_letters_dropped(&self) -> u64 {
        self.0.engine.dead_letters.dropped()
    }

    /// Asks an agent to do the task of a dead letter: the agent that failed, or another that accepts such tasks. This is a new
    /// task with its own attempts and the rights of the old one; its acceptance event says where it came from. The letter stays
    /// and lists the replay, so a failed replay loses nothing.
    ///
    /// # Errors
    /// [`ReplayError`]: there is no such letter, its payload was not kept, or it is not a task of that agent.
    pub fn replay<A: Agent>(&self, letter: &TaskId, agent: &AgentRef<A>) -> Result<Ask<A>, ReplayError> {
        let (task, rights) = self.0.engine.dead_letters.task(letter, agent.id())?;
        Ok(agent.ask(task).replaying(letter.clone()).bounded(rights))
    }

    /// The environment: time, randomness, blocking work and the outside.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.0.engine.env
    }

    /// Pauses the whole swarm, as [`AgentRef::pause`] pauses a subtree.
    ///
    /// # Errors
    /// [`PauseError`] if the swarm has ended or is being stopped.
    pub async fn pause(&self, pause: Pause) -> Result<PauseReceipt, PauseError> {
        self.0.engine.pause(&self.0.root, pause).await
    }

    /// Lifts the pause of the whole swarm. Agents that were paused themselves stay paused.
    ///
    /// # Errors
    /// [`ResumeError`] if the swarm is not paused.
    pub fn resume(&self) -> Result<ResumeReceipt, ResumeError> {
        self.0.engine.resume(&self.0.root)
    }

    /// Raises the budget of the whole swarm, as [`AgentRef::grant`] raises an agent's.
    ///
    /// # Errors
    /// [`GrantError`] if the swarm has ended or has no budget, or if what is granted is not an amount.
    pub fn grant(&self, more: Budget) -> Result<(), GrantError> {
        self.0.engine.grant(&self.0.root, more)
    }

    /// Narrows the ceiling of the whole swarm, as [`AgentRef::narrow`] narrows an agent's.
    ///
    /// # Errors
    /// [`NarrowError`] if the swarm has ended or has no ceiling, or if the new ceiling is invalid.
    pub fn narrow(&self, ceiling: Ceiling) -> Result<(), NarrowError> {
        self.0.engine.narrow(&self.0.root, ceiling)
    }

    /// Stops all agents, children before parents, and ends the session.
    ///
    /// The fence is up and all turns are cancelled when this is first polled; dropping the future afterwards takes nothing
    /// back.
    pub async fn stop(&self, stop: Stop) -> StopReceipt {
        self.0.engine.stop_ordered(&self.0.root, stop).await
    }

    /// What lives at an agent or below it by a count that knows nothing of seats: cells, runners, turns.
    #[cfg(feature = "lab")]
    #[must_use]
    pub fn census(&self, root: &AgentId) -> Vec<(AgentId, crate::env::census::Living, usize)> {
        self.0.engine.census.within(root)
    }

    /// The live view, seat by seat, to be held against the folds: id, state, own balance, subtree balance.
    #[cfg(feature = "lab")]
    #[must_use]
    pub fn live_view(&self) -> Vec<(AgentId, AgentState, Balance, Balance)> {
        let seats = self.0.root.subtree();
        seats
            .iter()
            .map(|seat| (seat.id.clone(), seat.state(), seat.meter.own(), seat.meter.subtree()))
            .collect()
    }
}
