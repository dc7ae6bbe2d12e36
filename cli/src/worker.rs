//! The worker process that a review with a model starts: this program again, told to do jobs.

use std::process::ExitCode;

use skep_actors::pool::{Jobs, ProcessPool};

use crate::review::mind::structure;

/// What the program is told to be a worker.
pub(crate) const WORKER: &str = "worker";

/// Does jobs until the input ends.
pub(crate) fn main() -> ExitCode {
    let jobs = Jobs::new().with(structure::JOB, |search| structure::search(&search));
    if jobs.serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A pool of such workers.
///
/// # Errors
/// If the system does not say where this program lies.
pub(crate) fn pool() -> std::io::Result<ProcessPool> {
    ProcessPool::of_this_program([WORKER])
}
