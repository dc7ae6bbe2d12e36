//! The one file that begins processes. Each has a process group of its own, which is killed when its future is dropped:
//! a deadline or a stop leaves nothing running.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

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
    pub(super) environment: &'p [(&'p str, &'p str)],
    pub(super) input: Vec<u8>,
    /// What it may print; more ends it.
    pub(super) most: u64,
}

/// Runs a program to its end.
///
/// Dropping the future kills the process with its whole group.
pub(super) async fn run(program: Program<'_>) -> io::Result<Ended> {
    let mut command = Command::new(program.name);
    command.args(&program.arguments).current_dir(program.folder).envs(program.environment.iter().copied());
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
    };
    let (mut printed, mut words) = (Vec::new(), Vec::new());
    let mut stdout = stdout.take(program.most + 1);
    let mut stderr = stderr.take(64 << 10);
    let (_, read, _) = tokio::join!(write, stdout.read_to_end(&mut printed), stderr.read_to_end(&mut words));
    read?;
    if printed.len() as u64 > program.most {
        return Err(io::Error::other(format!("{} printed more than {} bytes", program.name, program.most)));
    }
    let status = group.0.wait().await?;
    let words = String::from_utf8_lossy(&words);
    let complaint = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("").to_owned();
    Ok(Ended { success: status.success(), stdout: printed, complaint })
}

struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // One that was waited for has no id any more, and its number may be somebody else's.
        #[cfg(unix)]
        if let Some(group) =
            self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::time::Duration;

    fn shell(script: &str) -> Program<'_> {
        let arguments = vec![OsStr::new("-c"), OsStr::new(script)];
        Program {
            name: "sh",
            arguments,
            folder: Path::new("."),
            environment: &[],
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
    async fn a_dropped_process_is_killed_with_what_it_has_begun() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("(sleep 0.4; touch {}) & wait", mark.display());
        let late = tokio::time::timeout(Duration::from_millis(100), run(shell(&script))).await;
        assert!(late.is_err());
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(!mark.exists(), "the grandchild lived on");
    }
}
