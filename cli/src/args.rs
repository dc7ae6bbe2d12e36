//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use skep_runtime::NanoUsd;

use crate::review::Severity;

/// Swarms of supervised agents that stop, bill and recover exactly.
#[derive(Debug, Parser)]
#[command(name = "skep", version, arg_required_else_help = true)]
pub(crate) struct Skep {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Review a folder, a file, or what has changed in a repository
    ///
    /// Four supervised reviewers (security, performance, style, tests) apply rules to every file: no key, no server, no
    /// network. What rules cannot judge is named in the report.
    #[command(after_help = EXIT_CODES)]
    Review(Box<Review>),

    /// Hold this build against what others have recorded
    #[command(subcommand)]
    Lab(Lab),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Lab {
    /// Play recorded scenarios of Erlang/OTP's supervisor, one JSON object a line, and print each step that differs
    #[command(after_help = "Exit code: 0 all are equal; 1 one differs; 2 the file cannot be read.")]
    Traces {
        /// The file of scenarios
        file: PathBuf,

        /// Play them on the supervision core alone instead of on a swarm, which shows the deciding step
        #[arg(long)]
        core: bool,
    },
}

const EXIT_CODES: &str = "\
Exit code: 0 done; 1 with --fail-on, if a finding is at least so severe or the review was cut short; \
2 could not run; 130 interrupted by Ctrl-C (the first stops the swarm and reports what there is, a second ends at once); 143 terminated by a signal, likewise.";

#[derive(Debug, Args)]
pub(crate) struct Review {
    /// What to review: a folder or a file
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,

    /// Only files that changed since this revision, from where the two parted
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,

    /// Review this revision instead of the work tree
    #[arg(long, value_name = "REV")]
    pub(crate) head: Option<String>,

    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Write the report to a file instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// End with 1 if a finding is at least so severe: critical, high, medium or low
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,

    /// Show at most so many findings of one rule (text) or severity (markdown); the rest is counted
    #[arg(long, value_name = "N")]
    pub(crate) at_most: Option<usize>,

    /// What the swarm may spend in dollars; prices are simulated [default: 10]
    #[arg(long, value_name = "USD")]
    pub(crate) budget: Option<NanoUsd>,

    /// Stop after so long and report what there is, such as 90s or 2m
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) within: Option<Duration>,

    /// Show the live tree of agents while they work
    #[arg(long)]
    pub(crate) watch: bool,

    /// Crash, hang, slow and kill the reviewers by the plan of this seed; the findings stay the same
    #[arg(long, value_name = "SEED")]
    pub(crate) chaos: Option<u64>,

    /// Settings [default: skep.toml in the reviewed folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Leave out findings that this file knows
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    /// Write a file that knows all findings of this review, for --baseline
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    Text,
    /// For a comment on a pull request
    Markdown,
    /// For programs; the schema is in the sources
    Json,
    /// SARIF 2.1.0, for code scanning pages
    Sarif,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Review, String> {
        match Skep::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?.command {
            Command::Review(review) => Ok(*review),
            Command::Lab(lab) => Err(format!("{lab:?}")),
        }
    }

    #[test]
    fn the_options_hang_together() {
        Skep::command().debug_assert();
        let review = parse("skep review a --budget 0.5 --within 1m30s --fail-on high --chaos 7").unwrap();
        assert_eq!(review.budget, Some(NanoUsd(500_000_000)));
        assert_eq!(review.within, Some(Duration::from_secs(90)));
        assert_eq!((review.fail_on, review.chaos), (Some(Severity::High), Some(7)));
    }

    #[test]
    fn an_error_names_the_option_and_what_would_do() {
        for (line, words) in [
            ("skep review --fail-on urgent", ["--fail-on", "critical, high, medium or low"]),
            ("skep review --budget two", ["--budget", "write it like \"2.50\""]),
            ("skep review --format xml", ["--format", "sarif"]),
            ("skep review --within soon", ["--within", "soon"]),
        ] {
            let error = parse(line).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
