//! `skep review`: sources go in, findings and a written report come out.
//!
//! But for `swarm`, nothing in here is async, reads a file, spawns a process or looks at a clock. The swarm reads files,
//! calls git, pays for it and calls the rest.
//!
//! ```text
//! select  → which files, in which batches
//! source  → one file: text, language, part of the project, syntax tree (once, on demand)
//! rules   → what to look for, kept as data
//! apply   → one reviewer's rules over one source
//! finding → one place that deserves a look; merging and order
//! config, suppress, baseline → what the project does not want to hear
//! touched → which lines a change touches, so that a review of it speaks of nothing else
//! coverage → what was judged of each language, and what was not
//! report  → what was found, for a person or a program
//! swarm   → the agents that do it
//! ```

pub mod apply;
pub mod baseline;
pub mod changes;
pub mod config;
pub mod coverage;
pub mod finding;
#[cfg(test)]
mod fuzz;
#[cfg(feature = "http")]
pub mod mind;
pub mod report;
pub mod rules;
pub mod select;
pub mod source;
pub mod suppress;
pub mod swarm;
pub mod touched;

pub use apply::{apply, apply_to};
pub use baseline::Baseline;
pub use changes::{ChangedFile, untested_changes};
pub use config::Config;
pub use finding::{Category, Finding, Severity, merge};
pub use report::Report;
pub use rules::RuleSet;
pub use select::{Listed, Plan, plan};
pub use source::{Note, Source};
pub use touched::Touched;
