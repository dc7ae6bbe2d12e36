//! The one file that begins processes, and reads the environment that they are given. Each has a process group of its own,
//! which is killed when its future is dropped, or whoever holds it lets go: a deadline or a stop leaves nothing running.

#[cfg(feature = "mcp")]
mod serving;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, Command};

#[cfg(feature = "mcp")]
pub(crate) use self::serving::{Pipes, Running, Service};

/// What is kept of what a process says on stderr.
const LAST_WORDS: usize = 16 << 10;

/// What a process printed, and how it ended.
pub(super) struct Ended {
    pub(super) success: bool,
    pub(super) stdout: Vec<u8>,
    /// Its last words on stderr, one line.
    pub(super) complaint: String,
}

/// A process to be: the program, its arguments and what is written to it.
pub(super) struct Program<'p> {
    pub(super) name: &'p str,
    pub(super) arguments: Vec<&'p OsStr>,
    pub(super) folder: &'p Path,
    /// Variables that it is given besides our own.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Which of our own it is not given.
    pub(super) withheld: fn(&str) -> bool,
    pub(super) input: Vec<u8>,
    /// What it may print; more ends it.
    pub(super) most: u64,
}

/// Runs a program to its end.
///
/// Dropping the future kills the process with its whole group.
pub(super) async fn run(program: Program<'_>) -> io::Result<Ended> {
    let mut command = Command::new(program.name);
    command.args(&program.arguments).current_dir(program.folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(program.withheld)) {
        command.env_remove(name);
    }
    command.envs(program.environment);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut group = Group(command.spawn()?);
    let child = &mut group.0;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::Error::other("a process has its pipes"));
    };
    let write = async move {
        // One that ends early reads no further, which is its own affair.
        stdin.write_all(&program.input).await.ok();
        Ok(())
    };
    let read = async move {
        let mut printed = Vec::new();
        stdout.take(program.most.saturating_add(1)).read_to_end(&mut printed).await?;
        match printed.len() as u64 <= program.most {
            true => Ok(printed),
            false => {
                let why = format!("{} printed more than {} bytes", program.name, program.most);
                Err(io::Error::other(why))
            }
        }
    };
    // The first error ends it, with the process: one that has too much to say would wait for its reader without end.
    let ((), stdout, words) = tokio::try_join!(write, read, last_words(stderr))?;
    let status = group.0.wait().await?;
    let words = String::from_utf8_lossy(&words);
    let complaint = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("").to_owned();
    Ok(Ended { success: status.success(), stdout, complaint })
}

/// Begins a program that is written to and read from while it runs. It has the variables that it is given and, of our own, those that
/// are let through.
#[cfg(feature = "mcp")]
pub(crate) fn begin(service: &Service) -> io::Result<(Running, Pipes)> {
    let mut command = Command::new(&service.program);
    command.args(&service.arguments).env_clear();
    let is_let_through = |name: &OsStr| name.to_str().is_some_and(service.let_through);
    command.envs(std::env::vars_os().filter(|(name, _)| is_let_through(name)));
    command.envs(service.environment.iter().map(|(name, value)| (name, value)));
    if let Some(folder) = &service.folder {
        command.current_dir(folder);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    Running::of(command.spawn()?)
}

/// The end of what a process says, all of it read: a full pipe would stop it.
async fn last_words(mut stderr: ChildStderr) -> io::Result<Vec<u8>> {
    let mut words = Vec::new();
    while stderr.read_buf(&mut words).await? > 0 {
        if words.len() > 2 * LAST_WORDS {
            words.drain(..words.len() - LAST_WORDS);
        }
    }
    Ok(words)
}

struct Group(Child);

impl Group {
    fn kill(&mut self) {
        // One that was waited for has no number any more, and what it had may be somebody else's.
        #[cfg(unix)]
        kill_group(self.0.id());
        #[cfg(not(unix))]
        self.0.start_kill().ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(unix)]
fn kill_group(number: Option<u32>) {
    let group = number.and_then(|number| i32::try_from(number).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "what stands around a process in a test is no part of it")]

    use super::*;
    use std::io::Read as _;
    use std::time::Duration;

    fn shell(script: &str) -> Program<'_> {
        let arguments = vec![OsStr::new("-c"), OsStr::new(script)];
        Program {
            name: "sh",
            arguments,
            folder: Path::new("."),
            environment: vec![("SAID".into(), "yes".into())],
            withheld: |name| name == "HOME",
            input: b"words".to_vec(),
            most: 100,
        }
    }

    #[tokio::test]
    async fn what_a_process_prints_and_how_it_ends_is_told() {
        let ended = run(shell("cat; echo no >&2; exit 3")).await.unwrap();
        assert_eq!((ended.success, ended.stdout.as_slice(), &*ended.complaint), (false, &b"words"[..], "no"));
        assert!(run(shell("head -c 1000 /dev/zero")).await.is_err());
    }

    #[tokio::test]
    async fn one_that_prints_without_end_is_ended_and_one_that_complains_without_end_is_heard() {
        let error = run(shell("yes")).await.err().expect("it prints too much");
        assert!(error.to_string().contains("more than 100 bytes"), "{error}");
        let ended = run(shell("head -c 1000000 /dev/zero >&2; echo; echo last >&2; exit 1")).await.unwrap();
        assert_eq!(ended.complaint.trim_start_matches('\0'), "last");
    }

    #[tokio::test]
    async fn variables_are_given_and_withheld() {
        let ended = run(shell("echo ${HOME-none} $SAID ${PATH:+path}")).await.unwrap();
        assert_eq!(ended.stdout, b"none yes path\n");
    }

    #[tokio::test]
    async fn a_dropped_process_is_killed_with_what_it_has_begun() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // What it has begun holds the pipe open for as long as it lives.
        let script = format!("(exec 3>{}; sleep 100) & wait", pipe.display());
        let opened = tokio::task::spawn_blocking(|| std::fs::File::open(pipe));
        let mut held = tokio::select! {
            _ = run(shell(&script)) => panic!("it waits for what it has begun"),
            held = opened => held.unwrap().unwrap(),
        };
        let closed = tokio::task::spawn_blocking(move || held.read_to_end(&mut Vec::new()));
        let closed = tokio::time::timeout(Duration::from_secs(60), closed).await;
        assert_eq!(closed.expect("the grandchild lives on").unwrap().unwrap(), 0);
    }
}
