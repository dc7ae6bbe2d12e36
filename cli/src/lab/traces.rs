//! What others have recorded, held against this build.

use std::fs;
use std::path::Path;

use skep_testkit::conformance::{On, play_all};

/// The engine's world; any seed has to give the same trace.
const SEED: u64 = 1;

/// Plays a file of scenarios; whether all are equal.
pub(super) fn play(file: &Path, core: bool) -> Result<bool, String> {
    let on = if core { On::Core } else { On::Engine(SEED) };
    let read = fs::read_to_string(file).map_err(|error| error.to_string());
    let verdicts =
        read.and_then(|text| play_all(&text, on)).map_err(|why| format!("{}: {why}", file.display()))?;
    super::say(&verdicts.to_string());
    Ok(verdicts.mismatches.is_empty())
}
