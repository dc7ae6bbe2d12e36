//! Money as integers: a bill that is exact is never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An amount in nano-dollars (10⁻⁹ USD). At most 18.4 billion dollars; sums stop there instead of wrapping.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` if it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// What is left after subtracting `other`, at least zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Dollars with as many decimals as it takes, at least two: `$0.40`, `$0.000153`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let decimals = format!("{nanos:09}");
        let kept = decimals.trim_end_matches('0').len().max(2);
        f.pad(&format!("${dollars}.{}", &decimals[..kept]))
    }
}

impl fmt::Debug for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not an amount of dollars: write it like \"2.50\", with at most nine decimals")]
pub struct NoAmount(pub String);

impl FromStr for NanoUsd {
    type Err = NoAmount;

    /// Reads dollars such as `2`, `2.50` or `$0.000001`.
    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let no_amount = || NoAmount(text.to_owned());
        let digits = text.strip_prefix('$').unwrap_or(text);
        let (dollars, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(dollars) || !is_number(decimals) || decimals.len() > 9 {
            return Err(no_amount());
        }
        let dollars: u64 = dollars.parse().map_err(|_| no_amount())?;
        let nanos: u64 = format!("{decimals:0<9}").parse().map_err(|_| no_amount())?;
        dollars
            .checked_mul(1_000_000_000)
            .and_then(|whole| whole.checked_add(nanos))
            .map(Self)
            .ok_or_else(no_amount)
    }
}

/// A price in pico-dollars (10⁻¹² USD) a unit: three dollars a million tokens are 3,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PicoUsd(pub u64);

/// What several amounts of units cost together. The products are summed exactly and rounded up once, so a call is
/// rounded once, however many prices it has.
#[must_use]
pub fn cost_of(items: &[(u64, PicoUsd)]) -> NanoUsd {
    let picos = items
        .iter()
        .map(|(units, price)| u128::from(*units) * u128::from(price.0))
        .fold(0_u128, u128::saturating_add);
    NanoUsd(u64::try_from(picos.div_ceil(1_000)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_is_written_with_the_decimals_it_needs() {
        assert_eq!(NanoUsd(400_000_000).to_string(), "$0.40");
        assert_eq!(NanoUsd(153_000).to_string(), "$0.000153");
        assert_eq!(NanoUsd(u64::MAX).to_string(), "$18446744073.709551615");
    }

    #[test]
    fn what_is_no_amount_is_named_in_the_error() {
        for text in ["", "two", "1.", ".5", "-1", "1.0000000001", "99999999999999999999", "1e3", "$"] {
            assert_eq!(text.parse::<NanoUsd>(), Err(NoAmount(text.to_owned())));
        }
    }

    #[test]
    fn a_call_has_one_rounding() {
        let half = PicoUsd(500);
        assert_eq!(cost_of(&[(1, half), (1, half)]), NanoUsd(1), "two halves are one, not two rounded up");
        assert_eq!(
            cost_of(&[(u64::MAX, PicoUsd(u64::MAX))]),
            NanoUsd(u64::MAX),
            "too much is the most there is"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos: u64) {
            prop_assert_eq!(NanoUsd(nanos).to_string().parse::<NanoUsd>(), Ok(NanoUsd(nanos)));
        }
    }
}
