//! Something that comes to be, and those who look for it.

use std::sync::Arc;

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

macro_rules! model {
    ($bell:path, $lookers:expr) => {
        super::explore(|| {
            use $bell as Bell;
            let (bell, there) = (Arc::new(Bell::default()), Arc::new(AtomicUsize::new(0)));
            let lookers: Vec<_> = (0..$lookers)
                .map(|_| {
                    let (bell, there) = (Arc::clone(&bell), Arc::clone(&there));
                    let look = move || (there.load(Ordering::SeqCst) == 1).then_some(());
                    thread::spawn(move || block_on(bell.until(look)))
                })
                .collect();
            there.store(1, Ordering::SeqCst);
            bell.ring();
            for looker in lookers {
                assert_eq!(looker.join().unwrap(), Some(()), "it is found");
            }
        });
    };
}

#[test]
fn what_has_come_to_be_is_found() {
    model!(crate::env::bell::Bell, 1);
}

#[test]
#[ignore = "larger: the nightly command runs it"]
fn what_has_come_to_be_is_found_by_all_who_look() {
    model!(crate::env::bell::Bell, 2);
}

#[test]
#[ignore = "spoilt: another test runs it and sees it fail"]
fn spoilt_one_that_looks_before_it_listens_misses_the_ring() {
    model!(crate::env::spoilt::bell::Bell, 1);
}
