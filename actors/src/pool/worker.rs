//! One worker process, as the pool sees it.

use std::io;
use std::time::Duration;

use futures_util::FutureExt as _;
use skep_runtime::Env;
use skep_runtime::text::one_line;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::line::Reply;
use crate::defaults;
use crate::process::{Pipes, Running, Service, begin};

/// Bytes of what a worker printed last that are told if it ends.
const TAIL: usize = 2 << 10;

/// What is left in the pipe of a process that has ended is read for at most so long.
const REST: Duration = Duration::from_secs(1);

/// A worker that gave no answer.
pub(super) struct Lost {
    pub(super) why: String,
    /// Whether it had the whole request, and may have begun the job.
    pub(super) had_all: bool,
}

pub(super) struct Worker {
    running: Running,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

impl Worker {
    pub(super) fn start(service: &Service) -> io::Result<Self> {
        let (running, Pipes { stdin, stdout, stderr }) = begin(service)?;
        Ok(Self { running, stdin, stdout: BufReader::new(stdout), stderr })
    }

    pub(super) const fn running(&self) -> &Running {
        &self.running
    }

    pub(super) fn has_ended(&self) -> bool {
        self.running.ended().now_or_never().is_some()
    }

    /// Sends a request and waits for its answer. After an error the worker is killed and of no more use.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Reply, Lost> {
        let sent = async {
            self.stdin.write_all(request).await?;
            self.stdin.flush().await
        };
        if sent.await.is_err() {
            let why = self.end().await;
            return Err(Lost { why, had_all: false });
        }
        let mut printed = Vec::new();
        let answered = {
            let (stdout, stderr) = (&mut self.stdout, &mut self.stderr);
            let mut line = Vec::new();
            let mut bounded = stdout.take(defaults::POOL_ANSWER as u64 + 1);
            let mut answer = std::pin::pin!(bounded.read_until(b'\n', &mut line));
            let (mut buffer, mut is_open) = (vec![0; TAIL], true);
            let read = loop {
                // What it prints beside is read meanwhile: a full pipe would stop it.
                tokio::select! {
                    biased;
                    read = stderr.read(&mut buffer), if is_open => match read {
                        Ok(0) | Err(_) => is_open = false,
                        Ok(read) => keep(&mut printed, &buffer[..read]),
                    },
                    answer = &mut answer => break answer,
                }
            };
            read.map(|_| line)
        };
        let why = match answered {
            Ok(line) if line.ends_with(b"\n") => match serde_json::from_slice(&line) {
                Ok(reply) => return Ok(reply),
                Err(_) => {
                    let shown = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
                    Some(format!("a worker printed what is not an answer: {}", one_line(shown.trim())))
                }
            },
            Ok(line) if line.len() > defaults::POOL_ANSWER => {
                Some(format!("a worker's answer has more than {} bytes", defaults::POOL_ANSWER))
            }
            // Its pipes are closed: it has ended, or is about to.
            Ok(_) | Err(_) => None,
        };
        let ended = self.end().await;
        let why = why.unwrap_or(ended);
        // What it printed last may still be in the pipe.
        let mut rest = Vec::new();
        let mut bounded = (&mut self.stderr).take(64 << 10);
        Env::at_most_outside(REST, bounded.read_to_end(&mut rest)).await;
        keep(&mut printed, &rest);
        let said = String::from_utf8_lossy(&printed);
        let why =
            if said.trim().is_empty() { why } else { format!("{why}; it said: {}", one_line(said.trim())) };
        Err(Lost { why, had_all: true })
    }

    /// Kills it, and says how it ended: by itself, if it did before.
    async fn end(&mut self) -> String {
        self.running.kill();
        match self.running.ended().await {
            Ok(status) => format!("a worker ended during a job: {status}"),
            Err(error) => format!("a worker was lost: {error}"),
        }
    }
}

/// Keeps the end of what was printed.
fn keep(printed: &mut Vec<u8>, more: &[u8]) {
    printed.extend_from_slice(more);
    let over = printed.len().saturating_sub(TAIL);
    printed.drain(..over);
}
