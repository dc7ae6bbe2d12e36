//! The one door to any agent, whatever its type: found by id or by name, it answers and obeys.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::agent_ref::{AgentRef, Status};
use crate::ceiling::Ceiling;
use crate::children::Children;
use crate::engine::Engine;
use crate::engine::body::Typed;
use crate::engine::seat::Seat;
use crate::error::{ControlError, LookupError};
use crate::event::Event;
use crate::fold::{Costs, Metrics, Tree, TreeRow};
use crate::id::AgentId;
use crate::journal::{Events, Filter};
use crate::ledger::{Balance, Breakdown, Budget};
use crate::lifecycle::{AgentState, StopReason};
use crate::pause::{Pause, PauseReceipt, ResumeReceipt};
use crate::receipt::{Stop, StopReceipt};

/// Control of an agent, of a scope, or of the swarm's root, without its type: what [`Swarm::control`](crate::Swarm::control)
/// gives for an id or a name, and what a service, a command line or a page speaks to.
///
/// Cheap to clone; holding it keeps nothing running. Nothing here waits for the agent itself, so it is answered whatever the
/// agent does.
///
/// | | while it lives | once it has ended |
/// |---|---|---|
/// | `id`, `name`, `agent_type`, `state`, `status`, `cost` | now | as it ended |
/// | `costs`, `subtree`, `history`, `events_so_far` | now | as far back as the journal keeps it |
/// | `children`, `stop`, `drain`, `kill`, `interrupt`, `pause`, `resume`, `grant`, `narrow` | done | [`ControlError::Ended`] |
///
/// An agent whose spec stands after its end, such as a terminated child, may be started again by its supervisor: it is the same
/// one then, and so is this.
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

/// What an interrupt found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interrupted {
    /// A turn was on and has been cancelled.
    Turn,
    /// There was no turn to interrupt.
    Nothing,
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

    /// What it is and does right now, or was at its end. Read from its seat: it needs no answer of the agent's.
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

    /// What it and its subtree have spent and reserved in its budget's current window; none without a window.
    #[must_use]
    pub fn window_cost(&self) -> Option<Balance> {
        self.seat().and_then(|seat| seat.window_cost())
    }

    /// The bill of its subtree, agent by agent; empty once the journal keeps nothing of it.
    #[must_use]
    pub fn costs(&self) -> Breakdown {
        self.engine.breakdown(self.id())
    }

    /// How it and its subtree are doing in numbers, since it was spawned; once it has ended they are in its parent's, and these
    /// are of nothing.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.engine.metrics(self.id())
    }

    /// How many agents live in its subtree, itself included, in O(1); scopes and the root are none.
    #[must_use]
    pub fn live_agents(&self) -> u32 {
        self.seat().map_or(0, crate::engine::seat::Seat::live_agents)
    }

    /// It and all below it as the journal knows them, parents before children; of those that have ended, the ones whose end it
    /// still keeps.
    #[must_use]
    pub fn subtree(&self) -> Vec<TreeRow> {
        let rows = |tree: &Tree| tree.subtree(self.id()).map(|(_, row)| row.clone()).collect();
        self.engine.journal.view(rows)
    }

    /// Follows what happens at it and below it, from its begin. What the journal has cut comes as
    /// [`Lagged`](crate::journal::Lagged). The filter's own subtree does not matter.
    #[must_use]
    pub fn history(&self, filter: Filter) -> Events {
        Events::new(&self.engine.journal, filter.under(self.id()), 1)
    }

    /// Follows what happens at it and below it from now on.
    #[must_use]
    pub fn events(&self, filter: Filter) -> Events {
        self.engine.events(filter.under(self.id()))
    }

    /// What has happened at it and below it, as far back as the journal keeps it.
    #[must_use]
    pub fn events_so_far(&self) -> Vec<Arc<Event>> {
        let mut kept = self.engine.journal.kept();
        kept.retain(|event| event.agent.is_within(self.id()));
        kept
    }

    /// Its children, which it supervises: OTP's interface.
    ///
    /// # Errors
    /// [`ControlError::Ended`]. What the journal knows of the children of one that has ended is in [`Control::subtree`].
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

    /// Stops it with its subtree, for good; the root with all of the swarm, which ends the session.
    ///
    /// The fence is up and all turns are cancelled when this is first polled; dropping the future afterwards takes nothing
    /// back.
    ///
    /// # Errors
    /// [`ControlError::Ended`] if it had ended before. A stop that another has begun is shared.
    pub async fn stop(&self, stop: Stop) -> Result<StopReceipt, ControlError> {
        let seat = self.live()?;
        Ok(self.engine.stop_ordered(seat, stop).await)
    }

    /// Has it take no more tasks, finish those that are queued, and stop. What is not finished within the time is stopped.
    ///
    /// # Errors
    /// [`ControlError::Ended`].
    pub async fn drain(&self, within: Duration) -> Result<StopReceipt, ControlError> {
        Ok(self.live()?.drain(within).await)
    }

    /// Kills it: the incarnation ends at once, its subtree is stopped brutally, and its supervisor decides what comes next.
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

    /// Interrupts its turn: pending calls on the context return, and what has not come back by the grace (1 s) is dropped at its
    /// await and the behaviour built anew. The task ends as interrupted; the agent goes on with the next.
    ///
    /// # Errors
    /// [`ControlError::Ended`]. That there was no turn is an answer.
    pub fn interrupt(&self) -> Result<Interrupted, ControlError> {
        Ok(self.live()?.interrupt_turn())
    }

    /// Pauses it with its subtree: nothing begins there until [`Control::resume`], tasks queue. The receipt comes when all are
    /// quiet, or when it is due. Pauses nest: an agent runs when none stands at it or above it.
    ///
    /// The subtree is held when this is first polled; dropping the future afterwards takes nothing back.
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Pause`] if it is being stopped.
    pub async fn pause(&self, pause: Pause) -> Result<PauseReceipt, ControlError> {
        let seat = self.live()?;
        Ok(self.engine.pause(seat, pause).await?)
    }

    /// Lifts the pause that stands at it. What another pause holds stays held.
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Resume`] if none stands at it.
    pub fn resume(&self) -> Result<ResumeReceipt, ControlError> {
        Ok(self.engine.resume(self.live()?)?)
    }

    /// Raises its budget by so much of each amount that it bounds; what it does not bound stays unbounded, and what happens at a
    /// refusal stays as it is. A subtree that was paused for want of it waits for [`Control::resume`].
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Grant`] if it has no budget of its own, or what is granted is no amount.
    pub fn grant(&self, more: Budget) -> Result<(), ControlError> {
        Ok(self.engine.grant(self.live()?, more)?)
    }

    /// Takes rights away while it lives: see [`AgentRef::narrow`](crate::AgentRef::narrow).
    ///
    /// # Errors
    /// [`ControlError::Ended`]; [`ControlError::Narrow`] if it has no ceiling of its own, or this one cannot be used.
    pub fn narrow(&self, ceiling: Ceiling) -> Result<(), ControlError> {
        Ok(self.engine.narrow(self.live()?, ceiling)?)
    }

    /// Waits until it has ended, and says why. Restarts are waited through.
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
