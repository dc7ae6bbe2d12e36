//! What is the user's: values that do something when they are dropped, wakers that do something when they are woken, terms that
//! are said early or late. One module for each.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

mod fuse;

mod drops;
mod large;
mod spoilt;
mod terms;
mod wakers;

fn ms(ms: u64) -> std::time::Duration {
    std::time::Duration::from_millis(ms)
}
