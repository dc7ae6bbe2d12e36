//! Weights that add up exactly: pure.

use std::iter::Sum;
use std::ops::Add;

/// Parts of a weight of 1.
const UNIT: u128 = 1_000_000_000;
/// The largest weight. A sum of 10^10 of these fits.
const MOST: f64 = 1e18;

/// A weight in billionths. Sums of it do not depend on their order, and 0.1 and 0.2 weigh as much as 0.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Weight(u128);

impl Weight {
    pub(super) const ZERO: Self = Self(0);

    /// A weight to the nearest billionth. None for one that counts nothing: no number, negative, infinite, above 10^18, or less
    /// than a billionth.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 10^18")]
    pub(super) fn of(weight: f64) -> Option<Self> {
        if !(0.0..=MOST).contains(&weight) {
            return None;
        }
        // Apart, since a product of both would not be exact for large ones.
        let (whole, rest) = (weight.trunc() as u128, (weight.fract() * UNIT as f64).round() as u128);
        Some(Self(whole * UNIT + rest)).filter(|weight| *weight > Self::ZERO)
    }

    #[allow(clippy::cast_precision_loss, reason = "for people to read")]
    pub(super) fn as_f64(self) -> f64 {
        (self.0 / UNIT) as f64 + (self.0 % UNIT) as f64 / UNIT as f64
    }

    /// Whether it is more than half of a whole.
    pub(super) const fn is_more_than_half_of(self, whole: Self) -> bool {
        self.0.saturating_mul(2) > whole.0
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Weight {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Weight {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_exactly() {
        let of = |weight| Weight::of(weight).unwrap();
        assert!(0.1 + 0.2 != 0.3 && of(0.1) + of(0.2) == of(0.3));
        assert_eq!((0..10).map(|_| of(0.1)).sum::<Weight>(), of(1.0));
        assert_eq!(of(1e15 + 1.0), of(1e15) + of(1.0));
        assert_eq!((of(2.5).as_f64(), of(1e18).as_f64()), (2.5, 1e18));
        assert!(!of(1.0).is_more_than_half_of(of(2.0)) && of(1.000_000_001).is_more_than_half_of(of(2.0)));
    }

    #[test]
    fn what_is_no_weight_counts_nothing() {
        for none in [f64::NAN, -1.0, 0.0, -0.0, 1e-10, f64::INFINITY, f64::NEG_INFINITY, 1.1e18] {
            assert_eq!(Weight::of(none), None, "{none}");
        }
    }
}
