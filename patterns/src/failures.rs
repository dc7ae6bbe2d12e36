//! How many failures a pattern bears: pure.

/// How many failures end a pattern, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Failures {
    bears: Bears,
    /// Whether what works then is stopped; else it goes on to its end, and only nothing new is begun.
    pub(crate) cuts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bears {
    All,
    Number(usize),
    /// At least [`AT_LEAST`] failures, and this share of those that have ended.
    Share(f64),
}

/// A share says nothing about the first few.
const AT_LEAST: usize = 3;

impl Failures {
    /// None of them ends it.
    pub(crate) const GATHER: Self = Self { bears: Bears::All, cuts: false };
    /// The first ends it.
    pub(crate) const FAST: Self = Self { bears: Bears::Number(1), cuts: true };

    /// So many, of at least one.
    pub(crate) const fn number(failures: usize, cuts: bool) -> Self {
        Self { bears: Bears::Number(if failures == 0 { 1 } else { failures }), cuts }
    }

    /// Such a share, of 0 to 1. One that is no number ends it at the third failure: a limit that is told nothing closes.
    pub(crate) const fn share(share: f64, cuts: bool) -> Self {
        Self { bears: Bears::Share(if share.is_nan() { 0.0 } else { share }), cuts }
    }

    /// Whether that is enough.
    #[allow(clippy::cast_precision_loss, reason = "a share of more than 2^53 parts need not be exact")]
    pub(crate) fn is_enough(self, failed: usize, ended: usize) -> bool {
        match self.bears {
            Bears::All => false,
            Bears::Number(most) => failed >= most,
            Bears::Share(share) => failed >= AT_LEAST && failed as f64 >= share * ended as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_failures_and_a_share_those_that_have_ended() {
        assert!(!Failures::GATHER.is_enough(1_000, 1_000));
        assert!(Failures::FAST.is_enough(1, 9) && !Failures::FAST.is_enough(0, 9));
        assert!(Failures::number(0, true).is_enough(1, 1), "no pattern is over before it began");
        let half = Failures::share(0.5, false);
        assert!(!half.is_enough(2, 2) && half.is_enough(3, 6) && !half.is_enough(3, 7));
        assert!(Failures::share(f64::NAN, true).is_enough(3, 3));
    }
}
