//! The process's panic hook: the user's own is called, the standard library's prints nothing for what becomes a value.
//!
//! There is one in a process, so each of these runs in a process of its own.

use std::panic::{set_hook, take_hook};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use skep_runtime::{Stop, Swarm};

use crate::troubled::{In, troubled};

/// Runs an ignored test of this file alone; what it wrote to stderr.
fn alone(name: &str) -> String {
    let me = std::env::current_exe().unwrap();
    let name = format!("hook::{name}");
    let ran = Command::new(me)
        .args(["--ignored", "--exact", &name, "--nocapture", "--test-threads=1"])
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{name}: {text}");
    assert!(String::from_utf8_lossy(&ran.stdout).contains("1 passed"), "{name} was not found");
    text
}

async fn crash_once() -> String {
    let swarm = Swarm::builder("s").start().await.unwrap();
    let worker = swarm.spawn(troubled("worker", In::Handle)).await.unwrap();
    let answer = worker.ask(()).await.unwrap();
    let _ = swarm.stop(Stop::default()).await;
    answer
}

#[test]
fn a_panic_in_an_agent_prints_nothing_and_one_elsewhere_prints_as_ever() {
    let text = alone("with_the_hook_of_the_standard_library");
    assert_eq!(text.matches("panicked at").count(), 1, "{text}");
    assert!(text.contains("outside of any agent"), "{text}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn with_the_hook_of_the_standard_library() {
    crash_once().await;
    std::thread::spawn(|| panic!("outside of any agent")).join().unwrap_err();
    assert!(crash_once().await.contains("troubled.rs:"));
}

#[test]
fn a_hook_that_was_installed_before_the_swarm_is_called() {
    let text = alone("with_a_hook_from_before");
    assert_eq!(text.matches("panicked at").count(), 0, "{text}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn with_a_hook_from_before() {
    static CALLED: AtomicU32 = AtomicU32::new(0);
    set_hook(Box::new(|_| {
        CALLED.fetch_add(1, Ordering::SeqCst);
    }));
    assert!(crash_once().await.contains("troubled.rs:"));
    assert_eq!(CALLED.load(Ordering::SeqCst), 1);
    std::thread::spawn(|| panic!("outside of any agent")).join().unwrap_err();
    assert_eq!(CALLED.load(Ordering::SeqCst), 2);
}

#[test]
fn a_hook_that_was_installed_since_is_called_and_places_are_found_again() {
    alone("with_hooks_from_since");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn with_hooks_from_since() {
    static CALLED: AtomicU32 = AtomicU32::new(0);
    let count = |_: &std::panic::PanicHookInfo<'_>| {
        CALLED.fetch_add(1, Ordering::SeqCst);
    };
    crash_once().await;
    // One that calls what was there before it.
    let before = take_hook();
    set_hook(Box::new(move |info| {
        count(info);
        before(info);
    }));
    assert!(crash_once().await.contains("troubled.rs:"));
    assert_eq!(CALLED.load(Ordering::SeqCst), 1);
    // One that does not: the first panic loses its place, and no other.
    set_hook(Box::new(count));
    crash_once().await;
    assert!(crash_once().await.contains("troubled.rs:"));
    assert_eq!(CALLED.load(Ordering::SeqCst), 3);
}
