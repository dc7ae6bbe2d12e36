//! What holds for a supervisor as a whole.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::words::policy::{AutoShutdown, Intensity, Strategy};

/// What holds for a supervisor as a whole. The default is OTP's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Which siblings a restart concerns.
    pub strategy: Strategy,
    /// How many restarts are borne.
    pub intensity: Intensity,
    /// Whether it ends with its significant children.
    pub auto_shutdown: AutoShutdown,
    /// True at a swarm's root: the window is each child's own, and a child beyond it ends escalated, alone.
    pub each_child_alone: bool,
}

impl Policy {
    /// Whether a supervisor can have this policy.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn check(&self) -> Result<(), BadPolicy> {
        if self.intensity.period.is_zero() { Err(BadPolicy::Period) } else { Ok(()) }
    }
}

/// Why a supervisor's policy is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadPolicy {
    /// Restarts are counted in a span of time.
    #[error("intensity.period: must be longer than zero")]
    Period,
    /// Auto-shutdown is about specs, which dynamic children do not have.
    #[error("auto_shutdown: a dynamic supervisor has no significant children to end with")]
    AutoShutdownDynamic,
}
