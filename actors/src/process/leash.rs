//! Who may end a process: its future, and whoever holds it beside that.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::process::Child;

/// Ties a process to what an agent holds: it is killed with its group when that is let go of, wherever its future is polled, and also if
/// that is never dropped. It is made before the process is, so that what is let go of in between begins nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leash(Arc<Mutex<Tied>>);

#[derive(Debug, Default)]
enum Tied {
    #[default]
    ToNothing,
    To(Option<u32>),
    Cut,
}

/// What is held. Dropped, it kills the process.
pub(crate) struct Held(Leash);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.cut();
    }
}

impl Leash {
    /// What an agent is to hold.
    pub(crate) fn held(&self) -> Held {
        Held(self.clone())
    }

    fn tie(&self, process: Option<u32>) -> bool {
        let mut tied = self.0.lock();
        let is_held = !matches!(*tied, Tied::Cut);
        if is_held {
            *tied = Tied::To(process);
        }
        is_held
    }

    /// Kills what is tied to it, and whatever will be.
    fn cut(&self) {
        let mut tied = self.0.lock();
        if let Tied::To(process) = std::mem::replace(&mut *tied, Tied::Cut) {
            kill_group(process);
        }
    }
}

/// A process and what it begins.
pub(super) struct Group {
    pub(super) child: Child,
    leash: Leash,
}

impl Group {
    /// The group of a process that leads one.
    pub(super) fn of(child: Child, leash: Leash) -> io::Result<Self> {
        let is_held = leash.tie(child.id());
        let group = Self { child, leash };
        // It is killed with this group, which is dropped here.
        if is_held { Ok(group) } else { Err(io::Error::other("nobody holds it any more")) }
    }

    /// Waits until the process has ended, and kills what it has left in its group.
    pub(super) async fn ends(&mut self) -> io::Result<ExitStatus> {
        let process = self.child.id();
        let status = self.child.wait().await?;
        // At once, and once: a number whose process was waited for is given to another when all others have had their turn, or while
        // the group has members never.
        let mut tied = self.leash.0.lock();
        if !matches!(*tied, Tied::ToNothing) {
            *tied = Tied::ToNothing;
            kill_group(process);
        }
        Ok(status)
    }

    /// Kills all of it.
    pub(super) fn kill(&self) {
        if let Tied::To(process) = &*self.leash.0.lock() {
            kill_group(*process);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        match self.child.id() {
            // One that was waited for has no id any more, and its number may be somebody else's.
            None => *self.leash.0.lock() = Tied::Cut,
            process => {
                kill_group(process);
                *self.leash.0.lock() = Tied::Cut;
            }
        }
    }
}

/// Kills the group that a process leads.
#[cfg(unix)]
pub(super) fn kill_group(process: Option<u32>) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = process.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        kill_process_group(group, Signal::KILL).ok();
    }
}

/// Where there are no groups the process alone is killed, with its handle.
#[cfg(not(unix))]
pub(super) fn kill_group(_: Option<u32>) {}
