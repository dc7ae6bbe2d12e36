//! The environment's words for the seeds of a run, read here and nowhere else.
#![allow(clippy::disallowed_methods, reason = "this is the environment's one home in this crate")]

use std::env::var;
use std::ops::Range;

/// The seeds to run where a test asks for `count`.
///
/// `SKEP_SEED=7` is that seed alone. Else they begin at `SKEP_SEED_FROM` (0) and are as many as `SKEP_SEEDS` says: a
/// number, or `x10` for ten times what the test asks for.
///
/// # Panics
/// If one of them is no number.
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

fn range(count: u64, one: Option<&str>, many: Option<&str>, from: Option<&str>) -> Range<u64> {
    let number =
        |name: &str, text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{name}={text} is no number"));
    if let Some(seed) = one.map(|text| number("SKEP_SEED", text)) {
        return seed..seed + 1;
    }
    let count = match many {
        None => count,
        Some(text) => match text.strip_prefix('x') {
            Some(times) => count * number("SKEP_SEEDS", times),
            None => number("SKEP_SEEDS", text),
        },
    };
    let from = from.map_or(0, |text| number("SKEP_SEED_FROM", text));
    from..from + count
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
