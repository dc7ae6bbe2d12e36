//! An agent that does nothing but supervise.

use serde::{Deserialize, Serialize};

use super::AgentSpec;
use crate::agent::Agent;
use crate::agent::context::Context;
use crate::words::error::AgentError;
use crate::words::policy::Strategy;
use crate::words::written::{SupervisorFlags, WrittenStrategy};

/// An agent that takes no tasks and supervises its children.
///
/// ```text
///   one_for_one           one_for_all            rest_for_one
///   a  b† c               a  b† c                a  b† c
///      ↻                  ↻  ↻  ↻                   ↻  ↻
/// ```
///
/// Its shutdown is the stop's deadline, OTP's *infinity* for supervisors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Supervisor;

/// A task that cannot be: a supervisor takes none.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum NoTask {}

impl Supervisor {
    /// A child that ends is restarted alone.
    #[must_use]
    pub fn one_for_one() -> AgentSpec<Self> {
        Self::with(Strategy::OneForOne)
    }

    /// If a child ends, all children are restarted.
    #[must_use]
    pub fn one_for_all() -> AgentSpec<Self> {
        Self::with(Strategy::OneForAll)
    }

    /// A child that ends is restarted together with those after it.
    #[must_use]
    pub fn rest_for_one() -> AgentSpec<Self> {
        Self::with(Strategy::RestForOne)
    }

    /// Children come and go without specs of their own, and each is handled alone. OTP's `simple_one_for_one`.
    #[must_use]
    pub fn dynamic() -> AgentSpec<Self> {
        let mut spec = Self::with(Strategy::OneForOne);
        spec.policies_mut().dynamic = true;
        spec
    }

    /// A supervisor from written flags.
    #[must_use]
    pub fn described_by(flags: &SupervisorFlags) -> AgentSpec<Self> {
        let policy = flags.policy();
        let mut spec = Self::with(policy.strategy).auto_shutdown(policy.auto_shutdown);
        spec.policies_mut().intensity = policy.intensity;
        spec.policies_mut().dynamic = flags.strategy == WrittenStrategy::SimpleOneForOne;
        spec
    }

    fn with(strategy: Strategy) -> AgentSpec<Self> {
        AgentSpec::new("supervisor", || Self).strategy(strategy).as_supervisor()
    }
}

impl Agent for Supervisor {
    type Task = NoTask;
    type Output = ();

    async fn handle(&mut self, task: &NoTask, _: &Context) -> Result<(), AgentError> {
        match *task {}
    }
}
