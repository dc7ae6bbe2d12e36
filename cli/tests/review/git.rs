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
    // One that is gone and looks like none of the new ones: else it would be one that has moved.
    std::fs::remove_file(bench.path("src/raw.rs")).unwrap();
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
fn of_a_changed_file_only_what_the_change_touches_is_reported_unless_all_of_it_is_wanted() {
    let bench = Bench::new();
    bench.write("src/lib.rs", "pub fn a() {\n    todo!()\n}\npub fn b() -> u8 {\n    1\n}\n");
    bench.git(&["init", "-q", "-b", "main"]);
    bench.commit("one");
    bench.write("src/lib.rs", "pub fn a() {\n    todo!()\n}\npub fn b() -> u8 {\n    dbg!(1)\n}\n");
    assert_eq!(findings(&bench.json(&["--base", "main"])), ["style/left-over-macro src/lib.rs:5"]);
    let whole = bench.json(&["--base", "main", "--whole-files"]);
    assert_eq!(
        findings(&whole),
        ["style/left-over-macro src/lib.rs:2", "style/left-over-macro src/lib.rs:5"]
    );
    // A change that was committed is one too, and of a revision that is not checked out.
    bench.commit("two");
    for head in [&["--base", "HEAD~1"][..], &["--base", "HEAD~1", "--head", "HEAD"]] {
        assert_eq!(findings(&bench.json(head)), ["style/left-over-macro src/lib.rs:5"], "{head:?}");
    }
}

#[test]
fn what_a_change_brings_about_counts_also_where_its_place_is_an_old_line() {
    let bench = Bench::new();
    let code = |waits: &str| {
        format!("pub async fn f(m: &M) {{\n    let all = m.lock().unwrap();\n    g(&all){waits};\n}}\n")
    };
    let test = |body: &str| format!("#[test]\nfn adds() {{\n    let sum = 1 + 2;\n{body}}}\n");
    bench.write("src/lib.rs", code(""));
    bench.write("tests/t.rs", test("    assert_eq!(sum, 3);\n"));
    bench.git(&["init", "-q", "-b", "main"]);
    bench.commit("one");
    bench.write("src/lib.rs", code(".await"));
    bench.write("tests/t.rs", test(""));
    let expected = ["performance/lock-across-await src/lib.rs:2", "tests/no-assertion tests/t.rs:2"];
    assert_eq!(findings(&bench.json(&["--base", "main"])), expected);
}

#[test]
fn a_file_that_moved_is_touched_where_it_is_not_what_it_was() {
    let bench = Bench::new();
    let old = "pub fn a() {\n    todo!()\n}\n".to_owned() + &"pub fn b() -> u8 {\n    1\n}\n".repeat(20);
    bench.write("src/old name.rs", &old);
    bench.git(&["init", "-q", "-b", "main"]);
    bench.commit("one");
    bench.git(&["mv", "src/old name.rs", "src/new name.rs"]);
    assert_eq!(findings(&bench.json(&["--base", "main"])), [""; 0]);
    bench.write("src/new name.rs", old + "pub fn c() {\n    dbg!(1);\n}\n");
    assert_eq!(findings(&bench.json(&["--base", "main"])), ["style/left-over-macro src/new name.rs:65"]);
    assert_eq!(findings(&bench.json(&["src/new name.rs", "--base", "main"])).len(), 1);
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
    plain.review(&["--base", "main"]).could_not(&["git repository", "leave out --base and --head"]);
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
