//! Models over HTTP, against a server that answers as scripts say: real sockets, the real clock, both protocols.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod contract;
mod failures;
mod odd;
mod proxy;
mod recorded;
mod rig;
mod same;
