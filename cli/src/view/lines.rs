//! Plain lines, for a log.

use std::io::{Write as _, stderr};

pub(super) struct Lines;

impl Lines {
    pub(super) fn say(&self, line: &str) {
        // A log that nobody takes is no reason to end the review.
        writeln!(stderr(), "skep review: {line}").ok();
    }
}
