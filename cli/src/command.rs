//! From the options to the exit code.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use console::Term;
use skep_runtime::NanoUsd;

use crate::args::{self, Command, Format, Skep};
use crate::lab;
#[cfg(feature = "http")]
use crate::review::mind::Minds;
use crate::review::report::text::{Layout, Paint};
use crate::review::report::{json, markdown, sarif, text};
use crate::review::swarm::{Ending, Order, Review, ReviewError};
use crate::review::{Baseline, Config, Listed, Report, RuleSet, Severity};
use crate::signals::{Signal, Signals};
use crate::view::View;

/// What the swarm may spend unless told: some 100,000 files at the simulated prices.
const BUDGET: NanoUsd = NanoUsd(10_000_000_000);

/// Findings of one severity in a Markdown table unless told: what a comment on a pull request bears.
const TABLE: usize = 25;

/// Could not run.
const COULD_NOT: u8 = 2;

/// Runs the command that the process was given.
///
/// Options that cannot be end the process with 2, after a line that says which.
#[must_use]
pub fn main() -> ExitCode {
    match Skep::parse().command {
        Command::Review(options) => run_review(*options),
        Command::Lab(options) => lab::main(options),
        Command::Which(options) => crate::which::main(options),
        #[cfg(feature = "http")]
        Command::MockServer(options) => crate::mock::main(&options),
        #[cfg(feature = "http")]
        Command::Worker => crate::worker::main(),
    }
}

fn run_review(options: args::Review) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return could_not(&format!("cannot start threads: {error}")),
    };
    let code = runtime.block_on(async {
        match review(options).await {
            Ok(code) => code,
            Err(why) => could_not(&why),
        }
    });
    // What still blocks a thread is not waited for.
    runtime.shutdown_background();
    code
}

fn could_not(why: &str) -> ExitCode {
    // If standard error is closed, the code has to do.
    writeln!(io::stderr(), "skep review: {why}").ok();
    ExitCode::from(COULD_NOT)
}

/// What the files beside the review hold, and where the report goes.
struct Desk {
    config: Arc<Config>,
    baseline: Option<Baseline>,
    write_baseline: Option<PathBuf>,
    out: Option<PathBuf>,
    format: Format,
    fail_on: Option<Severity>,
    at_most: Option<usize>,
}

async fn review(options: args::Review) -> Result<ExitCode, String> {
    let watch = options.watch;
    let mut signals = Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let (order, desk) = prepare(options)?;
    #[cfg(feature = "http")]
    let only_estimates = order.only_survey;
    let review = Review::start(order).await.map_err(|error| error.to_string())?;
    let env = review.env();
    let mut view = View::of(review.events(), env.clone(), watch);
    let (ending, signal) = tokio::select! {
        ending = review.run() => (ending, None),
        signal = signals.next() => (Ending::Cut(signal.word().to_owned()), Some(signal)),
        never = view.run() => match never {},
    };
    view.close();
    if let Some(signal) = signal {
        // Nobody may be there to read it.
        writeln!(io::stderr(), "skep review: {}: stopping; press again to end at once", signal.word()).ok();
    }
    #[cfg(feature = "http")]
    if only_estimates && signal.is_none() {
        let estimate = review.estimate(ending).await.map_err(|error| error.to_string())?;
        if let Some(estimate) = estimate {
            print(&estimate.to_string())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let finished = async {
        let report = review.end(ending).await.map_err(|error: ReviewError| error.to_string())?;
        // Whoever reads the report may be slow.
        env.blocking(move || desk.deliver(report)).await
    };
    let code = tokio::select! {
        code = finished => code?,
        // A second one waits for nothing, nor does one for a report that nobody takes.
        signal = signals.next() => std::process::exit(signal.code().into()),
    };
    Ok(signal.map_or(code, |signal: Signal| ExitCode::from(signal.code())))
}

impl Desk {
    /// Puts the report where it belongs, and says how the process ends.
    fn deliver(self, mut report: Report) -> Result<ExitCode, String> {
        if let Some(path) = self.write_baseline {
            let text = Baseline::of(&report.findings).to_json();
            fs::write(&path, text)
                .map_err(|error| format!("--write-baseline {}: {error}", path.display()))?;
        }
        if let Some(baseline) = self.baseline {
            let filtered = baseline.filter(std::mem::take(&mut report.findings));
            report.findings = filtered.new;
            (report.known, report.stale) = (filtered.known as u64, filtered.stale as u64);
        }
        let at_most = self.at_most.or(self.config.at_most);
        match &self.out {
            None => print(&render(&report, self.format, terminal(at_most)))?,
            Some(path) => {
                let layout =
                    Layout { at_most: at_most.unwrap_or(Layout::default().at_most), ..Layout::default() };
                let text = render(&report, self.format, layout);
                fs::write(path, text).map_err(|error| format!("--out {}: {error}", path.display()))?;
            }
        }
        // Of a review that is not complete nobody can say that nothing so severe was there.
        let fails = |least| report.fails(least) || !report.complete;
        let fails = self.fail_on.or(self.config.fail_on).is_some_and(fails);
        Ok(if fails { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

/// Reads what the options name, and finds out before the work what could not be done after it.
fn prepare(options: args::Review) -> Result<(Order, Desk), String> {
    let named = options.path.display().to_string();
    let path = fs::canonicalize(&options.path)
        .map_err(|error| format!("PATH {named}: {error}; give an existing folder or file"))?;
    let (root, only) = if path.is_dir() { (path, None) } else { around(&path)? };
    let config = Arc::new(config(&root, options.config.as_deref())?);
    let baseline = options.baseline.as_deref().map(|path| {
        let text =
            fs::read_to_string(path).map_err(|error| format!("--baseline {}: {error}", path.display()))?;
        Baseline::from_json(&text).map_err(|error| format!("--baseline {}: {error}", path.display()))
    });
    for (option, path) in [("--out", &options.out), ("--write-baseline", &options.write_baseline)] {
        if let Some(path) = path {
            may_write(option, path)?;
        }
    }
    #[cfg(feature = "http")]
    let (minds, only_survey) = (minds(&options)?, options.estimate);
    #[cfg(not(feature = "http"))]
    let only_survey = false;
    let order = Order {
        root,
        only,
        named,
        base: options.base,
        whole_files: options.whole_files,
        head: options.head,
        config: Arc::clone(&config),
        budget: options.budget.unwrap_or(BUDGET),
        within: options.within,
        chaos: options.chaos,
        #[cfg(feature = "http")]
        minds,
        only_survey,
    };
    let baseline = baseline.transpose()?;
    let desk = Desk {
        config,
        baseline,
        write_baseline: options.write_baseline,
        out: options.out,
        format: options.format,
        fail_on: options.fail_on,
        at_most: options.at_most,
    };
    Ok((order, desk))
}

/// The models that were asked for.
#[cfg(feature = "http")]
fn minds(options: &args::Review) -> Result<Option<Arc<Minds>>, String> {
    let Some(model) = &options.model else { return Ok(None) };
    let price = options.price.as_ref().map(|(input, output)| (input.as_str(), output.as_str()));
    let minds = Minds::new(model, options.fast_model.as_ref(), options.base_url.as_deref(), price)?;
    let workers = crate::worker::pool().map_err(|error| format!("cannot find this program: {error}"))?;
    Ok(Some(Arc::new(minds.workers(workers))))
}

/// The folder around a file, and the file in it.
fn around(file: &Path) -> Result<(PathBuf, Option<Listed>), String> {
    match (file.parent(), file.file_name()) {
        (Some(folder), Some(name)) => {
            // Whether it can be read is found out when it is.
            let bytes = fs::metadata(file).map_or(0, |found| found.len());
            Ok((folder.to_owned(), Some(Listed { path: name.to_string_lossy().into_owned(), bytes })))
        }
        _ => Err(format!("PATH {}: this is neither a file nor a folder", file.display())),
    }
}

fn config(root: &Path, named: Option<&Path>) -> Result<Config, String> {
    let path = named.map_or_else(|| root.join("skep.toml"), Path::to_owned);
    match fs::read_to_string(&path) {
        Ok(text) => Config::from_toml(&text, RuleSet::embedded()).map_err(|error| error.to_string()),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(format!("--config {}: {error}", path.display())),
    }
}

fn may_write(option: &str, path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(format!(
            "{option} {}: the folder {} does not exist; create it first",
            path.display(),
            folder.display()
        ));
    }
    if path.is_dir() {
        return Err(format!("{option} {}: this is a folder; name a file in it", path.display()));
    }
    Ok(())
}

/// How the report is laid out on standard output.
fn terminal(at_most: Option<usize>) -> Layout {
    let default = Layout { at_most: at_most.unwrap_or(Layout::default().at_most), ..Layout::default() };
    if !io::stdout().is_terminal() {
        return default;
    }
    let (_, width) = Term::stdout().size();
    let paint = if console::colors_enabled() { Paint::Colours } else { Paint::Plain };
    Layout { paint, width: usize::from(width).min(120), ..default }
}

fn render(report: &Report, format: Format, layout: Layout) -> String {
    match format {
        Format::Text => text::render(report, layout),
        Format::Markdown => {
            let is_default = layout.at_most == Layout::default().at_most;
            markdown::render(report, if is_default { TABLE } else { layout.at_most })
        }
        Format::Json => json::render(report),
        Format::Sarif => sarif::render(report, RuleSet::embedded()),
    }
}

fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| format!("cannot write the report: {error}")),
    }
}
