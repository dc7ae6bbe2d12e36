//! Swarms under seeds: what bounds their agents: budgets, windows, limits, rights, pauses. One module for each guarantee.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

use forest::{self};

mod extremes;
mod fails_closed;
mod handed_up;
mod ledger;
mod limits;
mod links;
mod models;
mod orchestrated;
mod pause;
mod permits;
mod rights;
mod sharing;
mod tools;
mod windows;
