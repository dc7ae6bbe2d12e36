//! Paths that are meant to lead elsewhere: no tool that a model is offered goes there, and no ceiling is left by one.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::json;
use skep_actors::tools::{BadWorkspace, Workspace};
use skep_runtime::Ceiling;

use crate::desk::{Desk, all_below};
use crate::hand::pipe;

/// A root with `src` and `secret` in it, and an outside beside it.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("root/src/a.rs", "fn inside() {}\n"),
            ("root/secret/key", "SECRET\n"),
            ("root/.git/config", "SECRET = url\n"),
            ("outside/key", "SECRET\n"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn root(&self) -> std::path::PathBuf {
        self.0.path().join("root")
    }

    /// Every path of it, and what it holds.
    fn all(&self) -> Vec<(String, Vec<u8>)> {
        fn walk(folder: &Path, all: &mut Vec<(String, Vec<u8>)>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let found = path.symlink_metadata().unwrap();
                if found.is_dir() {
                    walk(&path, all);
                } else {
                    let content = if found.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                    all.push((path.display().to_string(), content));
                }
            }
        }
        let mut all = Vec::new();
        walk(self.0.path(), &mut all);
        all.sort();
        all
    }

    fn link(&self, target: &str, at: &str) {
        symlink(target, self.root().join(at)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_leads_elsewhere_is_refused_by_every_tool_and_nothing_is_touched() {
    let tree = Tree::new();
    tree.link("../../outside", "src/out");
    tree.link("../../outside/key", "src/key");
    tree.link("/etc", "src/etc");
    tree.link("../../root/src/a.rs", "src/back");
    tree.link("nothing", "src/dangling");
    tree.link("circle", "src/circle");
    pipe(&tree.root().join("src/pipe"));
    let before = tree.all();
    let desk = Desk::with(Workspace::at(tree.root()).unwrap().writing()).await;
    let long = "x/".repeat(3_000);
    for path in [
        "..",
        "../outside/key",
        "src/../../outside/key",
        "/etc/passwd",
        "/proc/self/environ",
        "src/out",
        "src/out/key",
        "src/key",
        "src/etc/passwd",
        "src/back",
        "src/dangling",
        "src/circle",
        "src/pipe",
        "src/a.rs/x",
        "src/\0",
        ".git/config",
        ".GIT/config",
        "src/../.git/hooks/pre-commit",
        &long,
        &"n".repeat(300),
    ] {
        for (tool, arguments) in [
            ("files_read", json!({ "path": path })),
            ("files_write", json!({ "path": path, "content": "x", "make_folders": true })),
            ("files_edit", json!({ "path": path, "old": "SECRET", "new": "x" })),
            ("files_list", json!({ "folder": path })),
            ("grep", json!({ "pattern": "SECRET", "path": path })),
        ] {
            let said = desk.refuses(tool, arguments).await;
            assert!(!said.contains("SECRET") && said.lines().count() == 1, "{tool} {path:?}: {said}");
        }
        let said = desk.calls("git_diff", json!({ "path": path })).await;
        assert!(!said.text.contains("SECRET"), "{path:?}: {said:?}");
    }
    assert_eq!(tree.all(), before);
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_look_like_something_else_are_names() {
    let tree = Tree::new();
    let desk = Desk::with(Workspace::at(tree.root()).unwrap().writing()).await;
    for name in [
        "--output=x",
        "-rf",
        "-",
        "a\nb",
        "$(id)",
        "*",
        "é…\u{202e}",
        "a b",
        "...",
        "~",
        "%2e%2e",
        "C:\\x",
        ".github",
    ] {
        let wrote = desk.gives("files_write", json!({ "path": name, "content": "one\n" })).await;
        assert!(wrote.starts_with("made "), "{wrote}");
        let edited = desk.gives("files_edit", json!({ "path": name, "old": "one", "new": "two" })).await;
        assert!(edited.contains("in 1 place, the first on line 1"), "{edited}");
        assert_eq!(desk.gives("files_read", json!({ "path": name })).await, "     1\ttwo\n");
        assert_eq!(fs::read_to_string(tree.root().join(name)).unwrap(), "two\n", "{name:?}");
    }
    let listed = desk.gives("files_list", json!({})).await;
    assert!(listed.contains("a\\nb\t4\n") && listed.contains("--output=x\t4\n"), "{listed}");
    let found = desk.gives("grep", json!({ "pattern": "^two", "context": 1 })).await;
    assert!(found.contains("[13 matches in 13 files]"), "{found}");
    assert!(!found.contains("SECRET = url"), "version control's files are not searched");
    desk.ends().await;
}

/// A symlink below what is allowed that leads to what is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_on_a_folder_is_not_left_by_a_symlink_in_it() {
    let tree = Tree::new();
    tree.link("../secret", "src/folder");
    tree.link("../secret/key", "src/file");
    tree.link("../src/a.rs", "src/fine");
    let ceiling = Ceiling::new().paths([all_below(&tree.root().join("src"))]);
    let desk = Desk::below(Workspace::at(tree.root()).unwrap().writing(), ceiling).await;
    for (tool, arguments) in [
        ("files_read", json!({ "path": "src/file" })),
        ("files_read", json!({ "path": "src/folder/key" })),
        ("files_read", json!({ "path": "secret/key" })),
        ("files_write", json!({ "path": "src/folder/new", "content": "x" })),
        ("files_write", json!({ "path": "other/new", "content": "x", "make_folders": true })),
        ("files_edit", json!({ "path": "src/folder/key", "old": "S", "new": "x" })),
        ("files_list", json!({ "folder": "src/folder" })),
        ("files_list", json!({})),
        ("grep", json!({ "pattern": "SECRET", "path": "src/folder" })),
        ("grep", json!({ "pattern": "SECRET" })),
        ("git_diff", json!({})),
        ("git_log", json!({ "path": "secret" })),
    ] {
        let said = desk.refuses(tool, arguments.clone()).await;
        assert!(said.starts_with("you may not do that: "), "{tool} {arguments}: {said}");
    }
    assert_eq!(desk.gives("files_read", json!({ "path": "src/fine" })).await, "     1\tfn inside() {}\n");
    let found = desk.gives("grep", json!({ "pattern": "SECRET|inside", "path": "src" })).await;
    assert!(found.contains("src/a.rs") && !found.contains("SECRET"), "{found}");
    assert!(found.contains("[3 files: not searched: symlinks"), "{found}");
    desk.gives("files_write", json!({ "path": "src/x/y", "content": "", "make_folders": true })).await;
    assert!(tree.root().join("src/x/y").exists() && !tree.root().join("secret/new").exists());
    assert_eq!(fs::read_to_string(tree.root().join("secret/key")).unwrap(), "SECRET\n");
    desk.ends().await;
}

/// Between what is permitted and what is done a link is put in the way, over and over.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ceiling_is_not_left_by_a_symlink_that_is_swapped_in_after_the_permission() {
    let tree = Tree::new();
    fs::create_dir(tree.root().join("src/at")).unwrap();
    fs::write(tree.root().join("src/at/key"), "inside\n").unwrap();
    tree.link("../secret", "src/link");
    let src = tree.root().join("src");
    let desk =
        Desk::below(Workspace::at(tree.root()).unwrap().writing(), Ceiling::new().paths([all_below(&src)]))
            .await;
    let swapping = crate::races::Swapping::begin(&src.join("at"), &[&src.join("link")]);
    let mut was_inside = 0;
    for number in 0..300 {
        let read = desk.calls("files_read", json!({ "path": "src/at/key" })).await;
        assert!(!read.text.contains("SECRET"), "{read:?}");
        was_inside += usize::from(read.text.contains("inside"));
        desk.calls("files_write", json!({ "path": format!("src/at/new{number}"), "content": "x" })).await;
        desk.calls("files_edit", json!({ "path": "src/at/key", "old": "SECRET", "new": "x" })).await;
        let found = desk.calls("grep", json!({ "pattern": ".", "path": "src/at" })).await;
        assert!(!found.text.contains("SECRET"), "{found:?}");
    }
    drop(swapping);
    assert!(was_inside > 0, "it was a folder now and then");
    let secret: Vec<_> =
        fs::read_dir(tree.root().join("secret")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(secret, ["key"], "something was written where it may not be");
    assert_eq!(fs::read_to_string(tree.root().join("secret/key")).unwrap(), "SECRET\n");
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_whole_keeps_its_mode_and_is_not_written_through() {
    let tree = Tree::new();
    let (file, twin) = (tree.root().join("src/a.rs"), tree.root().join("twin"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o4750)).unwrap();
    fs::hard_link(&file, &twin).unwrap();
    let desk = Desk::with(Workspace::at(tree.root()).unwrap().writing()).await;
    desk.gives("files_write", json!({ "path": "src/a.rs", "content": "new" })).await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o750, "nobody runs it as somebody else");
    assert_eq!(
        fs::read_to_string(&twin).unwrap(),
        "fn inside() {}\n",
        "another name of it is another file now"
    );
    for (arguments, why) in [
        (json!({ "path": "no/folder", "content": "x" }), "make_folders"),
        (json!({ "path": "src", "content": "x" }), "folder"),
        (json!({ "path": "", "content": "x" }), "root"),
        (json!({ "path": "nul", "content": "a\0b" }), "NUL"),
        (json!({ "path": "large", "content": "x".repeat(17 << 20) }), "too many"),
    ] {
        let said = desk.refuses("files_write", arguments).await;
        assert!(said.contains(why), "{said}");
    }
    fs::write(tree.root().join("binary"), b"a\0b").unwrap();
    assert!(
        desk.refuses("files_edit", json!({ "path": "binary", "old": "a", "new": "c" }))
            .await
            .contains("not text")
    );
    assert!(desk.refuses("files_read", json!({ "path": "binary" })).await.contains("not text"));
    let left: Vec<_> = tree.all().into_iter().filter(|(path, _)| path.ends_with(".tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_kernel_makes_up_is_no_workspace_and_no_file_of_one() {
    assert!(matches!(Workspace::at("/proc"), Err(BadWorkspace::Root { .. })));
    assert!(matches!(Workspace::at("/nowhere/at/all"), Err(BadWorkspace::Root { .. })));
    let desk = Desk::with(Workspace::at("/").unwrap().reading()).await;
    for path in ["proc/self/environ", "sys/kernel/uevent_seqnum", "dev/zero", "dev/null"] {
        if Path::new("/").join(path).exists() {
            desk.refuses("files_read", json!({ "path": path })).await;
        }
    }
    desk.ends().await;
}
