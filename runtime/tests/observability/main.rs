//! What a person finds of a failure: in the error, the event, the log and the trace.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

mod hook;
mod log;
mod recorder;
mod spans;
mod troubled;
