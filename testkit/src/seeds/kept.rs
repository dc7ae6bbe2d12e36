//! Seeds that have failed, in a file of the repository: run first, until somebody takes the line out.
//!
//! A line is a seed and, behind a `#`, what it failed with. Other lines are left alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::found::{file_name, shown};

const HEAD: &str = "\
# Seeds with which this test has failed: they are run before all others. Commit this file.
# A line may go once nobody thinks that its failure will come again.
";

/// Letters of what it failed with.
const REASON: usize = 100;

/// A test's file of seeds.
pub(super) struct Kept {
    path: PathBuf,
}

impl Kept {
    pub(super) fn of(package: &Path, test: &str) -> Self {
        Self { path: package.join("tests").join("lab-seeds").join(file_name(test) + ".txt") }
    }

    /// The seeds in it; none if there is no file.
    ///
    /// # Panics
    /// If a line is no seed: a seed that is passed over in silence is lost.
    pub(super) fn read(&self) -> Vec<u64> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        parse(&text).unwrap_or_else(|wrong| panic!("{}: {wrong}", self.path.display()))
    }

    /// Puts a seed in, and says so; where the sources cannot be written, says that.
    pub(super) fn add(&self, seed: u64, wrong: &str) -> String {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let path = shown(&self.path);
        if parse(&text).is_ok_and(|seeds| seeds.contains(&seed)) {
            return format!("the seed stands in {path}\n");
        }
        match self.append(text.is_empty(), &line(seed, wrong)) {
            Ok(()) => format!("the seed is kept in {path}, to be run first\n"),
            Err(error) => format!("the seed could not be kept in {path}: {error}\n"),
        }
    }

    fn append(&self, is_new: bool, line: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let head = if is_new { HEAD } else { "" };
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(format!("{head}{line}\n").as_bytes())
    }
}

fn line(seed: u64, wrong: &str) -> String {
    let reason: String = wrong.lines().next().unwrap_or_default().chars().take(REASON).collect();
    format!("{seed} # {reason}")
}

fn parse(text: &str) -> Result<Vec<u64>, String> {
    let mut seeds = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let seed = line.split('#').next().unwrap_or_default().trim();
        if seed.is_empty() {
            continue;
        }
        let seed = seed.parse().map_err(|_| format!("line {number}: {seed:?} is not a seed"))?;
        if !seeds.contains(&seed) {
            seeds.push(seed);
        }
    }
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_once_and_in_its_order() {
        let text = format!("{HEAD}\n{}\n{}\n7\n", line(7, "P1 stops: # 3"), line(u64::MAX, "two\nlines"));
        assert_eq!(parse(&text), Ok(vec![7, u64::MAX]));
        assert_eq!(parse("1\nx # 2\n"), Err("line 2: \"x\" is not a seed".to_owned()));
    }

    #[test]
    fn a_seed_is_kept_once_and_what_cannot_be_written_is_said() {
        let folder = std::env::temp_dir().join(format!("skep-kept-{}", std::process::id()));
        let kept = Kept::of(&folder, "a::test");
        assert!(kept.read().is_empty());
        assert!(kept.add(7, "it fails").contains("is kept in"));
        assert!(kept.add(9, "it fails").contains("a.test.txt"));
        assert!(kept.add(7, "it fails").contains("stands in"));
        assert_eq!(kept.read(), [7, 9]);
        let blocked = Kept::of(&kept.path, "b");
        assert!(blocked.add(1, "x").contains("could not be kept"), "a file is not a folder");
        fs::remove_dir_all(folder).unwrap();
    }
}
