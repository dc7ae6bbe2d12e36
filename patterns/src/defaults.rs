//! The patterns' defaults, each with its reason. All of them can be changed where a pattern is used.

use std::time::Duration;

/// Agents of a fan-out that live at once: enough to hide a model's latency, below the limit of requests at once that
/// providers set for a small account.
pub(crate) const AT_MOST: usize = 6;
/// What a whole fan-out may take: the runtime's default for an ask, since to its caller it is one.
pub(crate) const GATHER: Duration = Duration::from_secs(30);
/// Failures that a fan-out's Display names before it counts the rest: what a person reads on a line.
pub(crate) const NAMED_FAILURES: usize = 10;
