//! The lab from the command line: what others recorded held against this build, and example swarms under seeded faults.

mod field;
mod numbers;
mod run;
mod swarms;
mod traces;

use std::io::{self, Write as _};
use std::process::ExitCode;

pub(crate) use self::swarms::Example;
use crate::args::Lab;

/// Something failed that was to hold.
const FAILED: u8 = 1;

/// Could not run.
const COULD_NOT: u8 = 2;

/// Performs a subcommand.
pub(crate) fn main(lab: Lab) -> ExitCode {
    let (name, done) = match lab {
        Lab::Traces { file, core } => ("traces", traces::play(&file, core)),
        Lab::Run(options) => ("run", run::run(&options)),
        Lab::Replay { plan } => ("replay", run::again(&plan)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(why) => {
            // If standard error is closed, the code has to do.
            writeln!(io::stderr(), "skep lab {name}: {why}").ok();
            ExitCode::from(COULD_NOT)
        }
    }
}

/// Says something; if standard output is closed, the exit code has to do.
fn say(text: &str) {
    writeln!(io::stdout(), "{text}").ok();
}
