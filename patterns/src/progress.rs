//! How far a pattern is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_runtime::Usage;
use skep_runtime::text::OneLine;

/// How far a pattern is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The pattern's name.
    pub pattern: String,
    /// Parts with an output.
    pub done: usize,
    /// Parts without one that have ended.
    pub failed: usize,
    /// Parts that work now.
    pub working: Vec<String>,
    /// How many parts there will be; none where that is not known.
    pub total: Option<usize>,
    /// What was spent so far.
    pub cost: Usage,
    /// How long it will take, at the pace so far: the mean of a part, times the parts that are left, over those at once.
    pub left: Option<Duration>,
    /// For how long no part has ended, if that is twice as long as a part takes.
    pub stalled: Option<Duration>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.done + self.failed;
        write!(f, "{}: {ended}", OneLine(&self.pattern))?;
        if let Some(total) = self.total {
            write!(f, " of {total}")?;
        }
        f.write_str(" done")?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if !self.cost.is_zero() {
            write!(f, ", {}", self.cost.money)?;
        }
        if let Some(left) = self.left.filter(|left| !left.is_zero()) {
            write!(f, ", about {left:.0?} left")?;
        }
        if let Some(stalled) = self.stalled {
            write!(f, ", nothing for {stalled:.0?}")?;
        }
        Ok(())
    }
}
