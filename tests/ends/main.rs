//! Ends are true: what is said of an end has happened, nothing is said after it, and nothing is left that a receipt does not name.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

mod after;
mod crowds;
mod exits;
mod given_up;
mod ground;
mod left;
mod starts;

use std::time::{Duration, Instant};

/// Waits for a state that stays.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
