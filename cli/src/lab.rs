//! What others have recorded, held against this build.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use skep_testkit::conformance::{On, play_all};

/// The engine's world; any seed has to give the same trace.
const SEED: u64 = 1;

/// Plays a file of scenarios; 0 if all are equal, 1 if one differs, 2 if it cannot be read.
pub(crate) fn traces(file: &Path, core: bool) -> ExitCode {
    let on = if core { On::Core } else { On::Engine(SEED) };
    let read = fs::read_to_string(file).map_err(|error| error.to_string());
    match read.and_then(|text| play_all(&text, on)) {
        Ok(verdicts) => {
            // If standard output is closed, the code has to do.
            writeln!(io::stdout(), "{verdicts}").ok();
            ExitCode::from(u8::from(!verdicts.mismatches.is_empty()))
        }
        Err(why) => {
            writeln!(io::stderr(), "skep lab traces {}: {why}", file.display()).ok();
            ExitCode::from(2)
        }
    }
}
