//! The `skep` command: a swarm that reviews a repository, and views of swarms in a terminal.
//!
//! ```text
//! args     what can be said on the command line
//! command  from the options to the exit code
//! lab      example swarms under faults; what others recorded, held against this build
//! mock     a simulated model over HTTP
//! review   rules, findings, reports; and the swarm that applies them
//! signals  what asks a running command to end
//! view     what a swarm does, from its journal alone
//! which    which pattern of coordination fits
//! worker   the process that searches for a model
//! ```

mod args;
mod command;
mod lab;
#[cfg(feature = "http")]
mod mock;
pub mod review;
mod signals;
mod view;
mod which;
#[cfg(feature = "http")]
mod worker;

pub use command::main;
