//! The environment's words for the seeds of a run, read here and nowhere else.
#![allow(clippy::disallowed_methods, reason = "this is the environment's one home in this crate")]

use std::env::{current_dir, current_exe, var, var_os};
use std::ops::Range;
use std::path::PathBuf;

/// Runs that a shrinking may take.
const SHRINKING_RUNS: usize = 200;

/// The seeds to run where a test asks for `count`.
///
/// `SKEP_SEED=7` is that seed alone. Else they begin at `SKEP_SEED_FROM` (0) and are as many as `SKEP_SEEDS` says: a
/// number, or `x10` for ten times what the test asks for.
///
/// # Panics
/// If one of them is not a number.
#[must_use]
pub fn seeds(count: u64) -> Range<u64> {
    range(
        count,
        var("SKEP_SEED").ok().as_deref(),
        var("SKEP_SEEDS").ok().as_deref(),
        var("SKEP_SEED_FROM").ok().as_deref(),
    )
}

/// How many of the last events a report shows: 40, or what `SKEP_EVENTS` says.
pub(crate) fn events_shown() -> usize {
    var("SKEP_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// Whether one seed alone is wanted.
pub(crate) fn is_one_seed() -> bool {
    var_os("SKEP_SEED").is_some()
}

/// The file of a failure that is to be run again: `SKEP_PLAN`.
pub(crate) fn plan() -> Option<PathBuf> {
    var_os("SKEP_PLAN").map(PathBuf::from)
}

/// How often a failing test is run again to shrink its plan: 200 times at most, or what `SKEP_SHRINK` says.
pub(crate) fn shrinking_runs() -> usize {
    var("SKEP_SHRINK").ok().and_then(|text| text.parse().ok()).unwrap_or(SHRINKING_RUNS)
}

/// Where failures are to be kept: `SKEP_LAB_OUT`.
pub(crate) fn lab_out() -> Option<PathBuf> {
    var_os("SKEP_LAB_OUT").map(PathBuf::from)
}

/// The folder that cargo builds in: the one above this program that says it is a cache.
pub(crate) fn target_folder() -> Option<PathBuf> {
    let program = current_exe().ok()?;
    program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).map(PathBuf::from)
}

/// The folder that the process is in.
pub(crate) fn here() -> Option<PathBuf> {
    current_dir().ok()
}

fn range(count: u64, one: Option<&str>, many: Option<&str>, from: Option<&str>) -> Range<u64> {
    let number = |name: &str, text: &str| {
        text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is not a number"))
    };
    if let Some(seed) = one.map(|text| number("SKEP_SEED", text)) {
        return seed..seed.saturating_add(1);
    }
    let count = match many {
        None => count,
        Some(text) => match text.strip_prefix('x') {
            Some(times) => count.saturating_mul(number("SKEP_SEEDS", times)),
            None => number("SKEP_SEEDS", text),
        },
    };
    let from = from.map_or(0, |text| number("SKEP_SEED_FROM", text));
    from..from.saturating_add(count)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn the_environment_can_choose_one_seed_or_more_of_them() {
        assert_eq!(range(64, None, None, None), 0..64);
        assert_eq!(range(64, Some("7"), Some("9"), Some("3")), 7..8);
        assert_eq!(range(64, None, Some("9"), Some("3")), 3..12);
        assert_eq!(range(64, None, Some("x2"), None), 0..128);
    }
}
