//! Control of any agent, whatever its type, found by id or name.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::Agent;
use crate::agent::agent_ref::AgentRef;
use crate::agent::context::Context;
use crate::agent::typed::Typed;
use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::journal::{Events, Filter};
use crate::swarm::children::Children;
use crate::views::bill::Breakdown;
use crate::views::{Costs, Metrics, Tree, TreeRow};
use crate::words::balance::Balance;
use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::error::{ControlError, LookupError};
use crate::words::event::Event;
use crate::words::id::AgentId;
use crate::words::pause::{Pause, PauseReceipt, ResumeReceipt};
use crate::words::receipt::{Stop, StopReceipt};
use crate::words::state::{AgentState, StopReason};
pub use crate::words::status::Interrupted;
use crate::words::status::Status;

/// Control of an agent, a scope, or the swarm's root, without its type. [`Swarm::control`](crate::Swarm::control) returns it
/// for an id or a name; it is meant for services, command lines and web pages.
///
/// Cheap to clone; holding it keeps nothing running. Nothing here waits for the agent itself, so it answers whatever the
/// agent is doing.
///
/// | | while it lives | once it has ended |
/// |---|---|---|
/// | `id`, `name`, `agent_type`, `state`, `status`, `cost` | now | as it ended |
/// | `costs`, `subtree`, `history`, `events_so_far` | now | as far back as the journal keeps it |
/// | `children`, `stop`, `drain`, `kill`, `interrupt`, `pause`, `resume`, `grant`, `narrow` | done | [`ControlError::Ended`] |
///
/// An ended agent whose spec remains, such as a terminated child, may be started again by its supervisor: it is then the same
/// agent, and this control works again.
#[derive(Clone)]
pub struct Control {
    engine: Arc<Engine>,
    of: Of,
}

#[derive(Clone)]
enum Of {
    Seat(Arc<Seat>),
    /// It has ended and its seat is free: what the journal said of it when it was looked up.
    Ended(Arc<Record>),
}

struct Record {
    row: TreeRow,
    cost: Balance,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Control({} {:?})", self.id(), self.name())
    }
}

impl Control {
    pub(crate) fn of(seat: Arc<Seat>) -> Self {
        Self { engine: Arc::clone(&seat.engine), of: Of::Seat(seat) }
    }

    /// By id, else by name.
    pub(crate) fn find(engine: &Arc<Engine>, who: &str) -> Result<Self, LookupError> {
        match engine.find(who)? {
            Some(seat) => Ok(Self::of(seat)),
            None => Self::of_ended(engine, who),
        }
    }

    /// One below an agent, by id, else by name.
    pub(crate) fn below(above: &Arc<Seat>, who: &str) -> Result<Self, LookupError> {
        let engine = &above.engine;
        let is_below = |id: &AgentId| *id != above.id && id.is_within(&above.id);
        let id = AgentId::from_text(who);
        if let Some(seat) = engine.registry.by_id(&id).filter(|seat| is_below(&seat.id)) {
            return Ok(Self::of(seat));
        }
        let mut named = engine.registry.by_name(who);
        named.retain(|seat| is_below(&seat.id));
        let is_child = |seat: &&Arc<Seat>| seat.parent.as_ref().is_some_and(|parent| parent.key == above.key);
        let found = if let [only] = &named[..] { Some(only) } else { named.iter().find(is_child) };
        match (found, named.len()) {
            (Some(seat), _) => Ok(Self::of(Arc::clone(seat))),
            (None, 0) => Self::of_ended(engine, who)
                .ok()
                .filter(|ended| is_below(ended.id()))
                .ok_or_else(|| LookupError::Unknown(who.to_owned())),
            (None, many) => Err(LookupError::Ambiguous(who.to_owned(), many)),
        }
    }

    /// One that nobody has a place for any more: by its id, or by the name that it had last.
    fn of_ended(engine: &Arc<Engine>, who: &str) -> Result<Self, LookupError> {
        let named = engine.registry.ended(who);
        let row = engine.journal.view(|tree: &Tree| {
            let of_id = || tree.get(&AgentId::from_text(who));
            of_id().or_else(|| tree.get(named.as_ref()?)).cloned()
        });
        let Some(row) = row else {
            return Err(match named {
                Some(agent) => LookupError::Forgotten { agent },
                None => LookupError::Unknown(who.to_owned()),
            });
        };
        let bill = engine.journal.view(|costs: &Costs| costs.subtree(&row.id).copied()).unwrap_or_default();
        let cost = Balance { spent: bill.spent, reserved: bill.reserved };
        Ok(Self { engine: Arc::clone(engine), of: Of::Ended(Arc::new(Record { row, cost })) })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &AgentId {
        match &self.of {
            Of::Seat(seat) => &seat.id,
            Of::Ended(record) => &record.row.id,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.of {
            Of::Seat(seat) => &seat.name,
            Of::Ended(record) => &record.row.name,
        }
    }

    /// The type of its behaviour; `root` and `scope` have none.
    #[must_use]
    pub fn agent_type(&self) -> &str {
        match &self.of {
            Of::Seat(seat) => seat.body.agent_type(),
            Of::Ended(record) => &record.row.agent_type,
        }
    }

    /// Its state, now or at its end.
    #[must_use]
    pub fn state(&self) -> AgentState {
        match &self.of {
            Of::Seat(seat) => seat.state(),
            Of::Ended(record) => record.row.state().clone(),
        }
    }

    /// Why it has ended, if it has.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        match self.state() {
            AgentState::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// What it is and is doing right now, or was at its end. This is read from its seat and needs no answer from the agent.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.of {
            Of::Seat(seat) => Status::of(seat),
            Of::Ended(record) => Status::of_ended(&record.row, record.cost),
        }
    }

    /// What it and its subtree have spent and reserved.
    #[must_use]
    pub fn cost(&self) -> Balance {
        match &self.of {
            Of::Seat(seat) => seat.meter.subtree(),
            Of::Ended(record) => record.cost,
        }
    }

    /// What it and its subtree have spent and reserved in the current window of its budget; `None` without a window.
    #[must_use]
    pub fn window_cost(&self) -> Option<Balance> {
        self.seat().and_then(|seat| seat.window_cost())
    }

    /// The bill of its subtree, agent by agent; empty when the journal no longer knows it.
    #[must_use]
    pub fn costs(&self) -> Breakdown {
        self.engine.breakdown(self.id())
    }

    /// The metrics of the agent and its subtree since it was spawned. When it has ended, they have been added to its parent's,
    /// and these are empty.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.engine.metrics(self.id())
    }

    /// How many agents are alive in its subtree, including itself, in O(1). Scopes and the root do not count.
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.seat().map_or(0, crate::engine::seat::Seat::live_agents)
    }

    /// The agent and all agents below it, parents before children; of the ended ones, those whose end is still in the journal.
    #[must_use]
    pub fn subtree(&self) -> Vec<TreeRow> {
        let rows = |tree: &Tree| tree.subtree(self.id()).map(|(_, row)| row.clone()).collect();
        self.engine.journal.view(rows)
    }

    /// Follows what happens at and below the agent, from its beginning. Events that the journal has
    /// cut are reported as [`Lagged`](crate::journal::Lagged). The filter's own subtree is ignored.
    #[must_use]
    pub fn history(&self, filter: Filter) -> Events {
        Events::new(&self.engine.journal, filter.under(self.id()), 1)
    }

    /// Follows what happens at it and below it from now on.
    #[must_use]
    pub fn events(&self, filter: Filter) -> Events {
        self.engine.events(filter.under(self.id()))
    }

    /// What has happened at and below the agent, as far back as the journal goes.
    #[must_use]
    pub fn events_so_far(&self) -> Vec<Arc<Event>> {
        let mut kept = self.engine.journal.kept();
        kept.retain(|event| event.agent.is_within(self.id()));
        kept
    }

    /// Its children, which it supervises: OTP's interface.
    ///
    /// # Errors
    /// [`ControlError::Ended`]. For an ended agent, [`Control::subtree`] has what the journal knows of its children.
    pub fn children(&self) -> Result<Children, ControlError> {
        Ok(Children::of(Arc::clone(self.live()?)))
    }

    /// The same agent with its type, to give it tasks.
    ///
    /// # Errors
    /// [`LookupError::OtherType`], [`LookupError::Ended`].
    pub fn typed<A: Agent>(&self) -> Result<AgentRef<A>, LookupError> {
        match &self.of {
            Of::Seat(seat) if !seat.is_stopped() => with_type(seat),
            _ => {
                let reason = self.reason().unwrap_or(StopReason::Stopped);
                Err(LookupError::Ended { agent: self.id().clone(), reason })
            }
        }
    }

    /// Stops the agent and its subtree for good. For the root this is the whole swarm, and ends the session.
    ///
    /// The fence is up and all turns are cancelled when this is first polled; dropping the future afterwards takes nothing
    /// back.
    ///
    /// # Errors
    /// [`ControlError::Ended`] if it had ended before. A stop that is already under way is shared.
    pub async fn stop(&self, stop: Stop) -> Result<StopReceipt, ControlError> {
        let seat = self.live()?;
        Ok(self.engine.stop_ordered(seat, stop).await)
    }

    /// Has the agent accept no more tasks, finish the queued ones, and then stop. Whatever is not finished in time is
    /// stopped.
    ///
    /// # Errors
    /// [`ControlError::Ended`].
    pub async fn drain(&self, within: Duration) -> Result<StopReceipt, ControlError> {
        Ok(self.live()?.drain(within).await)
    }

    /// Kills the agent: the incarnation ends at once, its subtree is stopped brutally, and its supervisor decides what
    /// happens next.
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::NoBehaviour`] for the root and for scopes, which can only be stopped.
    pub fn kill(&self) -> Result<(), ControlError> {
        let seat = self.live()?;
        if !seat.body.has_behaviour() {
            return Err(ControlError::NoBehaviour { agent: seat.id.clone() });
        }
        seat.kill();
        Ok(())
    }

    /// Interrupts the agent's turn: pending calls on the context return an error. If the turn has not returned at the end of the
    /// grace (1 s), it is dropped at its await, and a new behaviour is built. The task ends as interrupted, and the agent goes
    /// on with the next one.
    ///
    /// # Errors
    /// [`ControlError::Ended`]. Having no turn to interrupt is not an error.
    pub fn interrupt(&self) -> Result<Interrupted, ControlError> {
        Ok(self.live()?.interrupt_turn())
    }

    /// Pauses the agent and its subtree: nothing begins there until [`Control::resume`], and tasks queue. The receipt comes
    /// when all agents are quiet, or at its deadline. Pauses nest: an agent runs when neither it nor any agent above it is
    /// paused.
    ///
    /// The pause begins when this is first polled; dropping the future afterwards does not undo it.
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Pause`] if it is being stopped.
    pub async fn pause(&self, pause: Pause) -> Result<PauseReceipt, ControlError> {
        let seat = self.live()?;
        Ok(self.engine.pause(seat, pause).await?)
    }

    /// Lifts the agent's own pause. Whatever another pause holds stays held.
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Resume`] if the agent itself is not paused.
    pub fn resume(&self) -> Result<ResumeReceipt, ControlError> {
        Ok(self.engine.resume(self.live()?)?)
    }

    /// Raises the agent's budget by this much, for each amount that the budget limits. Amounts without a limit stay unlimited,
    /// and what happens at a refusal does not change. A subtree that was paused for lack of budget still waits for
    /// [`Control::resume`].
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Grant`] if it has no budget of its own, or if what is granted is not an
    /// amount.
    pub fn grant(&self, more: Budget) -> Result<(), ControlError> {
        Ok(self.engine.grant(self.live()?, more)?)
    }

    /// Takes rights away while the agent is alive: see [`AgentRef::narrow`](crate::AgentRef::narrow).
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Narrow`] if it has no ceiling of its own, or if the new ceiling is invalid.
    pub fn narrow(&self, ceiling: Ceiling) -> Result<(), ControlError> {
        Ok(self.engine.narrow(self.live()?, ceiling)?)
    }

    /// Waits until the agent has ended, through any restarts, and returns the reason.
    pub async fn ended(&self) -> StopReason {
        match &self.of {
            Of::Seat(seat) => seat.has_ended().await,
            Of::Ended(_) => self.reason().unwrap_or(StopReason::Stopped),
        }
    }

    fn seat(&self) -> Option<&Arc<Seat>> {
        match &self.of {
            Of::Seat(seat) => Some(seat),
            Of::Ended(_) => None,
        }
    }

    /// Its seat, unless it has ended.
    fn live(&self) -> Result<&Arc<Seat>, ControlError> {
        match &self.of {
            Of::Seat(seat) if !seat.is_stopped() => Ok(seat),
            _ => {
                let reason = self.reason().unwrap_or(StopReason::Stopped);
                Err(ControlError::Ended { agent: self.id().clone(), reason })
            }
        }
    }
}

impl Engine {
    /// Who has this id, else who has this name; nobody, if neither has a place.
    fn find(&self, who: &str) -> Result<Option<Arc<Seat>>, LookupError> {
        if let Some(seat) = self.registry.by_id(&AgentId::from_text(who)) {
            return Ok(Some(seat));
        }
        let mut named = self.registry.by_name(who);
        // Whoever lives comes before specs that stand for nobody.
        if named.len() > 1 && named.iter().any(|seat| !seat.is_stopped()) {
            named.retain(|seat| !seat.is_stopped());
        }
        match named.len() {
            0 | 1 => Ok(named.pop()),
            count => Err(LookupError::Ambiguous(who.to_owned(), count)),
        }
    }

    /// A live agent of a type, by its id or its name.
    pub(crate) fn agent<A: Agent>(self: &Arc<Self>, who: &str) -> Result<AgentRef<A>, LookupError> {
        match self.find(who)? {
            Some(seat) if !seat.is_stopped() => with_type(&seat),
            // For the error, which says whether it has ended or never was.
            _ => Control::find(self, who)?.typed(),
        }
    }
}

fn with_type<A: Agent>(seat: &Arc<Seat>) -> Result<AgentRef<A>, LookupError> {
    if seat.body.as_any().is::<Typed<A>>() {
        return Ok(AgentRef::new(Arc::clone(seat)));
    }
    Err(LookupError::OtherType {
        name: seat.name.to_string(),
        found: seat.body.agent_type().to_owned(),
        wanted: crate::agent::type_word::<A>().to_owned(),
    })
}

impl<A: Agent> AgentRef<A> {
    /// The same agent without its type.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::of(self.seat())
    }
}

impl Context {
    /// Control of the agent itself: everything that can be done to any agent or read from it, such as its history.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::of(Arc::clone(&self.turn.seat))
    }

    /// An agent below this one, by its id or name; a child of that name comes first.
    ///
    /// # Errors
    /// [`LookupError`]: there is none below it, or several have the name and none of them is a child.
    pub fn below(&self, who: impl AsRef<str>) -> Result<Control, LookupError> {
        Control::below(&self.turn.seat, who.as_ref())
    }
}
