//! Swarms under seeds: each promise of the README on random trees whose agents misbehave in every way there is. Here: how
//! agents live and end.
//!
//! One module for each guarantee. `SKEP_SEEDS=x10` runs ten times the seeds, `SKEP_SEED=7` that one. What agents do for each
//! other is in `tests/tasks`, what bounds them in `tests/bounds`, the lab in `tests/testkit`, and what all of these plant in
//! `tests/forest`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

use forest::{self, storm};

mod control;
mod door;
mod hierarchies;
mod jobs;
mod long_life;
mod orphans;
mod spawning;
mod stale;
mod stop;
mod supervision;
