//! What an effect uses: money, tokens, calls.

use std::fmt;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::words::money::NanoUsd;

/// An amount of everything that is billed. Sums stop at the largest value instead of wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Money.
    pub money: NanoUsd,
    /// Tokens sent to a model, including those from its cache.
    pub input_tokens: u64,
    /// Tokens that a model wrote.
    pub output_tokens: u64,
    /// The part of the tokens sent that the model had cached.
    pub cached_tokens: u64,
    /// Calls made: one for each try of an effect that reports it.
    pub calls: u64,
}

impl Usage {
    /// Nothing.
    pub const ZERO: Self =
        Self { money: NanoUsd::ZERO, input_tokens: 0, output_tokens: 0, cached_tokens: 0, calls: 0 };

    /// Money alone.
    #[must_use]
    pub const fn money(money: NanoUsd) -> Self {
        Self { money, ..Self::ZERO }
    }

    /// Calls alone.
    #[must_use]
    pub const fn calls(calls: u64) -> Self {
        Self { calls, ..Self::ZERO }
    }

    /// The same with this much money.
    #[must_use]
    pub const fn with_money(mut self, money: NanoUsd) -> Self {
        self.money = money;
        self
    }

    /// The same with these tokens, sent and written.
    #[must_use]
    pub const fn with_tokens(mut self, input: u64, output: u64) -> Self {
        self.input_tokens = input;
        self.output_tokens = output;
        self
    }

    /// Tokens sent and written together, which is what a budget of tokens bounds.
    #[must_use]
    pub const fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// This usage, multiplied.
    #[must_use]
    pub const fn times(&self, count: u32) -> Self {
        let count = count as u64;
        Self {
            money: NanoUsd(self.money.0.saturating_mul(count)),
            input_tokens: self.input_tokens.saturating_mul(count),
            output_tokens: self.output_tokens.saturating_mul(count),
            cached_tokens: self.cached_tokens.saturating_mul(count),
            calls: self.calls.saturating_mul(count),
        }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The part of this above `limit`, for each amount separately.
    #[must_use]
    pub const fn above(&self, limit: &Self) -> Self {
        Self {
            money: self.money.saturating_sub(limit.money),
            input_tokens: self.input_tokens.saturating_sub(limit.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(limit.output_tokens),
            cached_tokens: self.cached_tokens.saturating_sub(limit.cached_tokens),
            calls: self.calls.saturating_sub(limit.calls),
        }
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            money: self.money + other.money,
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            calls: self.calls.saturating_add(other.calls),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.money)?;
        if self.tokens() > 0 {
            let tokens = self.tokens();
            write!(f, ", {tokens} token{}", if tokens == 1 { "" } else { "s" })?;
        }
        if self.calls > 0 {
            write!(f, ", {} call{}", self.calls, if self.calls == 1 { "" } else { "s" })?;
        }
        Ok(())
    }
}
