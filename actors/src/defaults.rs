//! The tools' defaults, each with its reason. All of them can be changed where a tool is used.

use std::time::Duration;

/// How long one try of a tool may take: the runtime's deadline for an effect.
pub const TOOL_WITHIN: Duration = Duration::from_secs(30);
/// Tries of a tool in all: as many as a task has attempts.
pub const TOOL_TRIES: u32 = 3;
/// The first pause between two tries: a local tool recovers at once or not at all.
pub const TOOL_FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two tries.
pub const TOOL_LONGEST_PAUSE: Duration = Duration::from_millis(200);
