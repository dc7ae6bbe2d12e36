#![allow(clippy::disallowed_methods, reason = "what stands around a process in a test is no part of it")]

use super::*;
use std::io::Read as _;

fn shell(script: &str) -> Program<'_> {
    let arguments = vec![OsStr::new("-c"), OsStr::new(script)];
    Program {
        name: OsStr::new("sh"),
        arguments,
        folder: Path::new("."),
        environment: vec![("SAID".into(), "yes".into())],
        withheld: &|name| name == "HOME",
        input: b"words".to_vec(),
        stdout: Keep::All(100),
        stderr: Keep::Ends(0, 1_000),
        within: None,
        is_watched: false,
    }
}

async fn run(program: Program<'_>) -> io::Result<Ended> {
    super::run(program, Leash::default()).await
}

#[tokio::test]
async fn what_a_process_prints_and_how_it_ends_is_told() {
    let ended = run(shell("cat; echo no >&2; exit 3")).await.unwrap();
    assert_eq!((ended.success(), ended.stderr.last_line().as_str()), (false, "no"));
    assert_eq!(ended.stdout.into_bytes(), b"words");
    assert!(run(shell("head -c 1000 /dev/zero")).await.is_err());
}

#[tokio::test]
async fn one_that_prints_without_end_is_ended_and_one_that_complains_without_end_is_heard() {
    let error = run(shell("yes")).await.err().expect("it prints too much");
    assert!(error.to_string().contains("more than 100 bytes"), "{error}");
    let ended = run(shell("head -c 1000000 /dev/zero >&2; echo; echo last >&2; exit 1")).await.unwrap();
    assert_eq!(ended.stderr.last_line().trim_start_matches('\0'), "last");
    assert_eq!(ended.stderr.cut(), 1_000_005 - 1_000);
}

#[tokio::test]
async fn variables_are_given_and_withheld() {
    let ended = run(shell("echo ${HOME-none} $SAID ${PATH:+path}")).await.unwrap();
    assert_eq!(ended.stdout.into_bytes(), b"none yes path\n");
}

/// A pipe that whatever the script begins holds open for as long as it lives.
struct Pipe(tempfile::TempDir);

impl Pipe {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(made.success());
        Self(folder)
    }

    /// A grandchild that holds the pipe, and when it does, this.
    fn script(&self, then: &str) -> String {
        let folder = self.0.path().display();
        let holds = format!("(exec 3>{folder}/pipe; : >{folder}/holds; sleep 100) &");
        format!("{holds} until [ -e {folder}/holds ]; do sleep 0.01; done; {then}")
    }

    async fn opened(&self) -> std::fs::File {
        let pipe = self.0.path().join("pipe");
        tokio::task::spawn_blocking(|| std::fs::File::open(pipe)).await.unwrap().unwrap()
    }

    async fn is_let_go(mut held: std::fs::File) {
        let closed = tokio::task::spawn_blocking(move || held.read_to_end(&mut Vec::new()));
        let closed = tokio::time::timeout(Duration::from_secs(60), closed).await;
        assert_eq!(closed.expect("the grandchild lives on").unwrap().unwrap(), 0);
    }
}

#[tokio::test]
async fn a_dropped_process_is_killed_with_what_it_has_begun() {
    let pipe = Pipe::new();
    let script = pipe.script("wait");
    let held = tokio::select! {
        _ = run(shell(&script)) => panic!("it waits for what it has begun"),
        held = pipe.opened() => held,
    };
    Pipe::is_let_go(held).await;
}

#[tokio::test]
async fn a_process_whose_future_goes_on_is_killed_when_nobody_holds_it_any_more() {
    let pipe = Pipe::new();
    let script = pipe.script("wait");
    let leash = Leash::default();
    let holding = leash.held();
    let let_go = async {
        let held = pipe.opened().await;
        drop(holding);
        Pipe::is_let_go(held).await;
    };
    let (ended, ()) = tokio::join!(super::run(shell(&script), leash), let_go);
    assert!(!ended.unwrap().success());
}

#[tokio::test]
async fn nothing_is_begun_for_what_was_let_go_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let leash = Leash::default();
    drop(leash.held());
    let script = format!("sleep 1; touch {}", folder.path().join("mark").display());
    assert!(super::run(shell(&script), leash).await.is_err());
    assert!(!folder.path().join("mark").exists());
}

#[tokio::test]
async fn what_a_process_leaves_behind_in_its_group_is_killed_when_it_ends() {
    let pipe = Pipe::new();
    let script = pipe.script("echo done");
    let (ended, held) = tokio::join!(run(shell(&script)), pipe.opened());
    let ended = ended.unwrap();
    assert!(ended.success() && !ended.is_held_open);
    assert_eq!(ended.stdout.into_bytes(), b"done\n");
    Pipe::is_let_go(held).await;
}

#[tokio::test]
async fn one_whose_time_is_over_is_killed_whole_and_what_it_printed_is_kept() {
    use std::os::unix::fs::OpenOptionsExt as _;
    let pipe = Pipe::new();
    let path = pipe.0.path().join("pipe");
    // Both ends, so that nobody waits for the other one, however far the script comes.
    let both = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let script = format!("echo begun; {}", pipe.script("wait"));
    let program = Program { within: Some(Duration::from_millis(500)), ..shell(&script) };
    let ended = run(program).await.unwrap();
    assert!(ended.status.is_none() && matches!(ended.stdout.text().as_str(), "begun\n" | ""));
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut held = std::fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(&path).unwrap();
    drop(both);
    // There is no end while somebody has it open to write.
    while held.read(&mut [0]).is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
