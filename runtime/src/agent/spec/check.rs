//! Checking specs without starting anything: OTP's `check_childspecs`.

use std::sync::Arc;

use super::AgentSpec;
use crate::agent::Agent;
use crate::agent::spawn::bad_child;
use crate::engine::Engine;
use crate::engine::seat::Seat;
use crate::words::error::SpawnError;
use crate::words::policy::{AutoShutdown, Restart};

impl<A: Agent> AgentSpec<A> {
    /// Checks the spec with all the children that it declares, as [`Swarm::spawn`](crate::Swarm::spawn) does: under the agent
    /// that [`under`](Self::under) names, or at the root. Nothing is built or started. Only a spawn can tell whether the name
    /// is free, and whether there is room and budget.
    ///
    /// # Errors
    /// [`SpawnError::BadSpec`] names the agent and the first invalid field.
    pub fn check(&self) -> Result<(), SpawnError> {
        let (is_dynamic, auto_shutdown) = match &self.parent {
            Some(parent) => (parent.policies.dynamic, parent.supervisor_policy().auto_shutdown),
            None => (false, AutoShutdown::Never),
        };
        self.check_under(is_dynamic, auto_shutdown)
    }

    /// Checks another spec as a child of this one.
    ///
    /// # Errors
    /// As [`AgentSpec::check`], and also if this supervisor cannot have such a child. Mistakes in this spec itself that
    /// depend on its place are not checked.
    pub fn check_child<C: Agent>(&self, child: &AgentSpec<C>) -> Result<(), SpawnError> {
        self.policies.check(&self.name)?;
        self.below.check(&self.name, &self.policies)?;
        child.belongs_to(None)?;
        child.check_under(self.policies.dynamic, self.policies.auto_shutdown)
    }

    /// Whether it may be put under this parent, or under one that is not there yet: [`AgentSpec::under`] may name no other.
    pub(crate) fn belongs_to(&self, parent: Option<&Arc<Seat>>) -> Result<(), SpawnError> {
        let Some(named) = &self.parent else { return Ok(()) };
        if parent.is_some_and(|parent| Arc::ptr_eq(named, parent)) {
            return Ok(());
        }
        let message = format!(
            "it names {}, but the place of this spawn has another parent; leave out `under`, or spawn with `swarm.spawn`",
            named.id
        );
        Err(self.bad("under", message))
    }

    /// The parent that it names, which has to be of this swarm.
    pub(crate) fn take_parent(&mut self, engine: &Arc<Engine>) -> Result<Option<Arc<Seat>>, SpawnError> {
        let Some(parent) = self.parent.take() else { return Ok(None) };
        if Arc::ptr_eq(&parent.engine, engine) {
            return Ok(Some(parent));
        }
        Err(self.bad("under", format!("it names {}, which belongs to another swarm", parent.id)))
    }

    fn bad(&self, field: &str, message: String) -> SpawnError {
        SpawnError::BadSpec { name: self.name.clone(), field: field.to_owned(), message }
    }

    fn check_under(&self, is_dynamic: bool, auto_shutdown: AutoShutdown) -> Result<(), SpawnError> {
        self.check_in_place(Restart::Permanent, is_dynamic, auto_shutdown)?;
        let limits = self.policies.check(&self.name)?;
        self.below.check_room(&self.name, &self.policies, limits)
    }

    /// The check that a spawn makes, of it and all that it declares: everything but names that are taken and room.
    pub(crate) fn check_in_place(
        &self,
        restart: Restart,
        is_dynamic: bool,
        auto_shutdown: AutoShutdown,
    ) -> Result<(), SpawnError> {
        self.check_alone(restart, is_dynamic, auto_shutdown)?;
        self.below.check(&self.name, &self.policies)
    }

    /// Checks it without its children.
    pub(crate) fn check_alone(
        &self,
        restart: Restart,
        is_dynamic: bool,
        auto_shutdown: AutoShutdown,
    ) -> Result<(), SpawnError> {
        self.policies.check(&self.name)?;
        let policy = self.child_policy(restart, is_dynamic, true);
        policy.check(auto_shutdown).map_err(|error| bad_child(&self.name, &error))
    }
}
