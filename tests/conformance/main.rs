//! Supervision to the letter of OTP, on the engine: each case of `supervisor_SUITE` under its own name, and what OTP's own
//! supervisor did in 900 scenarios.
//!
//! The cases write a table of themselves, `docs/conformance.md`: `SKEP_WRITE_TABLE=1 cargo test --test conformance table`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

#[macro_use]
mod rig;

mod ends;
mod interface;
mod significant;
mod start;
mod stop;
mod strategies;

mod beyond;
mod changes;
mod reports;
mod scale;
mod written;

mod model;
mod table;
mod traces;
