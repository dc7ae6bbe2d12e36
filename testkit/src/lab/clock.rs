//! Whether the clock is one that a simulation can live by.
#![allow(clippy::disallowed_methods, reason = "the two clocks are held against each other here")]

use tokio::runtime::{Handle, RuntimeFlavor};

const FIX: &str = "use `#[skep::swarm_test]`, or `#[tokio::test(start_paused = true)]`, or `Lab::real_io()` for the real clock";

/// A simulated world needs one thread and a paused clock.
pub(super) fn must_be_paused() {
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    assert!(
        matches!(flavor, Ok(RuntimeFlavor::CurrentThread)),
        "Lab::seed needs a runtime of one thread: {FIX}"
    );
    let (virtually, really) = (tokio::time::Instant::now(), std::time::Instant::now());
    while really.elapsed().as_micros() < 2 {
        std::hint::spin_loop();
    }
    assert!(tokio::time::Instant::now() == virtually, "Lab::seed needs a paused clock: {FIX}");
}
