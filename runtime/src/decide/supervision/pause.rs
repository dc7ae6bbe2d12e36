//! The pause before a restart, after Akka's `RestartSupervisor.withBackoff`.

use std::time::Duration;

use crate::words::policy::Backoff;

/// The `nth` pause in a row (the first is 1), lengthened by the share of the jitter that `noise` draws: none for 0, all
/// of it for `u32::MAX`.
pub(super) fn pause(backoff: &Backoff, nth: u32, noise: u32) -> Duration {
    let doubled = 2_u32.checked_pow(nth.saturating_sub(1)).and_then(|factor| backoff.min.checked_mul(factor));
    let pause = doubled.map_or(backoff.max, |pause| pause.min(backoff.max));
    let share = f64::from(backoff.jitter_permille) / 1000.0 * (f64::from(noise) / f64::from(u32::MAX));
    // A pause too long for a Duration is as good as the longest one.
    pause.saturating_add(Duration::try_from_secs_f64(pause.as_secs_f64() * share).unwrap_or(Duration::MAX))
}
