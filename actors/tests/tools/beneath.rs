//! Files and search stay below their folder, whatever the tree and the path.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use skep_actors::tools::files::Content;
use skep_actors::tools::grep::Searched;

use crate::hand::{Rig, pipe};

/// What every file below the folder holds, and what every file elsewhere does.
const INSIDE: &str = "inside";
const OUTSIDE: &str = "OUTSIDE";

/// Trees, and paths for each that are read: some ten thousand. Every fourth is searched too.
const TREES: u32 = 260;
const PATHS: usize = 40;
const ALSO: usize = 4;

/// Something in a tree: where, among the folders that are there by then, under which name, and what.
#[derive(Clone, Debug)]
struct Node {
    folder: usize,
    name: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Folder,
    File,
    /// A symlink to one of the nodes before it.
    Link(usize),
    /// A symlink to somewhere else, one of [`leads`].
    Lead(usize),
    Pipe,
    Socket,
}

/// Names of a tree; the last is not UTF-8.
const NAMES: [&[u8]; 12] = [
    b"a",
    b"b",
    b"c",
    b"d.",
    b"...",
    b".e",
    b"-x",
    b" ",
    b"a\\b",
    "\u{e9}".as_bytes(),
    b".gitignore",
    b"\xff\xfe",
];

/// Where symlinks out of the folder lead.
fn leads(top: &Path) -> Vec<PathBuf> {
    let outside = top.join("outside");
    let up = PathBuf::from("../../../../../../../../../../../..");
    vec![
        outside.clone(),
        outside.join("secret"),
        outside.join("folder"),
        "..".into(),
        "../outside".into(),
        "../outside/secret".into(),
        "../..".into(),
        "../../outside/secret".into(),
        "/".into(),
        "/etc/passwd".into(),
        "/proc/self/environ".into(),
        "/proc/self/root".into(),
        "/dev/zero".into(),
        "self".into(),
        // A way back in: absolute, so it goes by the root of the system.
        top.join("root"),
        up.join(outside.strip_prefix("/").unwrap()),
        "./../root/../outside".into(),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let what = prop_oneof![
        4 => Just(What::Folder),
        4 => Just(What::File),
        3 => (0..20_usize).prop_map(What::Link),
        4 => (0..17_usize).prop_map(What::Lead),
        1 => Just(What::Pipe),
        1 => Just(What::Socket),
    ];
    (0..8_usize, 0..NAMES.len(), what).prop_map(|(folder, name, what)| Node { folder, name, what })
}

/// A path in parts: mostly names of the tree and what leads about.
fn path() -> impl Strategy<Value = String> {
    let name = (0..NAMES.len()).prop_map(|at| String::from_utf8_lossy(NAMES[at]).into_owned());
    let part = prop_oneof![
        8 => name,
        4 => Just("..".to_owned()),
        1 => Just(".".to_owned()),
        1 => Just(String::new()),
        1 => Just("outside".to_owned()),
        1 => Just("secret".to_owned()),
        1 => Just("root".to_owned()),
        1 => Just("n\0l".to_owned()),
        1 => Just("x".repeat(5_000)),
        1 => Just("etc/passwd".to_owned()),
        1 => ".{0,3}",
    ];
    let begin = prop_oneof![9 => Just(""), 1 => Just("/"), 1 => Just("./"), 1 => Just("<top>/")];
    let end = prop_oneof![9 => Just(""), 1 => Just("/"), 1 => Just("/.")];
    (begin, vec(part, 0..6), end).prop_map(|(begin, parts, end)| format!("{begin}{}{end}", parts.join("/")))
}

/// Makes a tree, and gives the files in it that no symlink leads to.
fn plant(top: &Path, nodes: &[Node]) -> Vec<String> {
    let root = top.join("root");
    fs::create_dir_all(top.join("outside/folder")).unwrap();
    fs::create_dir(&root).unwrap();
    for secret in ["outside/secret", "outside/folder/a", "outside/a", "secret", "a"] {
        fs::write(top.join(secret), OUTSIDE).unwrap();
    }
    let (leads, mut folders, mut made, mut files) = (leads(top), vec![root.clone()], Vec::new(), Vec::new());
    for node in nodes {
        let path = folders[node.folder % folders.len()].join(OsStr::from_bytes(NAMES[node.name]));
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match node.what {
            What::Folder => {
                fs::create_dir(&path).unwrap();
                folders.push(path.clone());
            }
            What::File => {
                fs::write(&path, INSIDE).unwrap();
                files.extend(path.strip_prefix(&root).unwrap().to_str().map(str::to_owned));
            }
            What::Link(at) if !made.is_empty() => {
                let to: &PathBuf = &made[at % made.len()];
                let up = "../".repeat(path.strip_prefix(&root).unwrap().components().count() - 1);
                symlink(Path::new(&up).join(to.strip_prefix(&root).unwrap()), &path).unwrap();
            }
            What::Link(_) => continue,
            What::Lead(at) => symlink(&leads[at % leads.len()], &path).unwrap(),
            What::Pipe => pipe(&path),
            What::Socket => drop(UnixListener::bind(&path).unwrap()),
        }
        made.push(path);
    }
    files
}

fn is_mine(content: &Content) -> bool {
    match content {
        Content::Text(text) => text == INSIDE,
        Content::Unreadable(why) => !why.contains(OUTSIDE),
        _ => false,
    }
}

fn is_my_line(searched: &Searched) -> bool {
    match searched {
        Searched::Lines(lines) => lines.iter().all(|line| line.text == INSIDE),
        Searched::Unreadable(why) => !why.contains(OUTSIDE),
        Searched::BadPattern(_) => false,
    }
}

/// Whether a listed path is that of a regular file below the folder, and no symlink lies on its way.
fn is_plain(root: &Path, path: &str) -> bool {
    let mut at = root.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let is_right = at.symlink_metadata().is_ok_and(|found| match parts.peek() {
            Some(_) => found.is_dir(),
            None => found.is_file(),
        });
        if !is_right || matches!(part, "" | "." | "..") {
            return false;
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: TREES, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outside_the_folder_is_ever_returned(
        nodes in vec(node(), 0..24),
        paths in vec(path(), PATHS),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let files = plant(&top, &nodes);
        let paths: Vec<String> = paths
            .iter()
            .map(|path| path.replace("<top>", top.to_str().unwrap()))
            .chain(files.iter().cloned())
            .collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (listing, read, looked) = runtime.block_on(async {
            let rig = Rig::at(&top.join("root")).await;
            let all: Vec<&str> = paths.iter().map(String::as_str).collect();
            let some: Vec<&str> = all[..PATHS].iter().step_by(ALSO).chain(&all[PATHS..]).copied().collect();
            let found = (rig.list().await, rig.read(&all).await, rig.look(&some).await);
            rig.ends().await;
            found
        });
        for (path, content) in paths.iter().zip(&read) {
            prop_assert!(is_mine(content), "{path:?}: {content:?}");
        }
        for (content, searched) in &looked {
            prop_assert!(is_mine(content) && is_my_line(searched), "{content:?} {searched:?}");
        }
        // What is there by its own name can be read and searched.
        let (read, looked) = (&read[PATHS..], &looked[PATHS / ALSO..]);
        for ((path, content), (_, searched)) in files.iter().zip(read).zip(looked) {
            prop_assert_eq!(content, &Content::Text(INSIDE.into()), "{}", path);
            prop_assert!(matches!(searched, Searched::Lines(lines) if lines.len() == 1), "{}", path);
        }
        for file in &listing.files {
            prop_assert!(is_plain(&top.join("root"), &file.path), "{file:?}");
        }
        for passed in &listing.passed {
            prop_assert!(!passed.why.contains(OUTSIDE), "{passed:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_regular_file_is_turned_down_and_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    pipe(&folder.path().join("pipe"));
    symlink("pipe", folder.path().join("link")).unwrap();
    drop(UnixListener::bind(folder.path().join("socket")).unwrap());
    fs::create_dir(folder.path().join("sub")).unwrap();
    pipe(&folder.path().join("sub/.gitignore"));
    pipe(&folder.path().join(".ignore"));
    fs::write(folder.path().join("sub/a"), INSIDE).unwrap();
    let rig = Rig::at(folder.path()).await;
    for (content, searched) in rig.look(&["pipe", "link", "socket", "sub", ".", "", "sub/.gitignore"]).await {
        assert!(matches!(content, Content::Unreadable(_)), "{content:?}");
        assert!(matches!(searched, Searched::Unreadable(_)), "{searched:?}");
    }
    let listing = rig.list().await;
    assert_eq!(listing.files.iter().map(|file| &*file.path).collect::<Vec<_>>(), ["sub/a"]);
    let passed: Vec<_> = listing.passed.iter().map(|passed| &*passed.path).collect();
    assert_eq!(passed, [".ignore", "pipe", "socket", "sub/.gitignore"]);
    rig.ends().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn devices_and_what_the_kernel_makes_up_are_turned_down() {
    for (root, paths) in [
        ("/", vec!["dev/zero", "dev/null", "proc/self/environ", "proc/kmsg", "sys/kernel/uevent_seqnum"]),
        ("/proc", vec!["self/status", "version", "self/root/etc/passwd", "self/cwd/Cargo.toml"]),
        ("/dev", vec!["zero", "tty", "stdin", "fd/0"]),
    ] {
        let rig = Rig::at(Path::new(root)).await;
        for (path, (content, searched)) in paths.iter().zip(rig.look(&paths).await) {
            assert!(matches!(content, Content::Unreadable(_)), "{root} {path}: {content:?}");
            assert!(matches!(searched, Searched::Unreadable(_)), "{root} {path}: {searched:?}");
        }
        rig.ends().await;
    }
    let rig = Rig::at(Path::new("/proc")).await;
    assert_eq!(rig.list().await.files, []);
    rig.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_an_ignore_file_that_is_a_symlink_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(folder.path().join("secret"), "[z-OUTSIDE-a]\n").unwrap();
    symlink("../secret", root.join(".gitignore")).unwrap();
    let rig = Rig::at(&root).await;
    let listing = rig.list().await;
    assert_eq!((listing.files.len(), listing.passed.as_slice(), listing.symlinks), (0, &[][..], 1));
    rig.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_any_size_is_searched_and_read_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let huge = fs::File::create(folder.path().join("huge")).unwrap();
    // It has holes, and takes no room.
    huge.set_len(1 << 42).unwrap();
    let rig = Rig::at(folder.path()).await;
    let (content, searched) = rig.look(&["huge"]).await.remove(0);
    assert_eq!(content, Content::TooLarge(1 << 42));
    // There is a NUL at its first byte.
    assert_eq!(searched, Searched::Lines(Vec::new()));
    rig.ends().await;
}
