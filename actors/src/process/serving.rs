//! A process that serves: it is written to and read from for as long as somebody holds it.

use std::ffi::OsString;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

#[cfg(unix)]
use super::leash::kill_group;

/// A process to be.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    /// Ours, if none.
    pub(crate) folder: Option<PathBuf>,
    /// Variables that it is given besides those of ours that are let through.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Which of our own it is given.
    pub(crate) let_through: fn(&str) -> bool,
}

/// Without the values of its environment: some are keys.
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Service")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("folder", &self.folder)
            .field("environment", &names)
            .finish_non_exhaustive()
    }
}

/// What it reads and writes.
pub(crate) struct Pipes {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
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

/// One that runs. It is killed with its whole group by [`Running::kill`], and when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Running(Arc<Mutex<Group>>);

impl Running {
    pub(super) fn of(mut child: Child) -> io::Result<(Self, Pipes)> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = Group(child);
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(io::Error::other("a process has its pipes"));
        };
        Ok((Self(Arc::new(Mutex::new(group))), Pipes { stdin, stdout, stderr }))
    }

    /// Kills it with its group. A second time does nothing.
    pub(crate) fn kill(&self) {
        self.0.lock().kill();
    }

    /// Waits for the end of the process that was begun. What it has begun itself is killed with it: a wrapper that is gone
    /// leaves a server behind that nobody would end.
    ///
    /// Dropping the future changes nothing; it can be waited for again, by others too.
    pub(crate) async fn ended(&self) -> io::Result<ExitStatus> {
        poll_fn(|cx| {
            let mut group = self.0.lock();
            #[cfg(unix)]
            let number = group.0.id();
            let polled = pin!(group.0.wait()).poll(cx);
            #[cfg(unix)]
            if polled.is_ready() {
                // Its number is a group's for as long as somebody is in that, and numbers go round in a circle: within these few
                // instructions it becomes nobody else's.
                kill_group(number);
            }
            polled
        })
        .await
    }
}
