//! What tools cost. The prices are simulated: they bill the machine's own work, so that budgets and bills can be seen to
//! work even if nothing is bought.

use skep_runtime::{PicoUsd, Usage, cost_of};

/// What one call of a tool costs, and each KiB that it processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// For the call itself.
    pub call: PicoUsd,
    /// For each KiB or part of it.
    pub kib: PicoUsd,
}

/// Listing a folder: a call, and a KiB for each 16 entries or so.
pub const LIST: Price = Price { call: PicoUsd(2_000_000), kib: PicoUsd(200_000) };
/// Reading a file.
pub const READ: Price = Price { call: PicoUsd(500_000), kib: PicoUsd(200_000) };
/// Searching a file by line.
pub const GREP: Price = Price { call: PicoUsd(1_000_000), kib: PicoUsd(50_000) };
/// A git command, and what it printed.
pub const GIT: Price = Price { call: PicoUsd(5_000_000), kib: PicoUsd(200_000) };

impl Price {
    /// No money.
    pub const FREE: Self = Self { call: PicoUsd(0), kib: PicoUsd(0) };

    /// The usage of one call that processed this many bytes.
    #[must_use]
    pub fn of(self, bytes: u64) -> Usage {
        Usage::calls(1).with_money(cost_of(&[(1, self.call), (bytes.div_ceil(1_024), self.kib)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_runtime::NanoUsd;

    #[test]
    fn a_call_is_billed_for_itself_and_each_kib_begun() {
        assert_eq!(READ.of(0), Usage::calls(1).with_money(NanoUsd(500)));
        assert_eq!(READ.of(1_025), Usage::calls(1).with_money(NanoUsd(900)));
    }
}
