//! Why a budget refuses something.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::OnRefusal;
use super::limits::{Exceeded, Room};
use crate::defaults;
use crate::error::{Advice, AgentError, SkepError};
use crate::id::AgentId;
use crate::money::NanoUsd;
use crate::policy::FailureClass;

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
    /// Of one budget whose window, if it has one, turns in so long.
    pub(super) fn of(
        ancestor: AgentId,
        policy: OnRefusal,
        exceeded: &Exceeded,
        turns_in: Option<Duration>,
    ) -> Self {
        let Exceeded { amount, wanted, left, is_closed: closed, room } = *exceeded;
        let again = match (room, turns_in) {
            (Room::Settled, turns_in) => {
                Advice::After(turns_in.map_or(defaults::RETRY, |turn| turn.min(defaults::RETRY)))
            }
            (Room::NextWindow, Some(turns_in)) => Advice::After(turns_in),
            (Room::NextWindow, None) | (Room::Never, _) => Advice::Never,
        };
        let turns_in = turns_in.filter(|_| room == Room::NextWindow);
        Self { ancestor, amount, wanted, left, policy, closed, turns_in, again }
    }

    /// Another budget, further up, has no room either: what takes longer to make room decides when to come again.
    pub(super) fn heed(&mut self, other: &Self) {
        self.again = match (self.again, other.again) {
            (Advice::Never, _) | (_, Advice::Never) => Advice::Never,
            (Advice::After(one), Advice::After(two)) => Advice::After(one.max(two)),
            (Advice::Now, other) => other,
            (own, Advice::Now) => own,
        };
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn exceeded(amount: Amount, wanted: Option<u64>, left: u64) -> Exceeded {
        Exceeded { amount, wanted, left, is_closed: false, room: Room::Settled }
    }

    fn refusal(exceeded: Exceeded, turns_in: Option<Duration>) -> Refusal {
        Refusal::of(AgentId::root("s").child(1), OnRefusal::Fail, &exceeded, turns_in)
    }

    #[test]
    fn a_refusal_advises_to_wait_where_waiting_can_help() {
        let advice = |room, turns_in: Option<u64>| {
            let exceeded = Exceeded { room, ..exceeded(Amount::Calls, Some(3), 2) };
            refusal(exceeded, turns_in.map(Duration::from_millis)).advice()
        };
        let after = |millis| Advice::After(Duration::from_millis(millis));
        assert_eq!(
            advice(Room::Settled, None),
            Advice::After(defaults::RETRY),
            "effects in flight may free it"
        );
        assert_eq!(advice(Room::Settled, Some(200)), after(200), "and so does the turn of the window");
        assert_eq!(advice(Room::Settled, Some(90_000)), Advice::After(defaults::RETRY));
        assert_eq!(advice(Room::NextWindow, Some(90_000)), after(90_000));
        assert_eq!((advice(Room::Never, None), advice(Room::Never, Some(1))), (Advice::Never, Advice::Never));
        assert_eq!(refusal(exceeded(Amount::Calls, Some(3), 2), None).http_status(), 429);
    }

    #[test]
    fn a_refusal_is_one_line_that_names_the_ancestor_and_what_is_left() {
        let line = |amount, wanted, left| refusal(exceeded(amount, wanted, left), None).to_string();
        assert_eq!(
            line(Amount::Money, Some(400_000_000), 120_000_000),
            "s.1 has $0.12 left of its budget, and $0.40 is wanted"
        );
        assert_eq!(
            line(Amount::Tokens, Some(500), 1),
            "s.1 has 1 token left of its budget, and 500 tokens are wanted"
        );
        assert_eq!(
            line(Amount::Money, None, 0),
            "s.1 has $0.00 left of its budget, and the effect states no worst case: state one with `.worst_case(..)`, call \
             `.free()` if it costs nothing, or give a model its prices with `.prices(..)`"
        );
        let closed = Exceeded { is_closed: true, ..exceeded(Amount::Calls, Some(0), 0) };
        assert_eq!(
            refusal(closed, None).to_string(),
            "the budget of s.1 is overrun (calls) and closed to all effects"
        );
        let windowed = Exceeded { room: Room::NextWindow, ..exceeded(Amount::Calls, Some(1), 0) };
        let text = "s.1 has 0 calls left of its budget, and 1 call is wanted; its window turns in 2 s";
        assert_eq!(refusal(windowed, Some(Duration::from_millis(1_500))).to_string(), text);
    }
}
