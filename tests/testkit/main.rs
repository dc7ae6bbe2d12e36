//! The lab in use: its faults, its failures and its probes; and what is documented of all this, held against the code.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

use forest::{self, storm};

mod compiler;
mod docs;
mod failing;
mod faults;
mod guide;
mod metrics;
mod outside;
mod probe;
mod unended;
