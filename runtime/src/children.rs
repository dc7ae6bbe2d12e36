//! An agent's children, as others deal with them: OTP's interface of a supervisor.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::agent_ref::AgentRef;
use crate::engine::interface::Known;
use crate::engine::seat::Seat;
use crate::engine::spawn::{Naming, Place, spawn};
use crate::error::{ChangeError, ChildError, SpawnError};
use crate::id::AgentId;
use crate::spec::AgentSpec;
use crate::supervision::{Answer, ChildPolicy, ChildState, Counts, Event, Policy};

/// The children of an agent, which supervises them: who they are, and OTP's calls to start, terminate, restart and delete
/// them. Cheap to clone; holding it keeps nothing running.
///
/// Questions are read from the supervisor's own table and answered whatever it does. Calls that change something wait for
/// their answer and are served between the attempts of a restart. Dropping their future takes nothing back.
///
/// | child is | `start_child` | `terminate_child` | `restart_child` | `delete_child` |
/// |---|---|---|---|---|
/// | not there | starts it | not found | not found | not found |
/// | running | already started | stops it | running | running |
/// | restarting | already present | cancels the attempt | restarting | restarting |
/// | there, with nothing running | already present | fine | starts it | deletes it |
///
/// A temporary or a dynamic child is not there any more once nothing runs for it.
#[derive(Clone)]
pub struct Children {
    seat: Arc<Seat>,
}

/// A child as `which_children` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// Its id.
    pub id: AgentId,
    /// Its name, unique among its siblings.
    pub name: String,
    /// The type of its behaviour.
    pub agent_type: String,
    /// Whether it is counted as a supervisor.
    pub is_supervisor: bool,
    /// Whether it runs, is being restarted, or has nothing running.
    pub state: ChildState,
}

/// What `restart_child` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarted {
    /// The child runs.
    Running,
    /// Its start said *ignore*: nothing runs for it, and its spec stays.
    Ignored,
}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Children(of {} {:?})", self.seat.id, self.seat.name)
    }
}

impl Children {
    pub(crate) fn of(seat: Arc<Seat>) -> Self {
        Self { seat }
    }

    /// Adds a child at the end of the list and starts it. Its spec stays when it has ended, until it is deleted; not that of
    /// a temporary child, nor of a dynamic supervisor's.
    ///
    /// # Errors
    /// [`SpawnError::AlreadyStarted`] and [`SpawnError::AlreadyPresent`] where the name is taken. A bad spec and a start that
    /// failed leave nothing behind; after [`SpawnError::Ignored`] the spec stays as it does after an end.
    pub async fn start_child<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let role = self.seat.role_of_own_child();
        let place = Place::under(&self.seat, role, Naming::Child);
        Ok(AgentRef::new(spawn(place, spec).await?))
    }

    /// Stops a child as its spec says; cancels its next attempt if it is being restarted. Fine if nothing runs for it.
    ///
    /// # Errors
    /// [`ChildError::NotFound`], [`ChildError::Ending`].
    pub async fn terminate_child(&self, name: &str) -> Result<(), ChildError> {
        self.ask(name, |key, ticket| Event::Terminate { key, ticket }).await.map(|_| ())
    }

    /// Starts a child for which nothing runs, with the spec that it has. It does not count as a restart.
    ///
    /// # Errors
    /// [`ChildError::NotFound`], [`ChildError::Running`], [`ChildError::Restarting`], [`ChildError::StartFailed`], after which
    /// the spec stays with nothing running.
    pub async fn restart_child(&self, name: &str) -> Result<Restarted, ChildError> {
        let answer = self.ask(name, |key, ticket| Event::Restart { key, ticket }).await?;
        Ok(if answer == Answer::Ignored { Restarted::Ignored } else { Restarted::Running })
    }

    /// Deletes the spec of a child for which nothing runs. Its name is free then.
    ///
    /// # Errors
    /// [`ChildError::NotFound`], [`ChildError::Running`], [`ChildError::Restarting`].
    pub async fn delete_child(&self, name: &str) -> Result<(), ChildError> {
        self.ask(name, |key, ticket| Event::Delete { key, ticket }).await.map(|_| ())
    }

    /// All children, the newest first.
    #[must_use]
    pub fn which_children(&self) -> Vec<Child> {
        self.seat.which_children().into_iter().map(Child::of).collect()
    }

    /// One child.
    ///
    /// # Errors
    /// [`ChildError::NotFound`].
    pub fn which_child(&self, name: &str) -> Result<Child, ChildError> {
        self.seat.which_child(name).map(Child::of).ok_or_else(|| self.not_found(name))
    }

    /// How many there are, without a walk. The template of a dynamic supervisor counts as a spec.
    #[must_use]
    pub fn count_children(&self) -> Counts {
        self.seat.count_children()
    }

    /// What holds for a child now.
    ///
    /// # Errors
    /// [`ChildError::NotFound`].
    pub fn get_childspec(&self, name: &str) -> Result<ChildPolicy, ChildError> {
        self.seat.child_policy(name).ok_or_else(|| self.not_found(name))
    }

    /// How the supervisor supervises now.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.seat.supervisor_policy()
    }

    /// Changes strategy, intensity or auto-shutdown while it runs. Children stay as they are; the new policy holds for all
    /// that is decided from now on. Restarts that are remembered count under the new limit.
    ///
    /// # Errors
    /// [`ChangeError::Policy`] names the field; nothing has changed then. [`ChangeError::Ended`].
    pub fn change(&self, change: impl FnOnce(&mut Policy)) -> Result<(), ChangeError> {
        let supervisor = self.seat.id.clone();
        match self.seat.change_policy(change) {
            None => Err(ChangeError::Ended { supervisor }),
            Some(changed) => changed.map_err(|why| ChangeError::Policy { supervisor, why }),
        }
    }

    /// Changes what holds for a child while it runs: when it is restarted, how it is stopped, whether it is significant, its
    /// pauses, what follows from a class of failure. The running child stays.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`]; [`ChangeError::Child`] names the field; nothing has changed then.
    pub fn change_child(&self, name: &str, change: impl FnOnce(&mut ChildPolicy)) -> Result<(), ChangeError> {
        let supervisor = self.seat.id.clone();
        match self.seat.change_child(name, change) {
            None => Err(ChangeError::NotFound { supervisor, name: name.to_owned() }),
            Some(changed) => {
                changed.map_err(|why| ChangeError::Child { supervisor, name: name.to_owned(), why })
            }
        }
    }

    async fn ask(&self, name: &str, event: fn(u32, u64) -> Event) -> Result<Answer, ChildError> {
        let answer = self.seat.ask_about(name, event).await;
        answer.map_err(|error| ChildError::new(self.seat.id.clone(), name, error))
    }

    fn not_found(&self, name: &str) -> ChildError {
        ChildError::NotFound { supervisor: self.seat.id.clone(), name: name.to_owned() }
    }
}

impl Child {
    fn of(Known { seat, state, is_supervisor }: Known) -> Self {
        Self {
            id: seat.id.clone(),
            name: seat.name.to_string(),
            agent_type: seat.body.agent_type().to_owned(),
            is_supervisor,
            state,
        }
    }
}
