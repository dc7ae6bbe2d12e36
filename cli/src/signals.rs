//! What asks a running command to end.

use std::future::pending;
use std::io;

/// Ended by Ctrl-C, as shells say it.
const INTERRUPTED: u8 = 130;

/// Asked to end by whoever started it, as shells and supervisors of processes count it.
const TERMINATED: u8 = 143;

/// Which one came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    CtrlC,
    Terminate,
}

impl Signal {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::CtrlC => "interrupted by Ctrl-C",
            Self::Terminate => "terminated by a signal",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::CtrlC => INTERRUPTED,
            Self::Terminate => TERMINATED,
        }
    }
}

/// Signals from the moment on in which this was made: one that comes while the one before it is dealt with is not lost.
pub(crate) struct Signals {
    ctrl_c: os::CtrlC,
    terminate: os::Terminate,
}

impl Signals {
    /// # Errors
    /// That of the system, which then ends the process at a signal as it does by itself.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { ctrl_c: os::ctrl_c()?, terminate: os::terminate()? })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            Some(()) = self.ctrl_c.recv() => Signal::CtrlC,
            Some(()) = self.terminate.recv() => Signal::Terminate,
            else => pending().await,
        }
    }
}

#[cfg(unix)]
mod os {
    use std::io;

    pub(super) use tokio::signal::unix::{Signal as CtrlC, Signal as Terminate};
    use tokio::signal::unix::{SignalKind, signal};

    pub(super) fn ctrl_c() -> io::Result<CtrlC> {
        signal(SignalKind::interrupt())
    }

    pub(super) fn terminate() -> io::Result<Terminate> {
        signal(SignalKind::terminate())
    }
}

#[cfg(windows)]
mod os {
    pub(super) use tokio::signal::windows::{CtrlC, CtrlClose as Terminate, ctrl_c, ctrl_close as terminate};
}
