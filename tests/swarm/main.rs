//! Swarms under seeds: each promise of the README on random trees whose agents misbehave in every way there is.
//!
//! One module for each guarantee. `SKEP_SEEDS=x10` runs ten times the seeds, `SKEP_SEED=7` that one.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

mod forest;
mod imp;
mod storm;

mod asks;
mod control;
mod dead_letters;
mod docs;
mod failing;
mod faults;
mod guide;
mod help;
mod hierarchies;
mod journal;
mod ledger;
mod limits;
mod long_life;
mod metrics;
mod model;
mod orphans;
mod outcomes;
mod outside;
mod pause;
mod probe;
mod questions;
mod resume;
mod rights;
mod stale;
mod stop;
mod supervision;
mod unclaimed;
mod windows;
