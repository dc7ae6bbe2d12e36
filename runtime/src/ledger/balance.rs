//! What a meter shows, and the cells that hold it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;
use crate::usage::Usage;

/// What is spent for good, and what may still be spent by effects in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Balance {
    /// Booked.
    pub spent: Usage,
    /// The worst cases of what has begun and not ended.
    pub reserved: Usage,
}

impl Balance {
    /// What is spent or may still be: what a budget is held against.
    #[must_use]
    pub fn committed(&self) -> Usage {
        self.spent + self.reserved
    }
}

/// A balance that one writer changes and anyone reads.
#[derive(Debug, Default)]
pub(super) struct AtomicBalance {
    spent: AtomicUsage,
    reserved: AtomicUsage,
}

impl AtomicBalance {
    pub(super) fn get(&self) -> Balance {
        Balance { spent: self.spent.get(), reserved: self.reserved.get() }
    }

    /// Gives what it was and what it became.
    pub(super) fn change(&self, change: impl Fn(Balance) -> Balance) -> (Balance, Balance) {
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
