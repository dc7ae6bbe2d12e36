//! What goes between a pool and its workers: one JSON value a line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a worker is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request<I> {
    pub(super) job: String,
    pub(super) input: I,
}

/// What it answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Done(Value),
    /// The job's own error.
    Failed(String),
    /// The worker ends after this.
    Panicked(String),
}

/// A request as it is sent.
pub(super) fn request<I: Serialize + ?Sized>(job: &str, input: &I) -> serde_json::Result<Vec<u8>> {
    line(&Request { job: job.to_owned(), input })
}

/// A value on a line: JSON writes no line break of its own.
pub(super) fn line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}
