//! Limits: links of the chain that make effects wait, refuse them, or already have their result.
//!
//! ```text
//! effect ──▶ cache ──▶ retry budget ──▶ breaker ──▶ rate ──▶ at once ──▶ budget, call
//!            has it?   one more try?    does the     so many   so many     └─ each hears the end: what was not used is given
//!            who else  are there too    other side   a minute  at a time      back, a 429 closes the rate, failures open the
//!            asks it?  many already?    answer?                               breaker, a write voids what was cached
//! ```
//!
//! The clones of a limit are one limit: it belongs to the process, and several swarms and endpoints can share it. A swarm
//! takes it with [`link`](skep_runtime::SwarmBuilder::link), an endpoint by its own methods. The decisions are pure cores
//! (`bucket`, `lane`, `trip`, `shelf`), which are given the time.
//!
//! ```
//! use std::time::Duration;
//! use skep_actors::limit::{AtOnce, Breaker, By, Cache, Rate, RetryBudget};
//!
//! let builder = skep_runtime::Swarm::builder("desk")
//!     .link(Rate::per_minute(500).tokens(200_000).of(["model"]))
//!     .link(AtOnce::new(4).of(["command"]))
//!     .link(Breaker::after(5).of(["fetch"]).by(By::Target))
//!     .link(RetryBudget::per_minute(100))
//!     .link(Cache::entries(1_000).ttl(Duration::from_secs(60)).of(["files.read", "grep"]));
//! ```
//!
//! # Invariants
//! 1. Nobody overtakes: a heavy effect goes before the light ones that came later.
//! 2. What is held is held for a call, never for an agent's life: however deep agents nest, the innermost call can go.
//! 3. A limit of 0 is an error at the swarm's start.

mod at_once;
mod breaker;
mod bucket;
mod cache;
mod keyed;
mod lane;
mod rate;
mod retry_budget;
mod scope;
mod shelf;
mod trip;

pub use self::at_once::AtOnce;
pub use self::breaker::Breaker;
pub use self::cache::Cache;
pub use self::rate::Rate;
pub use self::retry_budget::RetryBudget;
pub use self::scope::By;
