//! A flag that is raised once.

use std::sync::Arc;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;

macro_rules! model {
    ($signal:path, $waiters:expr, $leaves:expr) => {
        super::explore(|| {
            use $signal as Signal;
            let signal = Arc::new(Signal::default());
            let waiters: Vec<_> = (0..$waiters)
                .map(|_| {
                    let signal = Arc::clone(&signal);
                    thread::spawn(move || block_on(signal.raised()))
                })
                .collect();
            if $leaves {
                // One that has begun to wait, and goes.
                let (mut place, mut polls) = (None, 0);
                block_on(std::future::poll_fn(|cx| {
                    polls += 1;
                    if signal.poll_raised(&mut place, cx).is_ready() || polls == 1 {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                }));
                signal.leave(&mut place);
            }
            let raised = {
                let signal = Arc::clone(&signal);
                thread::spawn(move || signal.raise())
            };
            let mine = signal.raise();
            let its = raised.join().unwrap();
            assert!(mine != its, "one of the two was the first");
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        });
    };
}

#[test]
fn whoever_waits_is_woken_by_the_one_that_raises_it() {
    model!(crate::env::signal::Signal, 1, false);
}

#[test]
#[ignore = "larger: the nightly command runs it"]
fn two_wait_and_a_third_leaves() {
    model!(crate::env::signal::Signal, 2, true);
}

#[test]
#[ignore = "spoilt: another test runs it and sees it fail"]
fn spoilt_a_waiter_that_does_not_look_again_under_the_lock_waits_for_ever() {
    model!(crate::env::spoilt::signal::Signal, 1, false);
}
