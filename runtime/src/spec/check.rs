//! Checking specs without starting anything: OTP's `check_childspecs`.

use std::collections::BTreeSet;

use super::AgentSpec;
use crate::agent::Agent;
use crate::engine::spawn::bad_child;
use crate::error::SpawnError;
use crate::policy::{AutoShutdown, Restart};

impl<A: Agent> AgentSpec<A> {
    /// Checks it with all children that it declares, as a spawn would. Nothing is built or started.
    ///
    /// # Errors
    /// [`SpawnError::BadSpec`] names the agent and the first field that cannot be.
    pub fn check(&self) -> Result<(), SpawnError> {
        self.policies.check(&self.name)?;
        let mut names = BTreeSet::new();
        for child in &self.children {
            child.check(false, self.policies.auto_shutdown)?;
            if !names.insert(child.name()) {
                return Err(SpawnError::BadSpec {
                    name: child.name().to_owned(),
                    field: "name".to_owned(),
                    message: "a sibling has it already; give each child its own".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Checks another spec as that of a child of this one.
    ///
    /// # Errors
    /// As [`AgentSpec::check`]; a child that this supervisor cannot have is one more.
    pub fn check_child<C: Agent>(&self, child: &AgentSpec<C>) -> Result<(), SpawnError> {
        self.check()?;
        child.check_under(self.policies.dynamic, self.policies.auto_shutdown)
    }

    /// Checks it as a child of a supervisor of this kind.
    pub(crate) fn check_under(
        &self,
        is_dynamic: bool,
        auto_shutdown: AutoShutdown,
    ) -> Result<(), SpawnError> {
        self.check()?;
        let policy = self.child_policy(Restart::Permanent, is_dynamic, true);
        policy.check(auto_shutdown).map_err(|error| bad_child(&self.name, &error))
    }
}
