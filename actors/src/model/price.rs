//! What a model costs, as far as that is known: a model of unknown price must not be treated as free.

use serde::{Deserialize, Serialize};
use skep_runtime::{PicoUsd, Usage};

use super::{ContextCache, Prices, Tokens};

/// What the cost of a call is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// These prices.
    Known(Prices),
    /// Its tokens and calls are counted, but not its money: a call's money is 0, and marked as estimated. Every budget of
    /// money refuses it.
    TokensOnly,
    /// Nothing: the model is not called.
    Unknown,
}

/// What to do with a model whose price is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPrice {
    /// Every call is refused before anything is sent. The default: a bill that leaves out a model is wrong.
    #[default]
    Refuse,
    /// Its tokens and calls are counted, but not its cost. A budget of money refuses it, since its cost has no bound; a
    /// budget of tokens or calls limits it like any other model.
    TokensOnly,
    /// Use these prices. The real cost may be higher: take the prices of the most expensive model that it could be.
    Assume(Prices),
}

impl Price {
    /// What one call with these tokens has used, as far as it is known.
    #[must_use]
    pub fn usage(&self, tokens: &Tokens) -> Usage {
        tokens.usage(&self.prices())
    }

    /// The most that a call can use that sends at most `input` tokens and gets at most `output`, as far as it is known.
    #[must_use]
    pub fn worst_case(&self, input: u64, output: u64) -> Usage {
        self.prices().worst_case(input, output)
    }

    /// The same for a request whose context is to be cached for this long.
    #[must_use]
    pub fn keeping(self, cache: Option<ContextCache>) -> Self {
        match (self, cache) {
            // As in Anthropic's price list: the table's own price is that for five minutes.
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
