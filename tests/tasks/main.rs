//! Swarms under seeds: tasks, asks, what they come to and what is kept of it. One module for each guarantee.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "what stands around a swarm in a test is no part of it")]

use forest::{self, storm};

mod again;
mod asks;
mod attend;
mod dead_letters;
mod help;
mod journal;
mod kept;
mod memo;
mod model;
mod orchestrates;
mod outcomes;
mod parts;
mod priced;
mod questions;
mod recorded;
mod resume;
mod routes;
mod thinks;
mod told;
mod traced;
mod tried;
mod unclaimed;
