//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use skep_runtime::NanoUsd;
use skep_testkit::Preset;

use crate::lab::Example;
use crate::review::Severity;
#[cfg(feature = "http")]
use crate::review::mind::Choice;

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
    /// Four supervised reviewers (security, performance, style, tests) apply rules to every file. They need no key, no
    /// server and no network. The report names what rules cannot judge.
    #[command(after_help = EXIT_CODES)]
    Review(Box<Review>),

    /// Run swarms under injected faults, and compare this build with recorded runs of Erlang/OTP
    #[command(subcommand)]
    Lab(Lab),

    /// Ask six questions about your work, and say which pattern of coordination fits
    ///
    /// The answer has the reason, what it costs, and the lines to start from. What the options do not say is asked in the
    /// terminal.
    #[command(
        after_help = "Exit code: 0 answered; 2 a question was not answered and there is no terminal to ask in."
    )]
    Which(Which),

    /// Serve a simulated model over HTTP, in OpenAI's and Anthropic's protocols, to try clients without a key
    ///
    /// The model is named `sim`. It answers with delays and meaningless words, calls tools if the request has any, and reports
    /// its usage. Any key will do. Ctrl-C ends it.
    #[cfg(feature = "http")]
    #[command(after_help = "Exit code: 0 ended by a signal; 2 could not serve.")]
    MockServer(MockServer),

    /// Do jobs for a review with a model, which starts this itself: one JSON request a line, until the input ends
    #[cfg(feature = "http")]
    #[command(hide = true)]
    Worker,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Which {
    /// How many minutes one agent would take for all of it
    #[arg(long, value_name = "N")]
    pub(crate) minutes: Option<u64>,

    /// How many pieces the work has
    #[arg(long, value_name = "N")]
    pub(crate) pieces: Option<u64>,

    /// Whether a piece needs what another gives
    #[arg(long, value_enum)]
    pub(crate) order: Option<Order>,

    /// What there should be in the end
    #[arg(long, value_enum)]
    pub(crate) goal: Option<Goal>,

    /// Who does it
    #[arg(long, value_enum)]
    pub(crate) who: Option<Who>,

    /// Whether a piece may turn out to be too large and have to be split
    #[arg(long, value_enum)]
    pub(crate) splits: Option<Splits>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Splits {
    /// The pieces are small enough
    No,
    /// A piece may turn out to be several
    Yes,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Order {
    /// No piece needs what another gives
    None,
    /// Each needs the one before
    Chain,
    /// Some need some others
    Some,
    /// What comes next depends on what is found
    Found,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Goal {
    /// A result for each piece
    Rows,
    /// One result made of all
    One,
    /// A choice among options
    Choice,
    /// What several think of it, brought together
    Opinions,
    /// A text or patch that others approve
    Draft,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Who {
    /// Agents of one kind
    Same,
    /// Experts with roles of their own
    Roles,
    /// Several ways to one answer, and the first good one will do
    Ways,
    /// Whoever has it decides who has it next
    Hands,
    /// People too, who approve or do some steps
    People,
}

#[cfg(feature = "http")]
#[derive(Debug, Args)]
pub(crate) struct MockServer {
    /// Where to listen; port 0 picks a free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4141")]
    pub(crate) addr: String,

    /// Seed for all random choices: the same requests in the same order get the same answers
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Refuse this many of every thousand requests with a 429
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1000))]
    pub(crate) rate_limits: u64,

    /// Break off this many of every thousand answers half way
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1000))]
    pub(crate) cuts: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Lab {
    /// Run an example swarm under faults, once for each seed, and check every promise
    ///
    /// A run is a simulated world: minutes of the swarm's time pass in milliseconds, and the same seed always gives the
    /// same run. The first failure of each preset is run again with fewer and fewer faults, until only those that matter
    /// are left. It is then printed, and written to a folder together with its events.
    #[command(after_help = RUN_EXIT_CODES)]
    Run(Run),

    /// Run a failure from a folder of `skep lab run` again
    #[command(
        after_help = "Exit code: 0 it passes now; 1 it fails; 2 the file cannot be read or belongs to another program's test."
    )]
    Replay {
        /// The plan.json in the folder
        plan: PathBuf,
    },

    /// Replay recorded scenarios of Erlang/OTP's supervisor, one JSON object per line, and print each step that differs
    #[command(after_help = "Exit code: 0 all are equal; 1 at least one differs; 2 the file cannot be read.")]
    Traces {
        /// The file of scenarios
        file: PathBuf,

        /// Replay them on the supervision core alone instead of on a swarm; this shows the deciding step
        #[arg(long)]
        core: bool,
    },
}

const RUN_EXIT_CODES: &str = "Exit code: 0 every run passed; 1 at least one failed; 2 could not run.";

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The faults to inject; may be given several times [default: all presets]
    #[arg(long, value_name = "NAME", value_parser = preset())]
    pub(crate) preset: Vec<Preset>,

    /// Your own plan as JSON instead: a list of rules, or the plan.json of a failure's folder
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub(crate) plan: Option<PathBuf>,

    /// How many seeds for each preset
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,

    /// The first seed
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) seed_from: u64,

    /// The swarm to run
    #[arg(long, value_enum, default_value_t = Example::Research)]
    pub(crate) swarm: Example,

    /// Where to write failures, one folder each
    #[arg(long, value_name = "FOLDER", default_value = "target/skep-lab")]
    pub(crate) out: PathBuf,
}

/// Presets by name, each with what it shows.
fn preset() -> impl TypedValueParser<Value = Preset> {
    let named = |preset: Preset| PossibleValue::new(preset.name()).help(preset.shows());
    PossibleValuesParser::new(Preset::ALL.map(named)).try_map(|name| name.parse::<Preset>())
}

const EXIT_CODES: &str = "\
Exit code: 0 done; 1 with --fail-on, if a finding is at least that severe, the review was cut short, or a file could not be read; \
2 could not run; 130 interrupted by Ctrl-C (the first stops the swarm and reports what there is, a second ends at once); 143 terminated by a signal, in the same way.";

#[derive(Debug, Args)]
pub(crate) struct Review {
    /// What to review: a folder or a file
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,

    /// Report only findings on lines that changed since the branch left this revision
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,

    /// With --base, report findings on all lines of the files that changed
    #[arg(long, requires = "base")]
    pub(crate) whole_files: bool,

    /// Review this revision instead of the work tree
    #[arg(long, value_name = "REV")]
    pub(crate) head: Option<String>,

    /// Format of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Write the report to a file instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Exit with 1 if a finding is at least this severe: critical, high, medium or low
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,

    /// Show at most this many findings of one rule (text) or severity (markdown), and count the rest
    #[arg(long, value_name = "N")]
    pub(crate) at_most: Option<usize>,

    /// What the swarm may spend in dollars; prices are simulated [default: 10]
    #[arg(long, value_name = "USD")]
    pub(crate) budget: Option<NanoUsd>,

    /// Stop after this time, such as 90s or 2m, and report what was found so far
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) within: Option<Duration>,

    /// Give the reviewers a model, as openai:NAME or anthropic:NAME
    ///
    /// The key is read from `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`. The sources are sent to the model. Prices are real then, and
    /// --budget is a real limit.
    #[cfg(feature = "http")]
    #[arg(long, value_name = "PROVIDER:NAME")]
    pub(crate) model: Option<Choice>,

    /// A cheaper model for performance and style; security and tests keep --model
    #[cfg(feature = "http")]
    #[arg(long, value_name = "PROVIDER:NAME", requires = "model")]
    pub(crate) fast_model: Option<Choice>,

    /// Where the models are, if not at their provider, such as `http://localhost:4141/v1`; a key is not needed there
    #[cfg(feature = "http")]
    #[arg(long, value_name = "URL", requires = "model")]
    pub(crate) base_url: Option<String>,

    /// What models cost that skep does not know: dollars for a million tokens sent and written, such as 1.25/10.00, or 0/0
    #[cfg(feature = "http")]
    #[arg(long, value_name = "INPUT/OUTPUT", requires = "model", value_parser = price)]
    pub(crate) price: Option<(String, String)>,

    /// Say what a review with --model would take, and do not begin it
    #[cfg(feature = "http")]
    #[arg(long, requires = "model")]
    pub(crate) estimate: bool,

    /// Show the live tree of agents while they work
    #[arg(long)]
    pub(crate) watch: bool,

    /// Crash, hang, slow down and kill the reviewers by a plan made from this seed; the findings stay the same
    #[arg(long, value_name = "SEED")]
    pub(crate) chaos: Option<u64>,

    /// Settings file [default: skep.toml in the reviewed folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Leave out the findings in this baseline file
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    /// Write all findings of this review to a baseline file
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<PathBuf>,
}

#[cfg(feature = "http")]
fn price(text: &str) -> Result<(String, String), String> {
    let (input, output) = text.split_once('/').ok_or("write it like 1.25/10.00")?;
    Ok((input.trim().to_owned(), output.trim().to_owned()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a terminal
    Text,
    /// For comments on pull requests
    Markdown,
    /// For programs; the schema is in the source tree
    Json,
    /// SARIF 2.1.0, for code-scanning services
    Sarif,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<Review, String> {
        match Skep::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?.command {
            Command::Review(review) => Ok(*review),
            other => Err(format!("{other:?}")),
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
            ("skep review --whole-files", ["--whole-files", "--base"]),
            ("skep lab run --preset calm", ["--preset", "restart-storm"]),
            ("skep lab run --swarm bees", ["--swarm", "research"]),
            ("skep lab run --preset swizzle --plan p.json", ["--preset", "cannot be used with"]),
        ] {
            let error = parse(line).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
