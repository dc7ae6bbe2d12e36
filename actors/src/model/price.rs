//! What a model costs, as far as that is known: one of unknown price must not pass as free.

use serde::{Deserialize, Serialize};
use skep_runtime::{PicoUsd, Usage};

use super::{ContextCache, Prices, Tokens};

/// What a call of a model is reckoned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// With these.
    Known(Prices),
    /// Its tokens and calls are counted and its money is not: a call's money is 0, and marked as estimated. No budget of money lets it
    /// pass.
    TokensOnly,
    /// With nothing: it is not called.
    Unknown,
}

/// What is to become of a model whose price nobody has said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPrice {
    /// Every call is refused before anything is sent. The default: a bill that leaves out a model is none.
    #[default]
    Refuse,
    /// Its tokens and calls are counted, and what it costs is not. A budget of money refuses it, since nothing bounds what it costs;
    /// one of tokens or calls bounds it as any other.
    TokensOnly,
    /// These are its prices. What it really costs may be more: take those of the dearest model that it could be.
    Assume(Prices),
}

impl Price {
    /// What one call with these tokens has used, as far as it is known.
    #[must_use]
    pub fn usage(&self, tokens: &Tokens) -> Usage {
        tokens.usage(&self.prices())
    }

    /// The most that a call can use which sends at most `input` tokens and gets at most `output`, as far as it is known.
    #[must_use]
    pub fn worst_case(&self, input: u64, output: u64) -> Usage {
        self.prices().worst_case(input, output)
    }

    /// The same for a request whose context is to be kept so long.
    #[must_use]
    pub fn keeping(self, cache: Option<ContextCache>) -> Self {
        match (self, cache) {
            // As Anthropic's price list says: the table's own price is that of five minutes.
            (Self::Known(prices), Some(ContextCache::Hour)) => {
                Self::Known(prices.cache_written(PicoUsd(prices.input.0.saturating_mul(2))))
            }
            (price, _) => price,
        }
    }

    /// Whether the money of a call is known.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    const fn prices(&self) -> Prices {
        match self {
            Self::Known(prices) => *prices,
            Self::TokensOnly | Self::Unknown => Prices::FREE,
        }
    }
}

impl UnknownPrice {
    pub(super) const fn price(self) -> Price {
        match self {
            Self::Refuse => Price::Unknown,
            Self::TokensOnly => Price::TokensOnly,
            Self::Assume(prices) => Price::Known(prices),
        }
    }
}
