//! An agent's children: OTP's interface of a supervisor.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agent::Agent;
use crate::agent::agent_ref::AgentRef;
use crate::agent::context::OwnAgent;
use crate::agent::spawn::{Naming, SpawnPlace, spawn};
use crate::agent::spec::AgentSpec;
use crate::decide::supervision::{ChildState, Counts, Event};
use crate::engine::seat::Seat;
use crate::engine::supervise::interface::Known;
use crate::words::child::ChildPolicy;
use crate::words::child_interface::Answer;
use crate::words::error::{ChangeError, ChildError, SpawnError};
use crate::words::id::AgentId;
use crate::words::supervisor::Policy;

/// The children that an agent supervises: a list of them, and OTP's calls to start, terminate, restart and delete them.
/// Cheap to clone; holding it keeps nothing running.
///
/// Queries read the supervisor's own table, so they answer whatever it is doing. Calls that change something wait for
/// their answer and are served between the attempts of a restart. Dropping their future does not undo them.
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
    /// Whether it is running, being restarted, or has nothing running.
    pub state: ChildState,
}

/// The result of `restart_child`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarted {
    /// The child is running.
    Running,
    /// Its start returned *ignore*: nothing runs for it, and its spec stays.
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

    /// Adds a child at the end of the list and starts it. Its spec stays after its end, until it is deleted; except for
    /// temporary children and for those of a dynamic supervisor.
    ///
    /// # Errors
    /// [`SpawnError::AlreadyStarted`] and [`SpawnError::AlreadyPresent`] if the name is taken. A bad spec or a failed start
    /// leaves nothing behind; after [`SpawnError::Ignored`] the spec stays, as after an end.
    pub async fn start_child<A: Agent>(&self, spec: AgentSpec<A>) -> Result<AgentRef<A>, SpawnError> {
        let role = self.seat.role_of_own_child();
        let place = SpawnPlace::under(&self.seat, role, Naming::Child);
        Ok(AgentRef::new(spawn(place, spec).await?))
    }

    /// Stops a child as its spec says, or cancels its next attempt if it is being restarted. It succeeds if nothing runs for
    /// the child.
    ///
    /// # Errors
    /// [`ChildError::NotFound`], [`ChildError::Ending`].
    pub async fn terminate_child(&self, name: &str) -> Result<(), ChildError> {
        self.ask(name, |key, ticket| Event::Terminate { key, ticket }).await.map(|_| ())
    }

    /// Starts a child for which nothing runs, with its present spec. This does not count as a restart.
    ///
    /// # Errors
    /// [`ChildError::NotFound`], [`ChildError::Running`], [`ChildError::Restarting`], [`ChildError::StartFailed`], after which
    /// the spec stays with nothing running.
    pub async fn restart_child(&self, name: &str) -> Result<Restarted, ChildError> {
        let answer = self.ask(name, |key, ticket| Event::Restart { key, ticket }).await?;
        Ok(if answer == Answer::Ignored { Restarted::Ignored } else { Restarted::Running })
    }

    /// Deletes the spec of a child for which nothing runs, and frees its name.
    ///
    /// # Errors
    /// [`ChildError::NotFound`], [`ChildError::Running`], [`ChildError::Restarting`].
    pub async fn delete_child(&self, name: &str) -> Result<(), ChildError> {
        self.ask(name, |key, ticket| Event::Delete { key, ticket }).await.map(|_| ())
    }

    /// All children, newest first.
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

    /// The number of children, without a walk. The template of a dynamic supervisor counts as a spec.
    #[must_use]
    pub fn count_children(&self) -> Counts {
        self.seat.count_children()
    }

    /// The present policy of a child.
    ///
    /// # Errors
    /// [`ChildError::NotFound`].
    pub fn get_childspec(&self, name: &str) -> Result<ChildPolicy, ChildError> {
        self.seat.child_policy(name).ok_or_else(|| self.not_found(name))
    }

    /// The present policy of the supervisor.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.seat.supervisor_policy()
    }

    /// Changes strategy, intensity or auto-shutdown while the supervisor runs. Children stay as they are; the new policy
    /// applies to all later decisions. Earlier restarts count under the new limit.
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

    /// Changes the policy of a child while it runs: when it is restarted, how it is stopped, whether it is significant, its
    /// backoff, and the decision for each class of failure. The running child stays.
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

impl<A: Agent> AgentRef<A> {
    /// Its children, which it supervises.
    #[must_use]
    pub fn children(&self) -> Children {
        Children::of(self.seat())
    }
}

impl OwnAgent<'_> {
    /// Its children, including those of its tasks.
    #[must_use]
    pub fn children(&self) -> Children {
        Children::of(Arc::clone(&self.0.turn.seat))
    }
}
