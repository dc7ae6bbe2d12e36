//! The floors of the design, the sizes and the words, as tests: each failure lists its places and what to do there.
//!
//! Comments and literals are no code: each file is read once, and a copy of it in which they are blanked keeps its
//! lines. What compiles only under test is blanked once more, for the floors that hold for what is shipped.

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/floors.rs"]
mod floors;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use self::code::{without_literals, without_tests};

/// The runtime's floors that decide nothing but from what they are given: functions of state, event and moment alone.
const PURE: &[&str] = &["words", "decide", "views"];

/// What a module that decides may not name, besides every seam.
const IMPURE: &[&str] = &[".await", "async", "tokio", "spawn(", "parking_lot", "Mutex", "RwLock"];

/// The ways out of a program's own state, each by the file of `runtime/src/env/` that takes it.
const SEAMS: &[(&str, &[&str])] = &[
    ("clock", &["Instant::now", "SystemTime", "tokio::time"]),
    ("random", &["rand", "rand_core", "rand_chacha", "fastrand", "getrandom"]),
    ("spawn", &["tokio::spawn", "task::spawn", "task::spawn_local", "JoinSet"]),
    ("outside", &["spawn_blocking", "block_in_place"]),
    ("thread", &["thread::spawn", "thread::scope", "thread::sleep", "thread::Builder"]),
    ("process", &["process::Command", "Command::new"]),
    ("socket", &["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "reqwest"]),
    ("vars", &["env::var", "env::var_os", "env::vars", "env::args", "env::args_os", "env::current_dir"]),
];

/// The seams that a crate outside the runtime may take too, in one file of its own. Threads are among them for worker processes, which
/// have no swarm and no `Env`.
const ELSEWHERE: &[&str] = &["process", "socket", "thread", "vars"];

/// What is shipped and lives inside a swarm. The lab is not here: it is what takes the place of `Env`.
const SHIPPED: &[&str] =
    &["lib.rs", "runtime/src/", "actors/src/", "patterns/src/", "cli/src/", "macros/src/"];

const LINES_MAX: usize = 500;
const LINES_MEDIAN: usize = 160;
/// Fifteen of them are the patterns' functions.
const NAMES_MAX: usize = 130;

#[test]
fn ractor_is_named_in_the_engine_only() {
    let mut found = Vec::new();
    for source in SOURCES.iter().filter(|source| !source.path.starts_with("benches/")) {
        let names: &[&str] = match source.path.as_str() {
            "runtime/src/lib.rs" => &["ractor", "pub mod engine"],
            _ if source.is_of("runtime/src/engine") => &["pub use ractor"],
            _ => &["ractor"],
        };
        found.extend(source.places(&source.code, names, "what serves a seat is the engine's own affair"));
    }
    // The workspace says its version once, and the benches stand beside it.
    let may = |d: &Dependency| match d.path {
        "runtime/Cargo.toml" | "benches/Cargo.toml" => true,
        path => path == "Cargo.toml" && d.section != "dependencies",
    };
    let others = DEPENDENCIES.iter().filter(|d| d.name == "ractor" && !may(d));
    found.extend(others.map(|d| d.place("only runtime depends on ractor")));
    none(found);
}

#[test]
fn what_decides_is_pure() {
    let names = [IMPURE, &SEAMS.iter().flat_map(|(_, names)| *names).copied().collect::<Vec<_>>()].concat();
    let decides = |source: &Source| PURE.iter().any(|module| source.is_of(&format!("runtime/src/{module}")));
    nowhere(decides, &names, "a core is given the moment and chance as values, and says what is to be done");
}

#[test]
fn actors_and_patterns_use_what_a_user_could_use() {
    let outer = |path: &str| path.starts_with("actors/") || path.starts_with("patterns/");
    let lab = |d: &&Dependency| outer(d.path) && d.section == "dependencies" && d.text.contains("\"lab\"");
    none(DEPENDENCIES.iter().filter(lab).map(|d| d.place("`lab` is for tests alone")));
    let inner = ["skep_runtime::engine", "skep::engine", "skep_testkit", "ractor"];
    let advice = "take the public API, or make what is missing a part of it";
    nowhere(|source| outer(&source.path), &inner, advice);
}

#[test]
fn the_world_is_reached_in_one_file_each() {
    let mut found = Vec::new();
    for (seam, names) in SEAMS {
        let home = format!("runtime/src/env/{seam}.rs");
        let mut elsewhere: BTreeMap<&str, Vec<Vec<String>>> = BTreeMap::new();
        let shipped = |source: &&Source| SHIPPED.iter().any(|folder| source.path.starts_with(folder));
        for source in SOURCES.iter().filter(shipped).filter(|source| source.path != home) {
            let here = source.places(&source.shipped, names, &format!("the runtime does that, in {home}"));
            let package = source.path.split('/').next().unwrap_or_default();
            if !here.is_empty() {
                elsewhere.entry(package).or_default().push(here);
            }
        }
        if ELSEWHERE.contains(seam) {
            elsewhere.retain(|package, files| *package == "runtime" || files.len() > 1);
        }
        found.extend(elsewhere.into_values().flatten().flatten());
    }
    none(found);
}

#[test]
fn bincode_is_named_in_one_file() {
    let name = |source: &Source| source.places(&source.code, &["bincode"], "let one file hold the codec");
    let files: Vec<_> = SOURCES.iter().map(name).filter(|places| !places.is_empty()).collect();
    assert!(files.len() <= 1, "{}", files.concat().join("\n"));
}

#[test]
fn money_is_never_a_float() {
    let money = |source: &Source| {
        [
            "runtime/src/words/money",
            "runtime/src/words/limits",
            "runtime/src/decide/ledger",
            "runtime/src/engine/meter",
            "actors/src/model/table",
            "actors/src/model/tokens",
        ]
        .iter()
        .any(|module| source.is_of(module))
    };
    nowhere(money, &["f64", "f32"], "count nano-dollars; sums of floats depend on their order");
}

#[test]
fn files_are_small() {
    let sizes = SOURCES.iter().map(|source| (source.text.lines().count(), source.path.as_str()));
    let sizes: BTreeSet<_> = sizes.collect();
    let long = sizes.iter().filter(|(lines, _)| *lines > LINES_MAX);
    none(long.map(|(lines, path)| format!("{path}:{lines}: over {LINES_MAX} lines; find its second idea")));
    let median = sizes.iter().nth(sizes.len() / 2).map_or(0, |(lines, _)| *lines);
    assert!(median < LINES_MEDIAN, "half of the files have {median} lines or more; aim below {LINES_MEDIAN}");
}

#[test]
fn names_say_what_a_thing_is() {
    let vague = ["manager", "helper", "utils"];
    let vague = |name: &str| vague.iter().any(|word| name.to_lowercase().contains(word));
    let kinds = ["struct", "enum", "trait", "type", "union", "mod"];
    let mut found = Vec::new();
    for Source { path, code, .. } in &*SOURCES {
        if vague(path) || path.ends_with("/mod.rs") {
            found.push(format!("{path}: name the file after its one idea, foo.rs beside foo/"));
        }
        for (line, text) in numbered(code) {
            let words: Vec<_> = text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
            let vaguely = |pair: &&[&str]| kinds.contains(&pair[0]) && vague(pair[1]);
            let pairs = words.windows(2).filter(vaguely);
            found.extend(pairs.map(|pair| format!("{path}:{line}: `{}`: name it by what it is", pair[1])));
        }
    }
    none(found);
}

#[test]
fn the_root_has_few_names_and_each_is_the_things_own() {
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for path in ["lib.rs", "runtime/src/lib.rs", "patterns/src/lib.rs"] {
        let text = read(path);
        let outside = text.split_once("pub mod prelude {").map_or(text.as_str(), |(before, _)| before);
        // At the line's beginning: what stands deeper is a module's.
        for uses in outside.split("\npub use ").skip(1).filter_map(|rest| rest.split_once(';')) {
            let (list, is_crate) = (uses.0, uses.0.starts_with("skep_"));
            if list.contains(" as ") && !is_crate {
                found.push(format!("{path}: `{list}`: one thing has one name"));
            }
            let listed = list.split_once('{').map_or(list, |(_, listed)| listed);
            let words = listed.split([',', '}']).filter_map(|name| name.trim().rsplit("::").next());
            names.extend(words.filter(|name| !name.is_empty() && !is_crate).map(str::to_owned));
        }
    }
    // A module is a shelf of names, and none of them.
    let is_module = |name: &String| {
        let file = format!("/{name}.rs");
        SOURCES.iter().any(|source| source.is_of_runtime() && source.path.ends_with(&file))
    };
    names.retain(|name| !is_module(name));
    none(found);
    assert!(names.len() > 50, "they are found: {names:?}");
    assert!(names.len() < NAMES_MAX, "{} names at the root: move what is rare into its module", names.len());
}

#[test]
fn nothing_is_left_for_later_in_silence() {
    let later = ["todo!", "unimplemented!", "#[ignore]", "assert!(true"];
    let advice = "do it, or say in words why not (a test: `#[ignore = \"why\"]`)";
    let places = |source: &Source| source.places(&source.code, &later, advice);
    none(SOURCES.iter().flat_map(places));
}

#[test]
fn every_example_stands_on_the_ladder() {
    let ladder = read("examples/README.md");
    let first_word = |rest| str::split(rest, |c| !is_word(c) && c != '-').next().unwrap_or_default();
    let listed = ladder.split("--example ").skip(1).map(first_word);
    let listed: BTreeSet<_> = listed.filter(|name| !name.is_empty() && *name != "NAME").collect();
    let files =
        SOURCES.iter().filter_map(|source| source.path.strip_prefix("examples/")?.strip_suffix(".rs"));
    let names = files.map(|path| path.strip_suffix("/main").unwrap_or(path));
    let there: BTreeSet<_> = names.filter(|name| !name.contains('/')).collect();
    let unlisted = there.difference(&listed).map(|name| format!("examples/{name}: put it on the ladder"));
    let gone = listed.difference(&there).map(|name| format!("examples/README.md: there is no `{name}`"));
    none(unlisted.chain(gone));
}

#[test]
fn every_promise_names_the_test_that_shows_it() {
    let readme = read("README.md");
    let tests: BTreeSet<_> = SOURCES.iter().flat_map(Source::tests).map(|(_, name)| name).collect();
    let mut promised = BTreeSet::new();
    let mut found = Vec::new();
    for (line, row) in numbered(&readme).filter(|(_, row)| row.starts_with('|')) {
        let name = row.split('|').nth(1).unwrap_or_default().trim().trim_matches('*');
        if name.strip_prefix('P').is_none_or(|digit| digit.parse::<u8>().is_err()) {
            continue;
        }
        promised.insert(name);
        let quoted = row.split('`').skip(1).step_by(2).map(|text| text.rsplit("::").next().unwrap_or(text));
        let is_test = |text: &&str| text.matches('_').count() >= 2 && text.chars().all(is_word);
        let proofs: Vec<_> = quoted.filter(is_test).collect();
        if proofs.is_empty() && !stands_in(&row.to_lowercase(), "open") {
            found.push(format!("README.md:{line}: name the test that shows {name}, or say `open`"));
        }
        for proof in proofs.into_iter().filter(|proof| !tests.contains(*proof)) {
            found.push(format!("README.md:{line}: {name} is shown by `{proof}`, and there is no such test"));
        }
    }
    let missing = (1..=8).map(|n| format!("P{n}")).filter(|name| !promised.contains(name.as_str()));
    found
        .extend(missing.filter(|_| !readme.is_empty()).map(|name| format!("README.md: no row `| {name} |`")));
    none(found);
}

#[test]
fn the_testkit_is_a_dev_dependency_by_path_alone() {
    let ours = DEPENDENCIES.iter().filter(|d| d.section == "dev-dependencies" && d.name == "skep-testkit");
    let versioned = ours.filter(|d| !d.text.contains("path") || d.text.contains("version"));
    let advice = "write { path = \"…\" }, no version and no workspace, else packaging fails";
    none(versioned.map(|d| d.place(advice)));
}

#[test]
fn every_dependency_has_its_reason() {
    let bare = DEPENDENCIES.iter().filter(|d| !d.reasoned && !d.name.starts_with("skep-"));
    let bare = bare.filter(|d| !d.text.contains("workspace = true"));
    none(bare.map(|d| d.place("say in a comment above or beside it what it is for")));
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let hosts = ["index.", "static."].map(|host| host.to_owned() + concat!("crates", ".io"));
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
    let mut found = Vec::new();
    for (path, text) in TEXTS.iter().filter(|(path, _)| !path.ends_with(".lock")) {
        for (line, text) in numbered(text) {
            let own = |at: usize| !text[..at].ends_with(|c: char| is_word(c) || c == '.' || c == '-');
            let machine = folders.iter().any(|folder| text.match_indices(folder).any(|(at, _)| own(at)));
            if machine || hosts.iter().any(|host| text.contains(host)) {
                found.push(format!("{path}:{line}: name no folder of a machine and no registry's host"));
            }
        }
    }
    none(found);
}

#[test]
fn test_names_are_sentences() {
    let mut found = Vec::new();
    for source in &*SOURCES {
        let tests =
            source.tests().into_iter().filter(|(_, name)| !name.is_empty() && name.split('_').count() < 3);
        found.extend(tests.map(|(line, name)| format!("{}:{line}: `{name}`: say what holds", source.path)));
    }
    none(found);
}

#[test]
fn comments_literals_and_test_modules_are_told_from_code() {
    let text = "a /* b /* c */ d */ e // f\n\"g\\\"h\" r#\"i\"j\"# 'k' '\\'' b'l' &'m n r#o\n#[cfg(test)]\nmod p { q }\ns";
    let words = |code: &str| code.split(|c: char| !is_word(c)).collect::<String>();
    let code = without_literals(text);
    assert_eq!(words(&code), "aemnrocfgtestmodpqs");
    assert_eq!(words(&without_tests(&code)), "aemnros");
    assert_eq!(code.lines().count(), text.lines().count());
}

/// A file of Rust: as it is, without comments and literals, and without what only tests compile.
struct Source {
    path: String,
    text: String,
    code: String,
    shipped: String,
}

impl Source {
    /// Whether this is a module's own file or stands in the folder beside it.
    fn is_of(&self, module: &str) -> bool {
        self.path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    fn is_of_runtime(&self) -> bool {
        self.path.starts_with("runtime/src/")
    }

    /// Where names stand as whole words, each with what to do there.
    fn places(&self, code: &str, names: &[&str], advice: &str) -> Vec<String> {
        let here = |(line, text)| {
            let named = names.iter().filter(move |name| stands_in(text, name));
            named.map(move |name| format!("{}:{line}: `{name}`: {advice}", self.path))
        };
        numbered(code).flat_map(here).collect()
    }

    /// The tests in it, each with its line.
    fn tests(&self) -> Vec<(usize, String)> {
        let marks = ["#[test]", "#[tokio::test", "#[skep::swarm_test", "#[swarm_test"];
        let mut marked = false;
        let test = |(line, text): (usize, &str)| {
            marked |= marks.iter().any(|mark| text.trim_start().starts_with(mark));
            let name = text.split_once("fn ").filter(|_| marked)?.1.split(|c: char| !is_word(c)).next()?;
            marked = false;
            Some((line, name.to_owned()))
        };
        numbered(&self.code).filter_map(test).collect()
    }
}

/// A dependency as its manifest's line says it.
struct Dependency {
    path: &'static str,
    line: usize,
    /// The kind of section that it stands in.
    section: String,
    name: &'static str,
    text: &'static str,
    /// A comment above or beside it, or it stands below its sibling (`serde`, `serde_json`), which has one.
    reasoned: bool,
}

impl Dependency {
    fn place(&self, advice: &str) -> String {
        format!("{}:{}: {}: {advice}", self.path, self.line, self.name)
    }
}

static DEPENDENCIES: LazyLock<Vec<Dependency>> = LazyLock::new(|| {
    let manifests = TEXTS.iter().filter(|(path, _)| path.ends_with("Cargo.toml") && !is_data(path));
    let mut found: Vec<Dependency> = Vec::new();
    for (path, text) in manifests {
        let (mut section, mut commented) = (None, false);
        for (line, text) in numbered(text) {
            if text.starts_with('[') {
                let kinds = ["dev-", "build-", "workspace.", ""].map(|kind| kind.to_owned() + "dependencies");
                section = kinds.into_iter().find(|kind| text.contains(kind));
            }
            let name = text.split(|c: char| !is_word(c) && c != '-').next().unwrap_or_default();
            if let (Some(section), false) = (section.clone(), name.is_empty()) {
                let first = |name: &'static str| name.split(['-', '_']).next();
                let sibling = found.last().filter(|last| (last.path, last.line + 1) == (path, line));
                let shared = sibling.is_some_and(|last| last.reasoned && first(last.name) == first(name));
                let reasoned = commented || text.contains(" # ") || shared;
                found.push(Dependency { path, line, section, name, text, reasoned });
            }
            commented = text.starts_with('#');
        }
    }
    found
});

/// Every readable file of the project, by its path from the root.
static TEXTS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut texts, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder that was listed can be read").flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let Ok(kind) = entry.file_type() else { continue };
            let foreign = name == "target" || name == "runs" || path.join("CACHEDIR.TAG").exists();
            if kind.is_dir() && !foreign && (!name.starts_with('.') || name == ".ci") {
                folders.push(path);
            } else if let (true, Ok(text)) = (kind.is_file() && name != ".git", fs::read_to_string(&path)) {
                let path = path.strip_prefix(root).expect("it was found below the root");
                texts.push((path.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    texts.sort();
    texts
});

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let rust = TEXTS.iter().filter(|(path, _)| path.ends_with(".rs") && !is_data(path));
    let source = |(path, text): &(String, String)| {
        let code = without_literals(text);
        let test = path.split('/').any(|part| part == "tests" || part == "tests.rs");
        let shipped = if test { String::new() } else { without_tests(&code) };
        Source { path: path.clone(), text: text.clone(), code, shipped }
    };
    rust.map(source).collect()
});

/// What a test reads as its input is no part of the code.
fn is_data(path: &str) -> bool {
    path.split('/').any(|part| part == "fixtures")
}

fn read(path: &str) -> String {
    TEXTS.iter().find(|(there, _)| there == path).map(|(_, text)| text.clone()).unwrap_or_default()
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn stands_in(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let longer_before = name.starts_with(is_word) && before.ends_with(is_word);
        let longer_after = name.ends_with(is_word) && after.starts_with(is_word);
        !longer_before && !longer_after
    })
}

/// Asserts that the shipped code of some files names none of these.
fn nowhere(these: impl Fn(&Source) -> bool, names: &[&str], advice: &str) {
    let sources = SOURCES.iter().filter(|source| these(source));
    none(sources.flat_map(|source| source.places(&source.shipped, names, advice)));
}

fn none(found: impl IntoIterator<Item = String>) {
    let found: Vec<_> = found.into_iter().collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
