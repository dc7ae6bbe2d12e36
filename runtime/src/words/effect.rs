//! What is stated of an effect before it begins: what it costs, whether it may be repeated, how much harm it can do.

use serde::{Deserialize, Serialize};

use crate::words::usage::Usage;

/// What an effect says of its cost before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Nothing, or that there is no telling.
    Open,
    Free,
    AtMost(Usage),
    /// So many tokens and calls, and there is no telling what they cost.
    Unpriced(Usage),
}

impl Cost {
    /// The worst case of one try, if there is one.
    pub(crate) const fn worst(&self) -> Option<Usage> {
        match self {
            Self::Open => None,
            Self::Free => Some(Usage::ZERO),
            Self::AtMost(usage) | Self::Unpriced(usage) => Some(*usage),
        }
    }
}

/// Whether an effect may be repeated when its turn is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// It changes nothing and may be repeated freely.
    #[default]
    Pure,
    /// Doing it twice has the same result as doing it once.
    Idempotent,
    /// At most once: it has no second try, and once it has begun, its task is not redelivered automatically.
    Once,
}

/// How much harm an effect can do, for permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// None: it only computes.
    Safe,
    /// It reads data that may be confidential.
    Reads,
    /// It makes a change that can be undone.
    #[default]
    Writes,
    /// It cannot be undone, or can do anything.
    Dangerous,
}

impl Tier {
    /// Its word, as events and settings write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Dangerous => "dangerous",
        }
    }
}
