//! What changed, and revisions that are not checked out.

use crate::bench::{Bench, findings};

fn repository() -> Bench {
    let bench = Bench::with_findings();
    bench.git(&["init", "-q", "-b", "main"]);
    bench.commit("one");
    bench.git(&["checkout", "-qb", "feature"]);
    bench.write("src/new.rs", "pub fn n() {\n    todo!()\n}\n");
    bench.commit("two");
    bench
}

#[test]
fn since_a_base_only_what_changed_is_reviewed_untracked_files_too() {
    let bench = repository();
    bench.write("src/untracked.rs", "pub fn u() {\n    todo!()\n}\n");
    std::fs::remove_file(bench.path("src/lib.rs")).unwrap();
    let report = bench.json(&["--base", "main"]);
    let expected = ["style/left-over-macro src/new.rs:2", "style/left-over-macro src/untracked.rs:2"];
    assert_eq!(findings(&report), expected);
    assert_eq!(report["scope"], "changed since main");
    let report = bench.json(&["src", "--base", "main"]);
    assert_eq!(findings(&report).len(), 2, "paths are relative to the folder that is reviewed");
}

#[test]
fn what_only_the_base_has_changed_meanwhile_is_not_the_branch_s() {
    let bench = repository();
    bench.git(&["checkout", "-q", "main"]);
    bench.write("src/other.rs", "pub fn o() {\n    todo!()\n}\n");
    bench.commit("three");
    bench.git(&["checkout", "-q", "feature"]);
    let report = bench.json(&["--base", "main", "--head", "feature"]);
    assert_eq!(findings(&report), ["style/left-over-macro src/new.rs:2"]);
}

#[test]
fn a_head_is_read_from_the_repository_and_not_from_the_folder() {
    let bench = repository();
    bench.write("src/lib.rs", "pub fn a() {}\n");
    bench.write("src/big.txt", "x".repeat(1_100_000));
    bench.commit("three");
    for (head, files) in [("main", 4), ("HEAD~1", 5), ("HEAD", 5)] {
        let report = bench.json(&["--head", head]);
        assert_eq!(report["files"], files, "{head}: {}", report["notes"]);
        let of_lib = findings(&report).iter().any(|found| found.contains("src/lib.rs"));
        assert_eq!(of_lib, head != "HEAD", "{head}");
    }
    assert_eq!(bench.json(&["src", "--head", "main"])["files"], 3);
    assert_eq!(bench.json(&["src/raw.rs", "--head", "main"])["files"], 1);
}

#[test]
fn a_change_of_source_without_a_change_of_tests_is_named() {
    let bench = repository();
    bench.write("Cargo.toml", "[package]\nname = \"a\"\n");
    bench.commit("a manifest");
    bench.write("src/more.rs", "pub fn f() -> u8 {\n    1\n}\n".repeat(30));
    let report = bench.json(&["--base", "HEAD"]);
    assert_eq!(findings(&report), ["tests/untested-change src/more.rs:1"]);
}

#[test]
fn revisions_that_are_not_there_and_folders_without_git_end_with_2() {
    let bench = repository();
    bench.review(&["--base", "nope"]).could_not(&["--base nope", "no such revision"]);
    bench.review(&["--head=--upload-pack=x"]).could_not(&["--head"]);
    bench.review(&["--base", "HEAD:src/lib.rs"]).could_not(&["--base", "no such revision"]);
    let plain = Bench::with_findings();
    plain.review(&["--base", "main"]).could_not(&["git repository", "leave --base and --head out"]);
}

#[test]
fn nothing_of_the_repository_is_executed() {
    let bench = repository();
    bench.write("hook.sh", "#!/bin/sh\ntouch \"$(dirname \"$0\")/executed\"\n");
    let hook = bench.path("hook.sh");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for key in ["core.fsmonitor", "diff.external"] {
        bench.git(&["config", key, &hook.display().to_string()]);
    }
    bench.json(&["--base", "main"]);
    assert!(!bench.path("executed").exists());
}
