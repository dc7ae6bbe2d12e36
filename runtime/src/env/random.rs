//! Chance: one seeded stream, drawn from in the order of the draws.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::Env;

pub(super) struct Chance(Mutex<ChaCha8Rng>);

impl Chance {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// Seeded by what the standard library draws from the system for its hash maps.
    pub(super) fn from_system() -> Self {
        Self::seeded(RandomState::new().hash_one(0_u64))
    }
}

impl Env {
    /// A random number.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.0.chance.0.lock().next_u64()
    }

    /// A random number below `bound`, 0 if that is 0. The bias is below 2⁻³² for bounds that fit 32 bits.
    #[must_use]
    pub fn random_below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.random() % bound }
    }

    /// A seam: under simulation the one place where others may come first, by the seed. Elsewhere it does nothing.
    pub(crate) async fn seam(&self) {
        if self.is_simulated() {
            // Two draws in four let nobody past, so that short turns stay likely too.
            for _ in 0..self.random_below(4).saturating_sub(1) {
                tokio::task::yield_now().await;
            }
        }
    }
}
