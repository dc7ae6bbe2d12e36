//! What the core is told of one child.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::words::policy::{AutoShutdown, Backoff, Exit, FailureClass, Intensity, Restart, Shutdown};

/// A child's number under its parent: given at the spawn and never reused, so the order of keys is the order of the
/// list of specs.
pub type ChildKey = u32;

/// What holds for one child. The default is OTP's: a permanent worker with five seconds to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildPolicy {
    /// When it is started again.
    pub restart: Restart,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// Whether `count_children` counts it as a supervisor or as a worker.
    pub supervisor: bool,
    /// Whether its own end may end its supervisor, see [`AutoShutdown`].
    pub significant: bool,
    /// The pause before each restart; none means at once, as in OTP.
    pub backoff: Option<Backoff>,
    /// Its own limit: its restarts are counted alone, and beyond it the child ends escalated while its supervisor goes on.
    /// None means that they count in the supervisor's window, as in OTP.
    pub limit: Option<Intensity>,
    /// It has no spec of its own: it is gone when it ends without a restart, and is handled alone whatever the
    /// strategy. So are the children of `Supervisor::dynamic`, of a task and of a scope.
    pub dynamic: bool,
    /// Whether its restarts count in the window. Those of a task's or scope's child do not: it is given up, alone, after
    /// [`defaults::ATTEMPTS`](crate::words::defaults::ATTEMPTS) failed starts in a row, and when it was killed or gave up more often
    /// than the supervisor bears. Its crashes are bounded by the attempts of its tasks.
    pub counted: bool,
    /// What to do by class of failure. A class that is not named follows `restart`; one that is named overrides it.
    pub on_failure: Vec<(FailureClass, Decision)>,
}

impl Default for ChildPolicy {
    fn default() -> Self {
        Self {
            restart: Restart::Permanent,
            shutdown: Shutdown::default(),
            supervisor: false,
            significant: false,
            backoff: None,
            limit: None,
            dynamic: false,
            counted: true,
            on_failure: Vec::new(),
        }
    }
}

impl ChildPolicy {
    /// Whether a supervisor with this `auto_shutdown` can have such a child.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn check(&self, auto_shutdown: AutoShutdown) -> Result<(), BadChild> {
        if self.significant {
            if self.restart == Restart::Permanent {
                return Err(BadChild::SignificantPermanent);
            }
            if self.dynamic {
                return Err(BadChild::SignificantDynamic);
            }
            if auto_shutdown == AutoShutdown::Never {
                return Err(BadChild::SignificantNever);
            }
        }
        if self.limit.is_some_and(|limit| limit.period.is_zero()) {
            return Err(BadChild::Limit);
        }
        if self.backoff.is_some_and(|backoff| backoff.min > backoff.max) {
            return Err(BadChild::Backoff);
        }
        let named = |class| self.on_failure.iter().filter(|(other, _)| *other == class).count();
        match self.on_failure.iter().find(|(class, _)| named(*class) > 1) {
            Some((class, _)) => Err(BadChild::OnFailure(*class)),
            None => Ok(()),
        }
    }
}

/// What a supervisor does about a child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Starts it again.
    Restart,
    /// Leaves it ended.
    Stop,
    /// Gives up and ends escalated itself.
    Escalate,
}

/// Why a child's policy is refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadChild {
    /// The key is taken; keys are never reused.
    #[error("key: {0} is taken")]
    Taken(ChildKey),
    /// A dynamic child has no spec that could stand without it.
    #[error("dynamic: such a child cannot be declared, only spawned")]
    DynamicDeclared,
    /// A child has a spec of its own or has none, for good.
    #[error("dynamic: cannot be changed")]
    DynamicChanged,
    /// A permanent child never ends by itself, so nothing can follow from its end.
    #[error("significant: a permanent child cannot be significant")]
    SignificantPermanent,
    /// Auto-shutdown is about specs, which dynamic children do not have.
    #[error("significant: a dynamic child cannot be significant")]
    SignificantDynamic,
    /// The supervisor never ends by itself, so the word would be without effect.
    #[error("significant: the supervisor's auto_shutdown is never")]
    SignificantNever,
    /// Restarts are counted in a span of time.
    #[error("limit: its period must be longer than zero")]
    Limit,
    /// The first pause would be longer than the longest.
    #[error("backoff: min is longer than max")]
    Backoff,
    /// Two decisions for one class.
    #[error("on_failure: {0:?} is named twice")]
    OnFailure(FailureClass),
}

/// The decision that `restart` alone makes about an end (S2).
pub(crate) const fn by_restart(restart: Restart, exit: &Exit) -> Decision {
    match restart {
        Restart::Permanent => Decision::Restart,
        Restart::Transient if exit.is_abnormal() => Decision::Restart,
        Restart::Transient | Restart::Temporary => Decision::Stop,
    }
}
