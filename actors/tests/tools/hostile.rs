//! Repositories that want something executed or written, and revisions that look like options.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use skep_actors::tools::files::Content;
use skep_actors::tools::git::Repository;

use crate::hand::{Found, Job, Rig};

/// A repository with one commit: `a`, `sub/b`, and whatever else is written before it.
pub(crate) struct Planted {
    folder: tempfile::TempDir,
}

impl Planted {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let planted = Self { folder: tempfile::tempdir().unwrap() };
        planted.git(&["init", "-q", "-b", "main"]);
        planted.write(&[("a", "one"), ("sub/b", "two")]);
        planted.write(files);
        planted.git(&["add", "-A"]);
        planted.git(&["commit", "-qm", "one"]);
        planted
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    pub(crate) fn write(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    /// A command that leaves a mark.
    pub(crate) fn trap(&self) -> String {
        let path = self.folder.path().join("trap");
        let script = format!("#!/bin/sh\ntouch '{}'\ncat\n", self.mark().display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    pub(crate) fn mark(&self) -> PathBuf {
        self.folder.path().join("mark")
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    fs::create_dir_all(folder).unwrap();
    let mut git = Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]).args(arguments);
    let ended = git.current_dir(folder).output().unwrap();
    assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

/// Everything that git is asked.
async fn everything(rig: &Rig) -> Vec<Found> {
    let mut found = Vec::new();
    for job in [
        Job::Repository,
        Job::Resolve("HEAD".into()),
        Job::Changed("HEAD".into(), None),
        Job::Changed("HEAD".into(), Some("HEAD".into())),
        Job::Tree("HEAD".into()),
        Job::Blobs("HEAD".into(), String::new(), vec!["a".into(), "sub/b".into()]),
    ] {
        found.push(rig.does(job).await);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_looks_like_an_option_is_none() {
    let planted = Planted::with(&[]);
    let rig = Rig::at(&planted.path()).await;
    let target = planted.folder.path().join("written");
    let written = target.display().to_string();
    for revision in [
        format!("--output={written}"),
        format!("-o{written}"),
        "-h".into(),
        "--".into(),
        "--all".into(),
        "--stdin".into(),
        "--git-dir=/".into(),
        "--no-index".into(),
        "--ext-diff".into(),
        "^HEAD".into(),
        "HEAD..HEAD".into(),
        "HEAD\n--all".into(),
        "HEAD --".into(),
        "HEAD:".into(),
        "HEAD:../x".into(),
        "n\0l".into(),
        String::new(),
        "x".repeat(300_000),
    ] {
        let paths = vec!["a".to_owned()];
        for job in [
            Job::Resolve(revision.clone()),
            Job::Changed(revision.clone(), None),
            Job::Changed("HEAD".into(), Some(revision.clone())),
            Job::Changed(revision.clone(), Some(revision.clone())),
        ] {
            let found = rig.does(job.clone()).await;
            let is_refused = matches!(&found, Found::Text(Err(_)) | Found::Paths(Err(_)));
            // `HEAD:` is a tree, and can be compared with.
            assert!(is_refused || revision == "HEAD:", "{job:?}: {found:?}");
        }
        for job in [Job::Tree(revision.clone()), Job::Blobs(revision.clone(), String::new(), paths)] {
            let found = rig.does(job.clone()).await;
            let is_refused = matches!(&found, Found::Contents(Err(_)) | Found::Paths(Err(_)));
            assert!(is_refused || revision == "HEAD:", "{job:?}: {found:?}");
        }
    }
    assert!(!target.exists());
    let left = fs::read_dir(planted.folder.path()).unwrap().count();
    assert_eq!(left, 1, "nothing was written beside the repository");
    assert_eq!(planted.git(&["status", "--porcelain"]), "", "nor in it");
    rig.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_repository_names_is_executed() {
    let attributes = "* filter=evil diff=evil\n";
    let planted = Planted::with(&[(".gitattributes", attributes), ("nested/.gitkeep", "")]);
    let trap = planted.trap();
    // A repository within, which git would look into with the settings that it has itself.
    git(&planted.path().join("nested/module"), &["init", "-q"]);
    git(&planted.path().join("nested/module"), &["commit", "-q", "--allow-empty", "-m", "x"]);
    planted.git(&["-c", "advice.addEmbeddedRepo=false", "add", "nested/module"]);
    planted.git(&["commit", "-qm", "two"]);
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.askPass",
        "core.alternateRefsCommand",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "filter.evil.required",
        "filter.a.b=c.clean",
        "gpg.program",
        "credential.helper",
        "pager.diff",
        "pager.ls-tree",
        "interactive.diffFilter",
        "uploadpack.packObjectsHook",
    ] {
        let value = if key.ends_with("required") { "true" } else { &trap };
        if key.contains('=') {
            // The command cannot say it, and the file can.
            let config = planted.path().join(".git/config");
            let before = fs::read_to_string(&config).unwrap();
            fs::write(config, format!("{before}\n[filter \"a.b=c\"]\n\tclean = {trap}\n")).unwrap();
            continue;
        }
        planted.git(&["config", key, value]);
        git(&planted.path().join("nested/module"), &["config", key, value]);
    }
    fs::write(planted.path().join(".git/info/attributes"), "sub/* filter=a.b=c\n").unwrap();
    for hooks in [".git/hooks", "hooks"] {
        for hook in ["post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman"] {
            planted.write(&[(&format!("{hooks}/{hook}"), "")]);
            fs::copy(&trap, planted.path().join(hooks).join(hook)).unwrap();
        }
    }
    planted.git(&["config", "core.hooksPath", "hooks"]);
    // Of the same size, so that only its content tells.
    planted.write(&[("a", "eno"), ("sub/b", "owt"), ("nested/module/new", "")]);
    fs::remove_file(planted.mark()).ok();
    let rig = Rig::at(&planted.path()).await;
    let found = everything(&rig).await;
    assert!(!planted.mark().exists(), "something was executed");
    let Found::Paths(Ok(changed)) = &found[2] else { panic!("{:?}", found[2]) };
    assert!(["a", "sub/b"].iter().all(|path| changed.iter().any(|there| there == path)), "{changed:?}");
    rig.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_missing_is_not_fetched_by_a_command() {
    let planted = Planted::with(&[]);
    let trap = planted.trap();
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", &format!("ext::{trap}")),
        ("remote.origin.uploadpack", &trap),
        ("protocol.ext.allow", "always"),
        ("protocol.allow", "always"),
    ] {
        planted.git(&["config", key, value]);
    }
    let blob = planted.git(&["rev-parse", "HEAD:a"]);
    fs::remove_file(planted.path().join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    planted.write(&[("a", "else")]);
    let rig = Rig::at(&planted.path()).await;
    everything(&rig).await;
    assert!(!planted.mark().exists(), "something was executed");
    rig.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_look_like_a_repository_are_none() {
    let planted = Planted::with(&[]);
    let trap = planted.trap();
    let bare = planted.path().join("bare");
    git(&bare, &["init", "-q", "--bare"]);
    git(&bare, &["config", "core.bare", "false"]);
    git(&bare, &["config", "core.worktree", ".."]);
    git(&bare, &["config", "core.fsmonitor", &trap]);
    let rig = Rig::at(&bare).await;
    let found = everything(&rig).await;
    assert!(matches!(found[0], Found::Repository(Repository::None(_))), "{:?}", found[0]);
    assert!(!planted.mark().exists(), "something was executed");
    rig.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_folder_of_a_repository_nothing_of_the_rest_is_listed_or_read() {
    let planted = Planted::with(&[("sub/-x", "three"), ("sub/a b", "four")]);
    planted.write(&[("a", "changed"), ("sub/b", "changed"), ("new", ""), ("sub/new", "")]);
    let rig = Rig::at(&planted.path().join("sub")).await;
    assert_eq!(rig.does(Job::Repository).await, Found::Repository(Repository::Here("sub/".into())));
    let changed = Found::Paths(Ok(vec!["b".into(), "new".into()]));
    assert_eq!(rig.does(Job::Changed("HEAD".into(), None)).await, changed);
    let listed = Found::Paths(Ok(vec!["-x".into(), "a b".into(), "b".into()]));
    assert_eq!(rig.does(Job::Tree("HEAD".into())).await, listed);
    let paths: Vec<String> =
        ["b", "../a", "/a", "", ".", "./b", "x/../../a", "b\n../a", "-x", "a b", "n\0l", "b/", "sub/b"]
            .map(str::to_owned)
            .to_vec();
    let asked = Job::Blobs("HEAD".into(), "sub/".into(), paths.clone());
    let Found::Contents(Ok(contents)) = rig.does(asked).await else { panic!() };
    let read: Vec<_> = contents.iter().map(|content| matches!(content, Content::Text(_))).collect();
    let expected: Vec<_> = paths.iter().map(|path| ["b", "-x", "a b"].contains(&&**path)).collect();
    assert_eq!(read, expected, "{contents:?}");
    assert_eq!((&contents[0], &contents[8]), (&Content::Text("two".into()), &Content::Text("three".into())));
    // Where the folder lies is not the caller's to say.
    for prefix in ["", "/", "../", "sub", "sub/../", "other/"] {
        let found = rig.does(Job::Blobs("HEAD".into(), prefix.into(), vec!["a".into()])).await;
        assert!(matches!(found, Found::Contents(Err(_))), "{prefix:?}: {found:?}");
    }
    rig.ends().await;
}

/// What the test below looks at when it runs once more, under a hostile environment.
const INNER: &str = "SKEP_TEST_FOLDER";

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_does_not_say_which_repository_it_is() {
    if let Ok(folder) = std::env::var(INNER) {
        let rig = Rig::at(Path::new(&folder)).await;
        let found = everything(&rig).await;
        assert_eq!(found[0], Found::Repository(Repository::Here(String::new())));
        assert_eq!(found[4], Found::Paths(Ok(vec!["a".into(), "sub/b".into()])));
        rig.ends().await;
        return;
    }
    let planted = Planted::with(&[]);
    let trap = planted.trap();
    let other = Planted::with(&[("of-the-other", "")]);
    let traced = planted.folder.path().join("traced");
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "hostile::the_environment_does_not_say_which_repository_it_is"]);
    again.env(INNER, planted.path()).env("GIT_DIR", other.path().join(".git"));
    again.env("GIT_WORK_TREE", other.path()).env("GIT_INDEX_FILE", other.path().join(".git/index"));
    again.env("GIT_OBJECT_DIRECTORY", other.path().join(".git/objects"));
    again.env("GIT_EXTERNAL_DIFF", &trap).env("GIT_PAGER", &trap).env("GIT_SSH_COMMAND", &trap);
    again
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.fsmonitor")
        .env("GIT_CONFIG_VALUE_0", &trap);
    again.env("GIT_TRACE", &traced).env("GIT_EXEC_PATH", planted.folder.path());
    let ended = again.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    assert!(!planted.mark().exists(), "something was executed");
    assert!(!traced.exists(), "something was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::at(&folder.path().join("gone")).await;
    let Found::Repository(Repository::NoGit(why)) = rig.does(Job::Repository).await else { panic!() };
    assert!(!why.contains("not installed"), "{why}");
    assert_eq!(rig.list().await.passed.len(), 1);
    rig.ends().await;
}
