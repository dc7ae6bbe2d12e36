//! A server as a process: starting it, watching it, and reading its stderr to the end.

use std::ffi::OsStr;
use std::time::Duration;

use skep_runtime::{Context, Env};
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::pipe::{Nonsense, Pipe};
use super::words::last_words;
use crate::process::{self, Running, Service};

/// How much of its stderr is kept.
const KEPT: usize = 8 << 10;

/// How long to wait for its last output: its child processes may keep the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The variables that a program needs to be found and to find its files. Any other may be a key.
const LET_THROUGH: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    // The equivalents on Windows.
    "APPDATA",
    "LOCALAPPDATA",
    "HOMEDRIVE",
    "HOMEPATH",
    "USERPROFILE",
    "USERNAME",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "PATHEXT",
    "COMSPEC",
];

fn is_let_through(name: &str) -> bool {
    LET_THROUGH.iter().any(|known| known.eq_ignore_ascii_case(name)) || name.starts_with("LC_")
}

/// How it is started.
#[derive(Clone, Debug)]
pub(super) struct Stdio(pub(super) Service);

impl Stdio {
    pub(super) fn new(program: &OsStr, arguments: Vec<std::ffi::OsString>) -> Self {
        Self(Service {
            program: program.to_owned(),
            arguments,
            folder: None,
            environment: Vec::new(),
            let_through: is_let_through,
        })
    }

    /// Starts it. From then on it is a holding of the agent.
    pub(super) async fn begin(
        &self,
        cx: &Context,
    ) -> Result<(Process, Pipe<ChildStdout, ChildStdin>), String> {
        let service = self.0.clone();
        let program = service.program.to_string_lossy().into_owned();
        let begun = cx.env().outside(async move { process::begin(&service) }).await;
        let (running, pipes) = begun.map_err(|error| format!("{program} cannot be started: {error}"))?;
        cx.hold("mcp process", Held(running.clone()));
        let nonsense = Nonsense::default();
        let pipe = Pipe::new(pipes.stdout, pipes.stdin, nonsense.clone());
        let process = Process {
            running,
            stderr: Some(pipes.stderr),
            said: Vec::new(),
            nonsense,
            env: cx.env().clone(),
        };
        Ok((process, pipe))
    }
}

/// Kills the process with all its descendants in the group.
struct Held(Running);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// A server's process, as its agent watches it.
pub(super) struct Process {
    running: Running,
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
    nonsense: Nonsense,
    env: Env,
}

impl Process {
    /// Waits for its end, and says how it ended. Meanwhile its stderr is read: a full pipe would block it.
    pub(super) async fn ended(&mut self) -> String {
        loop {
            let Some(stderr) = &mut self.stderr else {
                let status = self.running.ended().await;
                return self.told(ended(status)).await;
            };
            let heard = tokio::select! {
                biased;
                status = self.running.ended() => return self.told(ended(status)).await,
                heard = hear(stderr, &mut self.said) => heard,
            };
            if !heard {
                self.stderr = None;
            }
        }
    }

    /// The connection ended, so the process is killed. If it has just ended on its own, that is the reason to report.
    pub(super) async fn failed(&mut self, why: String) -> String {
        let running = self.running.clone();
        let soon = async move { Env::at_most_outside(LAST_WORDS, running.ended()).await };
        if let Some(status) = self.env.outside(soon).await {
            return self.told(format!("{why}: {}", ended(status))).await;
        }
        self.given_up(why).await
    }

    /// Kills it. What it printed instead of messages may explain the failure.
    pub(super) async fn given_up(&mut self, why: String) -> String {
        self.running.kill();
        let printed = self.nonsense.last().map(|line| format!("; it printed {line:?}")).unwrap_or_default();
        self.told(format!("{why}{printed}")).await
    }

    /// The reason, with its last output.
    async fn told(&mut self, why: String) -> String {
        if let Some(mut stderr) = self.stderr.take() {
            let mut said = std::mem::take(&mut self.said);
            let hearing = async move {
                let all = async { while hear(&mut stderr, &mut said).await {} };
                Env::at_most_outside(LAST_WORDS, all).await;
                said
            };
            self.said = self.env.outside(hearing).await;
        }
        match last_words(&self.said) {
            Some(words) => format!("{why}; its last words: {words}"),
            None => why,
        }
    }
}

fn ended(status: std::io::Result<std::process::ExitStatus>) -> String {
    match status {
        Ok(status) => format!("it ended with {status}"),
        Err(error) => format!("it ended, how is unknown: {error}"),
    }
}

/// Reads more, and keeps the end. Returns false at the end of the pipe. Cancel-safe: dropping the future loses nothing.
async fn hear(stderr: &mut ChildStderr, said: &mut Vec<u8>) -> bool {
    let read = stderr.read_buf(said).await.unwrap_or(0);
    if said.len() > 2 * KEPT {
        said.drain(..said.len() - KEPT);
    }
    read > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_programs_is_let_through_and_keys_are_not() {
        for name in ["PATH", "HOME", "LC_ALL", "Path"] {
            assert!(is_let_through(name), "{name}");
        }
        for name in
            ["OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PATH_TO_KEY", "NODE_OPTIONS", ""]
        {
            assert!(!is_let_through(name), "{name}");
        }
    }
}
