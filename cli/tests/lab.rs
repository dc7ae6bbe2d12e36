//! `skep lab`: example swarms under faults, failures as folders, and the same failure again.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "the command is a process")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn skep(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    let output = command.arg("lab").args(arguments).env_remove("SKEP_SHRINK").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn an_example_holds_under_every_preset_and_the_table_says_so() {
    let ran = skep(&["run", "--seeds", "3", "--seed-from", "7"]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{}", ran.out);
    let rows: Vec<Vec<_>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..3], ["preset", "seeds", "failures"]);
    assert_eq!(rows.len(), 9, "{}", ran.out);
    assert!(rows[1..].iter().all(|row| row[1..3] == ["3", "0"]), "{}", ran.out);
    let row = |name: &str| rows.iter().find(|row| row[0] == name).unwrap();
    assert_ne!(
        (row("restart-storm")[3], row("restart-storm")[4]),
        ("0", "0"),
        "faults, and restarts by them"
    );
}

#[test]
fn a_failure_is_told_kept_and_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let ran = skep(&["run", "--swarm", "till", "--preset", "restart-storm", "--seeds", "20", "--out", out]);
    assert_eq!((ran.code, &*ran.err), (Some(1), ""), "{}", ran.out);
    assert!(
        ran.out.contains("has charged order") && ran.out.contains("rules shrunk to 1 rule"),
        "{}",
        ran.out
    );
    let command = ran.out.lines().find_map(|line| line.trim().strip_prefix("skep lab replay ")).unwrap();
    let plan = PathBuf::from(command);
    assert!(plan.starts_with(folder.path().join("restart-storm").join("till")));
    for _ in 0..2 {
        let again = skep(&["replay", command]);
        assert_eq!(again.code, Some(1), "{}", again.out);
        assert!(again.out.contains("all as recorded"), "{}", again.out);
    }
    // Any plan may be run, so too the one that was shrunk; without its rules it holds.
    let same = skep(&["run", "--swarm", "till", "--plan", command, "--seeds", "1", "--out", out]);
    assert_eq!(same.code, Some(1), "{}", same.out);
    let sound = folder.path().join("sound.json");
    fs::write(&sound, r#"{"test": "till", "seed": 3, "plan": {"rules": []}}"#).unwrap();
    let holds = skep(&["replay", sound.to_str().unwrap()]);
    assert_eq!((holds.code, &*holds.out), (Some(0), "till with seed 3 passes now\n"), "{}", holds.err);
}

#[test]
fn what_cannot_be_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let foreign = file("foreign.json", r#"{"test": "shop::no_order", "seed": 3, "plan": {"rules": []}}"#);
    let odd = file("odd.json", r#"{"rules": [{"phase": "effect"}]}"#);
    let rules = file("rules.json", r#"{"rules": [{"phase": "turn", "nth": 1, "action": "panic"}]}"#);
    for (arguments, words) in [
        (vec!["replay", "none.json"], vec!["skep lab replay: none.json"]),
        (vec!["replay", &foreign], vec!["shop::no_order", "SKEP_PLAN=", "cargo test no_order"]),
        (vec!["replay", &odd], vec!["odd.json", "a recipe is the plan.json"]),
        (vec!["run", "--plan", &odd], vec!["--plan", "odd.json", "action"]),
        (vec!["run", "--seeds", "0"], vec!["--seeds"]),
    ] {
        let ran = skep(&arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.out);
        assert!(words.iter().all(|word| ran.err.contains(word)), "{arguments:?}: {}", ran.err);
    }
    let ran = skep(&["run", "--plan", &rules, "--seeds", "2"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}
