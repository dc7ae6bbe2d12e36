//! The cells that hold what a meter shows.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::words::balance::Balance;
use crate::words::money::NanoUsd;
use crate::words::usage::Usage;

/// A balance that one writer changes and anyone reads.
#[derive(Debug, Default)]
pub(crate) struct AtomicBalance {
    spent: AtomicUsage,
    reserved: AtomicUsage,
}

impl AtomicBalance {
    pub(crate) fn get(&self) -> Balance {
        Balance { spent: self.spent.get(), reserved: self.reserved.get() }
    }

    /// Gives what it was and what it became.
    pub(crate) fn change(&self, change: impl Fn(Balance) -> Balance) -> (Balance, Balance) {
        let before = self.get();
        let after = change(before);
        self.spent.set(after.spent);
        self.reserved.set(after.reserved);
        (before, after)
    }
}

#[derive(Debug, Default)]
struct AtomicUsage {
    money: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    calls: AtomicU64,
}

impl AtomicUsage {
    fn get(&self) -> Usage {
        Usage {
            money: NanoUsd(self.money.load(Relaxed)),
            input_tokens: self.input_tokens.load(Relaxed),
            output_tokens: self.output_tokens.load(Relaxed),
            cached_tokens: self.cached_tokens.load(Relaxed),
            calls: self.calls.load(Relaxed),
        }
    }

    fn set(&self, usage: Usage) {
        self.money.store(usage.money.0, Relaxed);
        self.input_tokens.store(usage.input_tokens, Relaxed);
        self.output_tokens.store(usage.output_tokens, Relaxed);
        self.cached_tokens.store(usage.cached_tokens, Relaxed);
        self.calls.store(usage.calls, Relaxed);
    }
}
