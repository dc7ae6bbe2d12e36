//! What of a failure is kept as files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_runtime::Event;
use skep_runtime::fold::{Fold, Tree};

use super::{Found, scene};
use crate::vars;

impl Found {
    /// The folder of it below another: by the test's name and the seed.
    #[must_use]
    pub fn folder_in(&self, above: &Path) -> PathBuf {
        above.join(file_name(&self.name)).join(format!("seed-{}", self.seed))
    }

    /// Writes all of it into a folder, which is made if it is not there: `failure.txt`, what a person reads; `plan.json`, the
    /// [`Recipe`](super::Recipe); `given.json`, the plan before it was shrunk; `events.jsonl` and `tree.txt`, all that
    /// happened with the shrunk plan, and the tree then; `backtrace.txt`, if `RUST_BACKTRACE` asks for it.
    ///
    /// # Errors
    /// The system's, if a file cannot be written.
    pub fn write(&self, folder: &Path, story: &str) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let given = serde_json::to_string_pretty(&self.given).expect("a plan is plain data");
        let moment = scene::moment(&self.wrong, &self.events);
        let tree = Tree::of(self.events[..moment].iter().map(|event| &**event)).tree();
        for (name, text) in [
            ("failure.txt", format!("{story}\n\neverything that is wrong:\n{}\n", self.wrong.trim_end())),
            ("plan.json", self.recipe().to_json()),
            ("given.json", given + "\n"),
            ("events.jsonl", event_lines(&self.events)),
            ("tree.txt", tree + "\n"),
        ] {
            std::fs::write(folder.join(name), text)?;
        }
        if let Some(trace) = &self.trace {
            std::fs::write(folder.join("backtrace.txt"), trace.to_string())?;
        }
        Ok(())
    }
}

/// Where failures are kept unless a caller has a place of its own: `SKEP_LAB_OUT`, else `skep-lab` in the build's folder.
pub(crate) fn home() -> PathBuf {
    let build = || vars::target_folder().unwrap_or_else(std::env::temp_dir).join("skep-lab");
    vars::lab_out().unwrap_or_else(build)
}

/// A path as a person types it: from the folder that the process is in, if it lies below.
pub(crate) fn shown(path: &Path) -> String {
    let here = vars::here();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).display().to_string()
}

/// Events as a file: one line of JSON each.
#[must_use]
pub fn event_lines(events: &[Arc<Event>]) -> String {
    let line = |event: &Arc<Event>| serde_json::to_string(&**event).expect("an event is plain data") + "\n";
    events.iter().map(line).collect()
}

/// A test's name as a file's: paths of modules have colons.
pub(crate) fn file_name(test: &str) -> String {
    let fits = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '.' };
    test.replace("::", ".").chars().map(fits).collect()
}
