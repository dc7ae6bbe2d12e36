//! Commands that models run: what they are given, and that nothing of them is left.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use skep_actors::tools::{Commands, Workspace};
use skep_runtime::{Ceiling, Stop};

use crate::desk::Desk;
use crate::hand::pipe;

/// A workspace, and a desk with `command` and `shell` in it.
async fn desk(root: &Path, commands: Commands) -> Desk {
    Desk::with(Workspace::at(root).unwrap().command(commands)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_in_its_folder_without_a_shell_and_what_it_prints_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let root = folder.path().canonicalize().unwrap();
    let desk = desk(&root, Commands::any()).await;
    let pwd = |arguments| desk.gives("command", arguments);
    assert_eq!(pwd(json!({ "argv": ["pwd"] })).await, format!("[exit code 0]\n{}\n", root.display()));
    let told = pwd(json!({ "argv": ["pwd"], "folder": "sub" })).await;
    assert_eq!(told, format!("[exit code 0]\n{}/sub\n", root.display()));
    let told = desk.gives("command", json!({ "argv": ["echo", "$HOME; id", "a  b", "*"] })).await;
    assert_eq!(told, "[exit code 0]\n$HOME; id a  b *\n");
    let told = desk.gives("command", json!({ "argv": ["cat"], "input": "words" })).await;
    assert_eq!(told, "[exit code 0]\nwords\n");
    let told = desk.gives("command", json!({ "argv": ["ls", "gone"] })).await;
    assert!(
        told.starts_with("[exit code ") && told.contains("[standard error]\n") && told.contains("gone"),
        "{told}"
    );
    for arguments in [
        json!({ "argv": ["sh", "-c", "id"] }),
        json!({ "argv": [] }),
        json!({ "argv": ["no-such-program-at-all"] }),
        json!({ "argv": ["pwd"], "folder": ".." }),
        json!({ "argv": ["pwd"], "folder": "/" }),
        json!({ "argv": ["pwd"], "folder": "gone" }),
        json!({ "argv": ["a\0b"] }),
        json!({ "argv": "pwd" }),
        json!({ "script": "pwd" }),
    ] {
        desk.refuses("command", arguments).await;
    }
    assert!(desk.refuses("shell", json!({ "script": "id" })).await.contains("no tool"), "nobody offered one");
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_of_a_command_has_what_is_listed_and_no_key() {
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO_")), "there is something to withhold");
    let folder = tempfile::tempdir().unwrap();
    let commands = Commands::any().env_from("CARGO_PKG_NAME").env("SET", "by us");
    let desk = desk(folder.path(), commands).await;
    let told = desk.gives("command", json!({ "argv": ["env"] })).await;
    let names: BTreeSet<_> = told.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let listed = [
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP",
        "TMP",
    ];
    let expected: BTreeSet<_> =
        listed.into_iter().chain(["PWD", "CARGO_PKG_NAME", "SET", "SKEP_COMMAND"]).collect();
    assert!(names.is_subset(&expected), "{names:?}");
    assert!(told.contains("CARGO_PKG_NAME=skep-actors\n") && told.contains("SET=by us\n"), "{told}");
    desk.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_prints_is_bounded_and_what_was_cut_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), Commands::any().shell()).await;
    let told = desk
        .calls("shell", json!({ "script": "echo first; yes | head -c 5000000; echo; echo last; exit 7" }))
        .await;
    assert!(!told.is_error && told.cut == 0 && told.text.len() < 65_536, "{}", told.text.len());
    assert!(
        told.text.starts_with("[exit code 7]\nfirst\n") && told.text.ends_with("last\n"),
        "{}",
        &told.text[..40]
    );
    assert!(told.text.contains(" bytes were cut here]"));
    let told = desk.gives("shell", json!({ "script": "kill -9 $$" })).await;
    assert_eq!(told, "[killed by signal 9]\n");
    desk.ends().await;
}

/// A named pipe: it is at its end when nobody has it open who was begun.
struct Held {
    path: PathBuf,
}

impl Held {
    fn at(folder: &Path) -> Self {
        let path = folder.join("pipe");
        pipe(&path);
        Self { path }
    }

    /// A script whose grandchild holds the pipe.
    fn script(&self) -> String {
        format!("(exec 3>'{}'; sleep 1000) & wait", self.path.display())
    }

    /// A script whose grandchild holds the pipe in a session of its own.
    fn in_another_session(&self) -> String {
        format!("setsid sh -c \"exec 3>'{}'; sleep 1000\" &", self.path.display())
    }

    async fn opened(&self) -> fs::File {
        let path = self.path.clone();
        tokio::task::spawn_blocking(|| fs::File::open(path)).await.unwrap().unwrap()
    }

    async fn is_let_go(mut file: fs::File) {
        let read = tokio::task::spawn_blocking(move || file.read_to_end(&mut Vec::new()));
        let read = tokio::time::timeout(Duration::from_secs(60), read).await;
        assert_eq!(read.expect("something of it lives on").unwrap().unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_kills_a_command_whole_and_its_receipt_names_it() {
    for stop in [Stop::default(), Stop::brutally()] {
        let folder = tempfile::tempdir().unwrap();
        let held = Held::at(folder.path());
        let desk = desk(folder.path(), Commands::any().shell()).await;
        desk.begins("shell", &json!({ "script": held.script() }));
        let file = held.opened().await;
        let receipt = desk.stops(stop).await;
        let row = receipt.rows().iter().find(|row| row.name == "clerk").unwrap();
        assert_eq!(row.holdings, ["process sh"], "{receipt}");
        Held::is_let_go(file).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_interrupted_or_runs_out_of_time_is_killed_whole_and_held_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let held = Held::at(folder.path());
    let desk = desk(folder.path(), Commands::any().shell()).await;
    desk.begins("shell", &json!({ "script": held.script() }));
    let file = held.opened().await;
    desk.clerk().interrupt();
    Held::is_let_go(file).await;
    let told = desk.gives("shell", json!({ "script": "echo begun; sleep 1000", "seconds": 1 })).await;
    assert!(told.starts_with("[killed after 1 s, with everything it started]\n"), "{told}");
    let receipt = desk.stops(Stop::default()).await;
    assert!(receipt.is_clean() && receipt.rows()[0].holdings.is_empty(), "{receipt}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_moves_to_another_session_is_killed_however_its_command_ends() {
    let folder = tempfile::tempdir().unwrap();
    let held = Held::at(folder.path());
    let desk = desk(folder.path(), Commands::any().shell()).await;
    // The command waits until the pipe is open, and ends. What it left holds its output open as well.
    let opened = tokio::spawn(async move { (held.opened().await, held) });
    let path = folder.path().join("pipe");
    let script = format!(
        "setsid sh -c \"exec 3>'{}'; touch up; sleep 1000\" & until [ -e up ]; do sleep 0.01; done",
        path.display()
    );
    let told = desk.gives("shell", json!({ "script": script })).await;
    assert_eq!(told, "[exit code 0]\n", "nobody holds its output open any more");
    let (file, held) = opened.await.unwrap();
    Held::is_let_go(file).await;
    desk.begins("shell", &json!({ "script": format!("{} sleep 1000", held.in_another_session()) }));
    let file = held.opened().await;
    desk.clerk().interrupt();
    Held::is_let_go(file).await;
    desk.ends().await;
}

/// What the test below looks at when it runs once more, to be killed.
const INNER: &str = "SKEP_TEST_PIPE";

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_ends_also_when_our_own_process_is_killed() {
    if let Ok(folder) = std::env::var(INNER) {
        let held = Held { path: Path::new(&folder).join("pipe") };
        let desk = desk(Path::new(&folder), Commands::any().shell()).await;
        // On other systems than Linux one that moves away is not found.
        let elsewhere = if cfg!(target_os = "linux") { held.in_another_session() } else { String::new() };
        let script = format!("sleep 1; {elsewhere} {}", held.script());
        desk.gives("shell", json!({ "script": script })).await;
        panic!("it runs until it is killed");
    }
    let folder = tempfile::tempdir().unwrap();
    let held = Held::at(folder.path());
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "commands::what_runs_ends_also_when_our_own_process_is_killed"]);
    let mut inner = again.env(INNER, folder.path()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let file = held.opened().await;
    inner.kill().unwrap();
    inner.wait().unwrap();
    Held::is_let_go(file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_commands_that_a_ceiling_names_are_run_and_a_ceiling_on_paths_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let tools = || Workspace::at(folder.path()).unwrap().command(Commands::any().shell());
    let everywhere = Desk::below(tools(), Ceiling::new().paths(["/**"])).await;
    for (tool, arguments) in
        [("command", json!({ "argv": ["echo", "a"] })), ("shell", json!({ "script": "echo a" }))]
    {
        assert!(everywhere.refuses(tool, arguments).await.contains("is not allowed"));
    }
    everywhere.ends().await;
    let echo = Desk::below(tools(), Ceiling::new().commands([["echo", "**"]])).await;
    assert_eq!(echo.gives("command", json!({ "argv": ["echo", "a"] })).await, "[exit code 0]\na\n");
    for argv in [&["/bin/echo", "a"][..], &["env", "echo"], &["echoo"]] {
        assert!(
            echo.refuses("command", json!({ "argv": argv })).await.contains("is not allowed"),
            "{argv:?}"
        );
    }
    assert!(echo.refuses("shell", json!({ "script": "echo a" })).await.contains("is not allowed"));
    echo.ends().await;
}

#[test]
fn a_pattern_without_a_program_is_no_tool() {
    let tools = Workspace::at(".").unwrap().command(Commands::only([[""; 0]]));
    assert!(tools.check().unwrap_err().to_string().contains("no program"));
}
