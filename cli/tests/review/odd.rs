//! Files and folders as they are found: each a clear line, and the rest is reviewed.

use crate::bench::{Bench, findings, why};

#[test]
fn files_that_cannot_be_reviewed_are_named_and_the_others_are() {
    let bench = Bench::with_findings();
    bench.write("logo.png", b"\x89PNG\0\0");
    bench.write("src/latin.rs", b"// caf\xe9\n");
    bench.write("dump.txt", "x y z\n".repeat(200_000));
    let report = bench.json(&[]);
    assert_eq!(why(&report, "logo.png"), "binary (NUL at byte 4): skipped");
    assert_eq!(why(&report, "src/latin.rs"), "not UTF-8 from byte 6 on: skipped");
    assert_eq!(why(&report, "dump.txt"), "larger than 1 MiB (1.1 MiB): searched for known keys only");
    assert_eq!((report["files"].as_u64(), findings(&report).len()), (Some(4), 4));
    assert_eq!(report["complete"], true);
}

#[test]
fn a_key_in_a_file_that_is_too_large_to_review_is_found() {
    let bench = Bench::new();
    let key = concat!("AKIA", "Q3EGVB7XNTPLWZ5M");
    bench.write(
        "dump.json",
        format!("{}\"key\": \"{key}\"\n{}", "[1, 2],\n".repeat(100_000), "[3],\n".repeat(100_000)),
    );
    let report = bench.json(&[]);
    assert_eq!(findings(&report), ["security/known-token dump.json:100001"]);
    assert!(!report.to_string().contains(key));
}

#[cfg(unix)]
#[test]
fn symlinks_are_not_followed_and_loops_are_named() {
    use std::os::unix::fs::symlink;
    let bench = Bench::with_findings();
    symlink("..", bench.path("src/up")).unwrap();
    symlink("lib.rs", bench.path("src/again.rs")).unwrap();
    let report = bench.json(&[]);
    assert!(why(&report, "src/up").starts_with("symlink loop"), "{}", report["notes"]);
    assert_eq!(why(&report, ""), "1 symlink is not followed");
    assert_eq!(report["files"], 4);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_a_line_and_a_folder_that_cannot_be_written_is_reviewed() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::with_findings();
    let closed = bench.path("src/closed.rs");
    bench.write("src/closed.rs", "fn a() {}\n");
    std::fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    std::fs::set_permissions(bench.path("src"), Permissions::from_mode(0o555)).unwrap();
    let report = bench.json(&[]);
    // Who may read everything reads this one too.
    match std::fs::read(&closed) {
        Err(_) => {
            assert!(why(&report, "src/closed.rs").starts_with("cannot be read"), "{}", report["notes"]);
            is_incomplete(&bench, &report);
        }
        Ok(_) => assert_eq!(report["files"], 5),
    }
    assert_eq!(findings(&report).len(), 4);
    std::fs::set_permissions(bench.path("src"), Permissions::from_mode(0o755)).unwrap();
}

/// A review that could not read everything says so, and a gate does not let it pass.
fn is_incomplete(bench: &Bench, report: &serde_json::Value) {
    assert_eq!((&report["complete"], &report["unread"]), (&false.into(), &1.into()), "{}", report["notes"]);
    let text = bench.review(&["--fail-on", "critical"]);
    assert_eq!(text.code, Some(1));
    assert!(text.out.contains("The review is incomplete: 1 path could not be read"), "{}", text.out);
    assert_eq!(bench.review(&[]).code, Some(0), "who asks for no gate gets none");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_name_or_bytes_nobody_can_read_makes_the_review_incomplete() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let bench = Bench::with_findings();
    let name = OsStr::from_bytes(b"caf\xe9.rs");
    std::fs::write(bench.path("src").join(name), "fn a() {}\n").unwrap();
    let report = bench.json(&[]);
    is_incomplete(&bench, &report);
}

#[test]
fn what_others_wrote_is_left_out_and_said() {
    let bench = Bench::with_findings();
    for path in
        ["vendor/a/b.rs", "web/node_modules/c.js", "target/debug/d.rs", "third_party/e.rs", "dist/f.js"]
    {
        bench.write(path, "pub fn a() {\n    todo!()\n}\n");
    }
    bench.write("vendor/a/c.rs", "pub fn a() {\n    todo!()\n}\n");
    let report = bench.json(&[]);
    assert_eq!((report["files"].as_u64(), findings(&report).len()), (Some(4), 4));
    assert_eq!(why(&report, "vendor/"), "vendored (below `vendor/`): skipped, 2 files");
    assert_eq!(why(&report, "target/"), "built (below `target/`): skipped, 1 file");
    assert_eq!(report["complete"], true);
}

#[test]
fn each_language_says_what_was_judged_of_it() {
    let bench = Bench::with_findings();
    bench.write("app/main.go", "package main\n");
    bench.write("app/main.rb", "puts 1\n");
    bench.write("app/main.py", "print(1)\n");
    let report = bench.json(&[]);
    let judged = |name: &str| {
        let languages = report["languages"].as_array().unwrap();
        languages.iter().find(|judged| judged["language"] == name).unwrap().clone()
    };
    assert_eq!((&judged("Rust")["by"], &judged("Rust")["files"]), (&"tree".into(), &4.into()));
    for name in ["Go", "Python"] {
        assert_eq!(
            (&judged(name)["by"], &judged(name)["without"]),
            (&"lines".into(), &serde_json::json!([]))
        );
    }
    assert_eq!((&judged("Ruby")["by"], &judged("Ruby")["rules"]), (&"any_text".into(), &0.into()));
    let text = bench.review(&[]).out;
    assert!(text.contains("1 file: no rules for Ruby here"), "{text}");
}

#[test]
fn of_a_file_alone_nothing_beside_it_is_looked_at() {
    let bench = Bench::with_findings();
    for number in 0..300 {
        bench.write(&format!("src/many/f{number}.rs"), "pub fn a() {}\n");
    }
    let alone = bench.json(&["src/raw.rs"]);
    assert_eq!(alone["files"], 1);
    // Who lists a folder is billed for it.
    let lead = |report: &serde_json::Value| {
        let of = |cost: &serde_json::Value| cost["tool_calls"].as_u64().unwrap();
        of(&report["cost"]) - report["cost"]["children"].as_array().unwrap().iter().map(of).sum::<u64>()
    };
    assert_eq!(lead(&alone) + 1, lead(&bench.json(&["src"])), "{}", alone["cost"]);
}

#[test]
fn a_file_alone_an_empty_folder_and_no_path_at_all() {
    let bench = Bench::with_findings();
    let report = bench.json(&["src/raw.rs"]);
    assert_eq!(findings(&report), ["security/unsafe-without-reason raw.rs:2"]);
    bench.write(".gitignore", "raw.rs\n");
    assert_eq!(bench.json(&["src/raw.rs"])["files"], 1, "a file that was named is meant");
    std::fs::create_dir(bench.path("empty")).unwrap();
    let report = bench.json(&["empty"]);
    assert_eq!((why(&report, ""), &report["complete"]), ("there are no files to review", &true.into()));
    bench.review(&["none"]).could_not(&["PATH none", "give an existing folder or file"]);
}

#[test]
fn without_git_installed_the_whole_tree_is_reviewed_and_a_base_is_refused() {
    let bench = Bench::with_findings();
    let without = |arguments: &[&str]| {
        let output = bench.command(arguments).env("PATH", "").output().unwrap();
        crate::bench::Ran::of(&output)
    };
    let ran = without(&["--format", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("git is not installed: the whole tree"), "{}", ran.out);
    without(&["--base", "main"]).could_not(&["git is not installed", "--base"]);
}
