//! The running thing, and the handle to it.

mod builder;
mod run;
#[cfg(feature = "lab")]
mod witness;

use std::fmt;
use std::sync::Arc;

pub use self::builder::SwarmBuilder;
pub use self::run::{OnDrop, Run};
#[cfg(feature = "lab")]
pub use self::witness::{Bears, Witness};
use crate::agent::Agent;
use crate::agent_ref::{AgentRef, Status};
use crate::ask::Ask;
use crate::ceiling::Ceiling;
use crate::children::Children;
use crate::control::Control;
use crate::dead_letter::DeadLetter;
use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::engine::spawn::{Naming, Place, spawn};
use crate::env::Env;
use crate::error::{GrantError, LookupError, NarrowError, PauseError, ReplayError, ResumeError, SpawnError};
use crate::event::Event;
use crate::fold::{Metrics, Tree};
use crate::id::{AgentId, TaskId};
use crate::journal::{Events, Filter};
use crate::ledger::{Balance, Breakdown, Budget};
use crate::lifecycle::AgentState;
use crate::orphans::Swept;
use crate::pause::{Pause, PauseReceipt, ResumeReceipt};
use crate::receipt::{Stop, StopReceipt};
use crate::spec::AgentSpec;

/// A running swarm. Clones are handles to the same one; it is plain state for a service.
///
/// Dropping the last handle stops the swarm in the background and says so in its journal; [`Swarm::stop`] waits for the
/// receipt.
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
            self.root.note(crate::event::What::Reported { report, child: None });
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
    /// Begins to describe a swarm; the name is its session's, the first segment of every id.
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

    /// Spawns an agent, permanent unless its spec says otherwise: under the agent that the spec names, else at the root.
    /// A living agent of the same name, type and policies is the answer.
    ///
    /// # Errors
    /// [`SpawnError`]: a bad spec, a name that is taken, a fence, a limit, a start that failed.
    pub async fn spawn<A: Agent>(&self, mut spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let parent = spec.take_parent(&self.0.engine)?.unwrap_or_else(|| self.root_seat());
        let role = parent.role_of_own_child();
        let place = Place::under(&parent, role, Naming::KnownOrNew);
        Ok(AgentRef::new(spawn(place, spec).await?))
    }

    /// Spawns an agent, gives it a task, and stops it with its subtree when the answer is there. Always a new agent.
    ///
    /// Dropping the run fences that subtree at once and stops it in the background, unless [`Run::on_drop`] says otherwise.
    pub fn run<A: Agent>(&self, spec: AgentSpec<A>, task: A::Task) -> Run<A> {
        Run::new(self.clone(), spec, task)
    }

    /// A live agent by its id or its name, with its type, however many there are in constant time. What is an id is taken for
    /// one: no name hides it.
    ///
    /// # Errors
    /// [`LookupError`] if there is none of that id or name, or more than one of that name, if it has ended, or is of another
    /// type.
    pub fn agent<A: Agent>(&self, who: impl AsRef<str>) -> Result<AgentRef<A>, LookupError> {
        self.0.engine.agent(who.as_ref())
    }

    /// Control of any agent, whatever its type, by its id or its name: what a service, a command line or a page speaks to. Looked
    /// up in constant time. Scopes and the root have no name here and are found by their ids, all of which
    /// [`Swarm::status`] gives. What is an id is taken for one: no name hides it.
    ///
    /// Of one that has ended all is answered that the journal still knows; the rest is
    /// [`ControlError::Ended`](crate::error::ControlError::Ended). By name the latest of that name is found, as long as
    /// nobody else has it and 4,096 others have not ended since.
    ///
    /// # Errors
    /// [`LookupError::Unknown`] if nobody has, or is known to have had, this id or name; [`LookupError::Ambiguous`] if several
    /// agents have the name; [`LookupError::Forgotten`] if it has ended longer ago than the journal keeps.
    pub fn control(&self, who: impl AsRef<str>) -> Result<Control, LookupError> {
        Control::find(&self.0.engine, who.as_ref())
    }

    /// The root's children, which `spawn` puts there.
    #[must_use]
    pub fn children(&self) -> Children {
        Children::of(self.root_seat())
    }

    /// What each live agent is and does right now, parents before children.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.0.root.subtree().iter().map(Status::of).collect()
    }

    /// The tree of all agents, with what they do now; of those that have ended, the ones whose end the journal still keeps, and
    /// the number of the others. It costs as much as there are agents in it, however long the swarm has run.
    #[must_use]
    pub fn tree(&self) -> Tree {
        self.0.engine.journal.view(Tree::clone)
    }

    /// The bill, agent by agent; what ended before the journal's cut is one sum in its parent's row.
    #[must_use]
    pub fn costs(&self) -> Breakdown {
        self.0.engine.breakdown(&self.0.root.id)
    }

    /// How many agents live, in O(1); scopes are none.
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.0.root.live_below()
    }

    /// What the swarm has spent and reserved.
    #[must_use]
    pub fn cost(&self) -> Balance {
        self.0.root.meter.subtree()
    }

    /// How the swarm is doing in numbers, for a dashboard: `swarm.metrics().text()` answers a scrape. It takes in the events
    /// since it was last read, and walks the living agents.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.0.engine.metrics(&self.0.root.id)
    }

    /// Searches the swarm for what should not be, and deals with it: agents whose supervisor has ended without a stop, by their
    /// policy; work and holdings of agents that have ended; seats that lack their cell. Each is an event too. It looks twice, 100
    /// ms apart, and takes what both looks have seen; dropping the future between them changes nothing.
    pub async fn sweep(&self) -> Vec<Swept> {
        self.0.engine.sweep().await
    }

    /// Follows what happens from now on.
    #[must_use]
    pub fn events(&self, filter: Filter) -> Events {
        self.0.engine.events(filter)
    }

    /// Follows what happens, from the session's begin. What the journal has cut comes as [`Lagged`](crate::journal::Lagged).
    #[must_use]
    pub fn history(&self, filter: Filter) -> Events {
        Events::new(&self.0.engine.journal, filter, 1)
    }

    /// What has happened, as far back as the journal keeps it: all of it with [`Keep::All`](crate::Keep::All).
    #[must_use]
    pub fn events_so_far(&self) -> Vec<Arc<Event>> {
        self.0.engine.journal.kept()
    }

    /// Tasks that failed in every attempt, the newest last; at most as many as the swarm keeps.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.0.engine.dead_letters.all()
    }

    /// How many dead letters were dropped for newer ones.
    #[must_use]
    pub fn dead_letters_dropped(&self) -> u64 {
        self.0.engine.dead_letters.dropped()
    }

    /// Asks an agent to do what a dead letter says: the one that failed, or another that takes such tasks. It is a new task
    /// with attempts of its own and the rights that the letter's had, whose acceptance says where it came from. The letter stays
    /// and lists it, so a replay that fails loses nothing.
    ///
    /// # Errors
    /// [`ReplayError`]: there is no such letter, its payload was not kept, or it is no task of that agent.
    pub fn replay<A: Agent>(&self, letter: &TaskId, agent: &AgentRef<A>) -> Result<Ask<A>, ReplayError> {
        let (task, rights) = self.0.engine.dead_letters.task(letter, agent.id())?;
        Ok(agent.ask(task).replaying(letter.clone()).bounded(rights))
    }

    /// The environment: time, chance, blocking work and the outside.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.0.engine.env
    }

    /// Pauses everything, as [`AgentRef::pause`] does a subtree.
    ///
    /// # Errors
    /// [`PauseError`] if it has ended or is being stopped.
    pub async fn pause(&self, pause: Pause) -> Result<PauseReceipt, PauseError> {
        self.0.engine.pause(&self.0.root, pause).await
    }

    /// Lifts the pause of everything. Agents that were paused themselves stay so.
    ///
    /// # Errors
    /// [`ResumeError`] if the swarm is not paused.
    pub fn resume(&self) -> Result<ResumeReceipt, ResumeError> {
        self.0.engine.resume(&self.0.root)
    }

    /// Raises the budget of the whole swarm, as [`AgentRef::grant`] does an agent's.
    ///
    /// # Errors
    /// [`GrantError`] if it has ended, was given no budget, or what is granted is no amount.
    pub fn grant(&self, more: Budget) -> Result<(), GrantError> {
        self.0.engine.grant(&self.0.root, more)
    }

    /// Narrows the ceiling of the whole swarm, as [`AgentRef::narrow`] does an agent's.
    ///
    /// # Errors
    /// [`NarrowError`] if it has ended, was given no ceiling, or this one cannot be used.
    pub fn narrow(&self, ceiling: Ceiling) -> Result<(), NarrowError> {
        self.0.engine.narrow(&self.0.root, ceiling)
    }

    /// Stops everything, children before parents, and ends the session.
    ///
    /// The fence is up and all turns are cancelled when this is first polled; dropping the future afterwards takes nothing
    /// back.
    pub async fn stop(&self, stop: Stop) -> StopReceipt {
        self.0.engine.stop_ordered(&self.0.root, stop).await
    }

    /// What lives at an agent or below it by a count that knows nothing of seats: cells, runners, turns.
    #[cfg(feature = "lab")]
    #[must_use]
    pub fn census(&self, root: &AgentId) -> Vec<(AgentId, crate::Living, usize)> {
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
