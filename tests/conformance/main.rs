//! Supervision to the letter of OTP, on the engine: `supervisor_SUITE`, and what OTP's own supervisor did.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod traces;
