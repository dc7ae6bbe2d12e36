//! Models of what runs concurrently in the runtime and rests on prose there: each explores all interleavings of a few threads, up to
//! three preemptions, on the runtime's own file, and finds a fault that is planted in a copy of it.
//!
//! | model | what it explores | the planted fault |
//! |---|---|---|
//! | `signal` | a flag is raised while others begin to wait, leave, or raise it too | a waiter does not look again under the lock |
//! | `bell` | something comes to be while others look for it | one looks before it listens |
//! | `mailbox` | room comes while producers wait for it; a close while they push | one does not look again for room |
//! | `task` | its turn, its deadline and its asker's end bring its outcome about while it is waited for | a second outcome is written |
//! | `waits` | two turns, and three, ask each other in a circle | a turn walks before it has entered |
//! | `parking` | a held turn is resumed, and cancelled | it does not watch for its cancel |
//!
//! `cargo test -p skep-loom` runs the smallest of each; `.ci/nightly loom` the larger ones too.
#![allow(dead_code, unused_imports, reason = "the files are taken whole, and a model calls what it is about")]
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::unwrap_used,
    reason = "they are looked at where they stand"
)]
#![allow(unexpected_cfgs, reason = "the runtime has features of its own")]
#![allow(unreachable_pub, missing_docs, reason = "nobody depends on it")]

pub(crate) mod agent;
pub(crate) mod decide;
pub(crate) mod engine;
pub(crate) mod env;
pub(crate) mod words;

/// With a fault in who waits for whom, and in who is held.
pub(crate) mod spoilt {
    include!(concat!(env!("OUT_DIR"), "/engine_spoilt.rs"));
}

#[cfg(test)]
mod models;
