//! Which files are reviewed, and in which batches.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::review::config::Config;
use crate::review::source::{Note, Source};

/// With more files than this the work is split.
const WHOLE: usize = 50;

/// Files in a batch when the work is split.
const BATCH: usize = 10;

/// A file as the listing saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// What is to be reviewed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files, sorted by path, in batches: one batch up to 50 files, batches of 10 above. No batch is empty.
    pub batches: Vec<Vec<Listed>>,
    /// What the reader should know about files that are not reviewed.
    pub notes: Vec<Note>,
}

impl Plan {
    /// Number of files in all batches.
    #[must_use]
    pub fn files(&self) -> usize {
        self.batches.iter().map(Vec::len).sum()
    }

    /// Sum of the listed sizes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.batches.iter().flatten().map(|file| file.bytes).sum()
    }
}

/// Plans a review of the listed files, or of those among them that changed. The result does not depend on the
/// order of the listing, and a file that is listed twice is reviewed once.
///
/// A changed file that is not listed (deleted, or ignored by git) is not reviewed.
#[must_use]
pub fn plan(listed: &[Listed], changed: Option<&[String]>, config: &Config) -> Plan {
    let changed: Option<BTreeSet<&str>> = changed.map(|paths| paths.iter().map(String::as_str).collect());
    let mut files: Vec<Listed> = listed.to_vec();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    files.retain(|file| changed.as_ref().is_none_or(|changed| changed.contains(&*file.path)));
    let before = files.len();
    files.retain(|file| !config.ignores(&file.path));
    let ignored = before - files.len();
    let mut notes = left_out(&mut files);
    if ignored > 0 {
        let noun = if ignored == 1 { "file is" } else { "files are" };
        notes.push(Note { file: String::new(), why: format!("{ignored} {noun} ignored by skep.toml") });
    }
    let size = if files.len() > WHOLE { BATCH } else { WHOLE };
    Plan { batches: files.chunks(size).map(<[Listed]>::to_vec).collect(), notes }
}

/// Takes out what is not read by its path alone. A folder that is left out is one note, however much lies in it.
fn left_out(files: &mut Vec<Listed>) -> Vec<Note> {
    let mut folders: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut notes = Vec::new();
    files.retain(|file| {
        let Some(refusal) = Source::refusal(&file.path) else { return true };
        match refusal.folder() {
            Some(folder) => *folders.entry((format!("{folder}/"), refusal.words())).or_default() += 1,
            None => notes.push(Note { file: file.path.clone(), why: refusal.words() }),
        }
        false
    });
    notes.extend(folders.into_iter().map(|((file, words), count)| {
        let noun = if count == 1 { "file" } else { "files" };
        Note { file, why: format!("{words}, {count} {noun}") }
    }));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::RuleSet;

    fn listed(count: usize) -> Vec<Listed> {
        (0..count).map(|number| Listed { path: format!("src/{number:03}.rs"), bytes: 2 }).collect()
    }

    #[test]
    fn fifty_files_are_one_batch_and_fifty_one_go_by_tens() {
        let sizes = |count| -> Vec<usize> {
            plan(&listed(count), None, &Config::default()).batches.iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(0), Vec::<usize>::new());
        assert_eq!(sizes(50), [50]);
        assert_eq!(sizes(51), [10, 10, 10, 10, 10, 1]);
        assert_eq!(plan(&listed(51), None, &Config::default()).bytes(), 102);
    }

    #[test]
    fn the_order_of_the_listing_does_not_matter() {
        let mut shuffled = listed(60);
        shuffled.reverse();
        shuffled.push(shuffled[3].clone());
        assert_eq!(plan(&shuffled, None, &Config::default()), plan(&listed(60), None, &Config::default()));
    }

    #[test]
    fn what_others_wrote_is_left_out_and_a_folder_of_it_is_one_note() {
        let paths = ["vendor/a/b.rs", "vendor/c.rs", "web/node_modules/d.js", "Cargo.lock", "src/lib.rs"];
        let listed: Vec<Listed> =
            paths.iter().map(|path| Listed { path: (*path).to_owned(), bytes: 1 }).collect();
        let plan = plan(&listed, None, &Config::default());
        assert_eq!((plan.files(), &*plan.batches[0][0].path), (1, "src/lib.rs"));
        let notes: Vec<String> =
            plan.notes.iter().map(|note| format!("{}: {}", note.file, note.why)).collect();
        assert_eq!(
            notes,
            [
                "Cargo.lock: lock file: skipped",
                "vendor/: vendored (below `vendor/`): skipped, 2 files",
                "web/node_modules/: vendored (below `node_modules/`): skipped, 1 file",
            ]
        );
    }

    #[test]
    fn only_listed_and_changed_files_are_reviewed_and_ignored_ones_are_counted() {
        let config = Config::from_toml("ignore = [\"src/001.rs\"]", RuleSet::embedded()).unwrap();
        let changed = ["src/000.rs".to_owned(), "src/001.rs".to_owned(), "gone.rs".to_owned()];
        let plan = plan(&listed(5), Some(&changed), &config);
        assert_eq!(plan.batches.concat().iter().map(|file| &*file.path).collect::<Vec<_>>(), ["src/000.rs"]);
        assert_eq!(plan.notes[0].why, "1 file is ignored by skep.toml");
    }
}
