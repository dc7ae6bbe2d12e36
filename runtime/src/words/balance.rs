//! What a meter shows.

use serde::{Deserialize, Serialize};

use crate::words::usage::Usage;

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
