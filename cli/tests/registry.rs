//! The rules over the sources of every crate that this build depends on: what they find is counted and committed, so that a
//! change of the rules shows what it does to real code before it is merged.
#![allow(clippy::disallowed_methods, reason = "a test reads its surroundings")]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(missing_docs, reason = "tests are sentences")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use skep_cli::review::{Category, Config, Listed, RuleSet, Source, apply, plan};

/// Counts by rule, of one crate.
type Counts = BTreeMap<String, u64>;

/// Fewer crates of the file than this in `Cargo.lock`, and it says nothing about the rules any more.
const LEAST: usize = 150;

#[test]
#[ignore = "reads the sources of some hundred crates: .ci/nightly registry"]
fn the_rules_find_in_the_registry_what_they_found_before() {
    let locked = locked();
    let sources = sources();
    let found: BTreeMap<String, Counts> = locked
        .iter()
        .filter_map(|name| {
            let folder = sources.iter().map(|registry| registry.join(name)).find(|folder| folder.is_dir())?;
            Some((name.clone(), review(&folder)))
        })
        .collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry/counts.tsv");
    if std::env::var_os("SKEP_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, written(&found)).unwrap();
        return;
    }
    let known = read(&std::fs::read_to_string(&file).unwrap());
    let both: Vec<&String> = known.keys().filter(|name| found.contains_key(*name)).collect();
    let mut changed = String::new();
    for name in &both {
        for rule in known[*name].keys().chain(found[*name].keys()).collect::<BTreeSet<_>>() {
            let count = |counts: &Counts| counts.get(rule).copied().unwrap_or(0);
            let (before, now) = (count(&known[*name]), count(&found[*name]));
            if before != now {
                writeln!(changed, "{name}\t{rule}\t{before} -> {now}").unwrap();
            }
        }
    }
    // A crate of another version is another text; whoever updates it has not changed a rule.
    let others: Vec<&String> = found.keys().filter(|name| !known.contains_key(*name)).collect();
    println!("{} crates as before, {} that the file does not know: {others:?}", both.len(), others.len());
    assert!(changed.is_empty(), "look at what changed, then SKEP_BLESS=1 .ci/nightly registry:\n{changed}");
    assert!(both.len() >= LEAST, "only {} crates of the file are in Cargo.lock and fetched", both.len());
}

/// The crates of the lock file that come from a registry, as `name-version`.
fn locked() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    let from_registry = packages.filter(|package| package.get("checksum").is_some());
    let word = |package: &toml::Value, field: &str| package[field].as_str().unwrap().to_owned();
    from_registry.map(|package| format!("{}-{}", word(package, "name"), word(package, "version"))).collect()
}

/// Where cargo has unpacked the sources.
fn sources() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap();
    let registries = std::fs::read_dir(home.join("registry/src")).expect("cargo fetch has run");
    registries.map(|registry| registry.unwrap().path()).collect()
}

fn review(folder: &Path) -> Counts {
    let mut listed = Vec::new();
    list(folder, "", &mut listed);
    let config = Config::default();
    let mut counts = Counts::new();
    for file in plan(&listed, None, &config).batches.into_iter().flatten() {
        let Ok(source) = Source::new(&file.path, std::fs::read(folder.join(&file.path)).unwrap()) else {
            continue;
        };
        for category in Category::ALL {
            for finding in apply(category, RuleSet::embedded(), &config, &source) {
                *counts.entry(finding.rule).or_default() += 1;
            }
        }
    }
    counts
}

fn list(folder: &Path, below: &str, listed: &mut Vec<Listed>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            list(&entry.path(), &format!("{below}{name}/"), listed);
        } else if kind.is_file() {
            listed.push(Listed { path: format!("{below}{name}"), bytes: entry.metadata().unwrap().len() });
        }
    }
}

/// The file: the sums by rule for whoever reads it, then the crates.
fn written(found: &BTreeMap<String, Counts>) -> String {
    let mut sums = Counts::new();
    for (rule, count) in found.values().flatten() {
        *sums.entry(rule.clone()).or_default() += count;
    }
    let mut text =
        format!("# What the rules find in {} crates of Cargo.lock: .ci/nightly registry\n", found.len());
    for (rule, count) in &sums {
        writeln!(text, "# {rule}\t{count}").unwrap();
    }
    for (name, counts) in found {
        let counts: Vec<String> = counts.iter().map(|(rule, count)| format!("{rule}={count}")).collect();
        writeln!(text, "{name}\t{}", counts.join(" ")).unwrap();
    }
    text
}

fn read(text: &str) -> BTreeMap<String, Counts> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let crates = lines.filter_map(|line| line.split_once('\t')).map(|(name, counts)| {
        let counts = counts.split(' ').filter_map(|count| count.split_once('='));
        (name.to_owned(), counts.map(|(rule, count)| (rule.to_owned(), count.parse().unwrap())).collect())
    });
    crates.collect()
}

#[test]
fn the_file_of_counts_is_read_as_it_is_written() {
    let counts = Counts::from([("tests/sleep".to_owned(), 3), ("style/long-function".to_owned(), 1)]);
    let found = BTreeMap::from([("a-1.0.0".to_owned(), counts), ("b-2.0.0".to_owned(), Counts::new())]);
    assert_eq!(read(&written(&found)), found);
}
