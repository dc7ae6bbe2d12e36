//! The command as a person runs it: the built binary on folders that are made here.
#![allow(clippy::disallowed_methods, reason = "tests begin processes and look at the clock")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(missing_docs, reason = "tests are sentences")]

mod bench;
mod chaos;
mod git;
mod odd;
mod options;
mod stopping;
