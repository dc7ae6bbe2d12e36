//! The models. Each is written once, and told whether it takes the runtime's file or the copy with the fault.

mod bell;
mod mailbox;
mod parking;
mod signal;
mod task;
mod waits;

/// Explores all interleavings up to three preemptions, which is where the bugs of such code are; the larger models are for the
/// nightly command.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// Each fault is found. A model that waits for ever ends its process, so each of these has one of its own.
#[test]
fn what_is_planted_is_found() {
    let faults = [
        "signal::spoilt_a_waiter_that_does_not_look_again_under_the_lock_waits_for_ever",
        "bell::spoilt_one_that_looks_before_it_listens_misses_the_ring",
        "mailbox::spoilt_one_that_does_not_look_again_for_room_waits_for_ever",
        "task::spoilt_a_second_outcome_is_written_where_nobody_looks_at_the_first",
        "waits::spoilt_one_that_is_counted_after_it_has_walked_is_not_seen",
        "parking::spoilt_one_that_does_not_watch_for_its_cancel_is_held_for_ever",
    ];
    for fault in faults {
        let name = format!("models::{fault}");
        let this = std::env::current_exe().unwrap();
        let run = std::process::Command::new(this).args([&name, "--exact", "--ignored"]).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success(), "{fault} is not found: {said}");
        assert!(said.contains("running 1 test"), "there is no such model: {said}");
    }
}
