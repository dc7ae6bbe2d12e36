//! Why a budget refuses something.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words::budget::OnRefusal;
use crate::words::error::{Advice, AgentError, SkepError};
use crate::words::id::AgentId;
use crate::words::money::NanoUsd;
use crate::words::policy::FailureClass;

/// What a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Money, in nano-dollars.
    Money,
    /// Tokens sent and written.
    Tokens,
    /// Calls.
    Calls,
}

/// A refusal by a budget: which budget, and what it has left. Nothing has been reserved anywhere.
///
/// `Display` is one line, such as `s.1 has $0.12 left of its budget, and $0.40 is wanted`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// The agent whose budget refuses: the nearest one that does, the asking agent included.
    pub ancestor: AgentId,
    /// The amount that does not fit.
    pub amount: Amount,
    /// What was wanted, in nano-dollars for money. `None` for an effect that states no worst case of it.
    pub wanted: Option<u64>,
    /// What is left of it, nano-dollars for money.
    pub left: u64,
    /// What the budget says is to happen now; never [`OnRefusal::Warn`].
    pub policy: OnRefusal,
    /// Whether the budget is overrun, and so closed to everything, even to what is free.
    #[serde(default)]
    pub closed: bool,
    /// The time until the budget's window turns, if the new window makes room for what was wanted.
    #[serde(default)]
    pub turns_in: Option<Duration>,
    /// Whether and when to try again, considering every budget that refuses.
    #[serde(default = "never")]
    pub again: Advice,
}

const fn never() -> Advice {
    Advice::Never
}

impl Refusal {
    /// Whether to try again: when the window turns, if that makes room; after a second, if effects in flight may give back
    /// enough of their reservations; never if only a grant would help: more is wanted than the budget or one of its windows
    /// has in all, it is spent for good, it is overrun for good, or no worst case is stated.
    #[must_use]
    pub const fn advice(&self) -> Advice {
        self.again
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        429
    }

    /// Whether the budget is overrun, and so closed to everything, even to what is free.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ancestor, amount, left, .. } = self;
        if self.is_closed() {
            write!(f, "the budget of {ancestor} is overrun ({amount}) and closed to all effects")?;
        } else {
            write!(f, "{ancestor} has {} left of its budget, and ", amount.of(*left))?;
            match self.wanted {
                Some(wanted) => write!(f, "{} {} wanted", amount.of(wanted), amount.verb(wanted))?,
                None => f.write_str(
                    "the effect states no worst case: state one with `.worst_case(..)`, call `.free()` if it costs nothing, or give a model its prices with `.prices(..)`",
                )?,
            }
        }
        // Rounded up, so that who waits for so long does not come too early.
        let seconds = |wait: Duration| wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        self.turns_in.map_or(Ok(()), |wait| write!(f, "; its window turns in {} s", seconds(wait)))
    }
}

impl std::error::Error for Refusal {}

impl SkepError for Refusal {
    fn into_agent_error(self) -> AgentError {
        AgentError::new(FailureClass::OverBudget, self.to_string()).advise(self.advice())
    }
}

impl Amount {
    fn of(self, count: u64) -> String {
        let (one, many) = match self {
            Self::Money => return NanoUsd(count).to_string(),
            Self::Tokens => ("token", "tokens"),
            Self::Calls => ("call", "calls"),
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }

    fn verb(self, count: u64) -> &'static str {
        if self == Self::Money || count == 1 { "is" } else { "are" }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Money => "money",
            Self::Tokens => "tokens",
            Self::Calls => "calls",
        })
    }
}
