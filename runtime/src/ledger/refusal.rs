//! Why a budget lets something not begin.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::OnRefusal;
use crate::defaults;
use crate::error::{Advice, AgentError, SkepError};
use crate::id::AgentId;
use crate::money::NanoUsd;
use crate::policy::FailureClass;

/// What a budget bounds.
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

/// A budget's refusal: which one, and what it has left. Nothing has been reserved anywhere.
///
/// `Display` is one line, such as `s.1 has $0.12 left of its budget, and $0.40 is wanted`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// The agent whose budget refuses: the nearest one that does, the asking agent included.
    pub ancestor: AgentId,
    /// The amount that does not fit.
    pub amount: Amount,
    /// What was wanted, nano-dollars for money. None: an effect without a finite worst case.
    pub wanted: Option<u64>,
    /// What is left of it, nano-dollars for money.
    pub left: u64,
    /// What the budget says is to happen now; never [`OnRefusal::Warn`].
    pub policy: OnRefusal,
    /// When the budget's window turns, from now, where that makes room for what was wanted.
    #[serde(default)]
    pub turns_in: Option<Duration>,
}

impl Refusal {
    /// Whether to try again: when the window turns, where that makes room; else effects in flight may free what they have
    /// reserved. Never for an effect that states no worst case, and where the budget is overrun for good.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self.turns_in {
            Some(wait) => Advice::After(wait),
            None if self.is_closed() || self.wanted.is_none() => Advice::Never,
            None => Advice::After(defaults::RETRY),
        }
    }

    /// The HTTP status that a service answers with.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        429
    }

    /// Whether the budget is overrun, and so closed to everything, even to what is free.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.wanted.is_some_and(|wanted| wanted <= self.left)
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
                None => f.write_str("the effect states no worst case")?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_advises_to_wait_where_waiting_can_help() {
        let refusal = |wanted, left, turns_in| {
            let (ancestor, amount, policy) = (AgentId::root("s"), Amount::Calls, OnRefusal::Fail);
            Refusal { ancestor, amount, wanted, left, policy, turns_in }
        };
        let second = Duration::from_secs(1);
        assert_eq!(
            refusal(Some(3), 2, None).advice(),
            Advice::After(defaults::RETRY),
            "effects in flight may free it"
        );
        assert_eq!(refusal(Some(3), 2, Some(second)).advice(), Advice::After(second));
        assert_eq!(refusal(None, 2, None).advice(), Advice::Never, "no worst case is stated");
        assert_eq!(refusal(Some(0), 0, None).advice(), Advice::Never, "it is closed");
        assert_eq!(refusal(Some(3), 2, None).http_status(), 429);
        assert!(refusal(Some(3), 2, Some(second)).to_string().ends_with("turns in 1 s"));
    }

    #[test]
    fn a_refusal_is_one_line_that_names_the_ancestor_and_what_is_left() {
        let refusal = |amount, wanted, left| {
            let ancestor = AgentId::root("s").child(1);
            Refusal { ancestor, amount, wanted, left, policy: OnRefusal::Fail, turns_in: None }.to_string()
        };
        assert_eq!(
            refusal(Amount::Money, Some(400_000_000), 120_000_000),
            "s.1 has $0.12 left of its budget, and $0.40 is wanted"
        );
        assert_eq!(
            refusal(Amount::Tokens, Some(500), 1),
            "s.1 has 1 token left of its budget, and 500 tokens are wanted"
        );
        assert_eq!(
            refusal(Amount::Money, None, 0),
            "s.1 has $0.00 left of its budget, and the effect states no worst case"
        );
        assert_eq!(
            refusal(Amount::Calls, Some(0), 0),
            "the budget of s.1 is overrun (calls) and closed to all effects"
        );
        let windowed = Refusal {
            ancestor: AgentId::root("s"),
            amount: Amount::Calls,
            wanted: Some(1),
            left: 0,
            policy: OnRefusal::Fail,
            turns_in: Some(Duration::from_millis(1_500)),
        };
        let text = "s has 0 calls left of its budget, and 1 call is wanted; its window turns in 2 s";
        assert_eq!(windowed.to_string(), text);
    }
}
