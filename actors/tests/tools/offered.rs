//! The tools that models are offered, at work.

use std::fs;

use serde_json::json;
use skep_actors::tools::Workspace;

use crate::desk::Desk;
use crate::hostile::Planted;

#[tokio::test(flavor = "multi_thread")]
async fn files_are_listed_read_and_searched_with_what_was_left_out_said() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..30 {
        fs::write(folder.path().join(format!("{number:02}.txt")), "hay\nneedle\nhay\nhay\nneedle\n").unwrap();
    }
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/a.rs"), "fn needle() {}\n").unwrap();
    fs::write(folder.path().join("sub/b.bin"), b"needle\n\0needle\n").unwrap();
    fs::write(folder.path().join(".gitignore"), "ignored\n").unwrap();
    fs::write(folder.path().join("ignored"), "needle\n").unwrap();
    let workspace = Workspace::at(folder.path()).unwrap();
    let names: Vec<_> = workspace.writing().names().map(str::to_owned).collect();
    assert_eq!(
        names,
        [
            "files_edit",
            "files_list",
            "files_read",
            "files_write",
            "git_changed",
            "git_diff",
            "git_log",
            "git_show",
            "git_status",
            "grep"
        ]
    );
    let desk = Desk::with(workspace.reading()).await;
    let listed = desk.gives("files_list", json!({ "glob": "*.txt", "most": 2 })).await;
    assert_eq!(
        listed,
        "00.txt\t26\n01.txt\t26\n[28 files more; name a folder below or a glob to see them]\n"
    );
    let listed = desk.gives("files_list", json!({ "folder": "sub" })).await;
    assert_eq!(listed, "sub/a.rs\t15\nsub/b.bin\t15\n");
    assert_eq!(desk.gives("files_list", json!({ "glob": "*.py" })).await, "[no file]\n");
    let read = desk.gives("files_read", json!({ "path": "00.txt", "offset": 2, "limit": 1 })).await;
    assert_eq!(read, "     2\tneedle\n[lines 2 to 2 of 5; go on with offset 3]\n");
    let found =
        desk.gives("grep", json!({ "pattern": "need", "most": 3, "context": 1, "glob": "*.txt" })).await;
    let first = "1- hay\n2: needle\n3- hay\n4- hay\n5: needle\n";
    assert!(found.starts_with(&format!("00.txt\n{first}01.txt\n1- hay\n2: needle\n")), "{found}");
    assert!(found.contains("[the first 3 matches;") && found.contains("[28 files: not searched"), "{found}");
    let found = desk.gives("grep", json!({ "pattern": "NEEDLE", "ignore_case": true, "path": "sub" })).await;
    assert!(found.starts_with("sub/a.rs\n1: fn needle() {}\n"), "{found}");
    assert!(found.contains("[1 file: no text, or not to the end]"), "{found}");
    assert!(desk.gives("grep", json!({ "pattern": "nothing like it" })).await.starts_with("[no match]"));
    for (tool, arguments) in [
        ("grep", json!({ "pattern": "(" })),
        ("grep", json!({ "pattern": "a{1000}{1000}{1000}" })),
        ("grep", json!({ "pattern": "a", "glob": "[z-a]" })),
        ("files_read", json!({ "path": "gone" })),
        ("files_read", json!({ "path": "00.txt", "offset": 0 })),
        ("files_read", json!({})),
        ("files_list", json!({ "folder": "00.txt" })),
        ("files_read", json!({ "path": "00.txt", "other": 1 })),
    ] {
        desk.refuses(tool, arguments).await;
    }
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_and_a_large_answer_are_given_as_far_as_a_model_reads() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("large"), "0123456789abcdef\n".repeat(100_000)).unwrap();
    fs::write(folder.path().join("larger"), vec![b'x'; 17 << 20]).unwrap();
    let desk = Desk::with(Workspace::at(folder.path()).unwrap().reading()).await;
    let read = desk.calls("files_read", json!({ "path": "large", "limit": 100_000 })).await;
    assert!(
        read.cut == 0 && read.text.len() <= 65_536 && read.text.contains("of 100000; go on with offset"),
        "{}",
        read.cut
    );
    assert!(desk.refuses("files_read", json!({ "path": "larger" })).await.contains("search in it instead"));
    let found = desk.calls("grep", json!({ "pattern": "0", "path": "large", "most": 100_000 })).await;
    assert!(found.cut == 0 && found.text.len() <= 65_536 && found.text.contains("there may be more"));
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_one_file_that_are_made_side_by_side_all_land() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..16).map(|number| format!("line <{number}>\n")).collect();
    fs::write(folder.path().join("a"), lines).unwrap();
    let workspace = Workspace::at(folder.path()).unwrap();
    let mut desks = Vec::new();
    for _ in 0..16 {
        desks.push(Desk::with(workspace.writing()).await);
    }
    let edits = desks.iter().enumerate().map(|(number, desk)| {
        desk.gives("files_edit", json!({ "path": "a", "old": format!("<{number}>"), "new": "done" }))
    });
    futures_util::future::join_all(edits).await;
    assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "line done\n".repeat(16));
    let said = desks[0].refuses("files_edit", json!({ "path": "a", "old": "done", "new": "x" })).await;
    assert!(said.contains("16 places"), "{said}");
    for desk in desks {
        desk.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_answers_what_it_is_asked_below_the_root_and_runs_nothing_of_the_repository() {
    let planted = Planted::with(&[("sub/.gitattributes", "* filter=evil diff=evil\n"), ("mine", "one\n")]);
    let trap = planted.trap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "gpg.program",
    ] {
        planted.git(&["config", key, &trap]);
    }
    planted.git(&["config", "log.showSignature", "true"]);
    planted.git(&["config", "color.ui", "always"]);
    planted.git(&["config", "status.relativePaths", "false"]);
    planted.write(&[("a", "changed outside\n"), ("sub/b", "changed inside\n"), ("sub/new file", "")]);
    let desk = Desk::with(Workspace::at(planted.path().join("sub")).unwrap().reading()).await;
    let status = desk.gives("git_status", json!({})).await;
    assert!(
        status.contains("## main") && status.contains(" M b\n") && status.contains("?? \"new file\"\n"),
        "{status}"
    );
    let diff = desk.gives("git_diff", json!({})).await;
    assert!(
        diff.contains("+changed inside") && !diff.contains("outside") && diff.contains("a/b b/b"),
        "{diff}"
    );
    assert_eq!(desk.gives("git_diff", json!({ "path": ".gitattributes" })).await, "[nothing]");
    assert_eq!(desk.gives("git_changed", json!({})).await, "b\nnew file");
    let log = desk.gives("git_log", json!({})).await;
    assert!(log.ends_with(" a: one\n") && log.lines().count() == 1, "{log}");
    let show = desk.gives("git_show", json!({ "revision": "HEAD", "path": "b" })).await;
    assert!(show.contains("+two") && !show.contains("mine"), "{show}");
    for revision in ["--output=x", "-h", "HEAD:b", "HEAD..HEAD", "--all", "n\0l", "gone", ""] {
        for tool in ["git_show", "git_log"] {
            let said = desk.refuses(tool, json!({ "revision": revision })).await;
            assert!(said.starts_with("git: "), "{tool} {revision:?}: {said}");
        }
        desk.refuses("git_diff", json!({ "base": revision, "head": "HEAD" })).await;
    }
    for path in ["--output=x", ":(top)a", ":!b", "*"] {
        assert_eq!(desk.gives("git_diff", json!({ "path": path })).await, "[nothing]", "{path}");
    }
    assert!(!planted.mark().exists(), "something was executed");
    assert_eq!(fs::read_dir(planted.path().join("sub")).unwrap().count(), 3, "nothing was written");
    desk.ends().await;
    let bare = tempfile::tempdir().unwrap();
    let desk = Desk::with(Workspace::at(bare.path()).unwrap().reading()).await;
    assert!(desk.refuses("git_status", json!({})).await.contains("not a git repository"));
    desk.ends().await;
}
