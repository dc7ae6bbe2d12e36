//! What is kept of a child only while something is the matter with it.

use super::window::RecentRestarts;
use crate::words::child::ChildKey;
use crate::words::policy::Exit;
use crate::words::time::Time;

/// Beside a child: its exit or its pause, who waits for it, and how it has fared lately.
#[derive(Debug, Default)]
pub(super) struct ChildAffairs {
    /// What is still to be done about its end.
    pub(super) pending: Option<Pending>,
    /// The interface's calls that wait for an answered start or stop.
    pub(super) tickets: Vec<(ChildCall, u64)>,
    /// That it ended in an odd way while it was being stopped has been reported.
    pub(super) is_told: bool,
    /// Its work is done: its next end is its last.
    pub(super) ends: bool,
    /// It did not come up with its supervisor and is tried again, alone.
    pub(super) returns: bool,
    /// Failed starts in a row.
    pub(super) failed_starts: u32,
    /// Pauses in a row.
    pub(super) pauses: u32,
    /// When its life began, if it had a pause before.
    pub(super) since: Time,
    /// Its own restarts, where each child counts alone.
    pub(super) window: RecentRestarts,
}

/// An end that is still to be dealt with.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) after: Exit,
    pub(super) then: Then,
    /// Its place in the backlog, if it waits there.
    pub(super) place: Option<u64>,
}

/// What comes next for an ended child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Decide about the exit.
    Decide {
        /// Whether a restart may count.
        counted: bool,
    },
    /// Start it again; the attempt has been counted.
    Start,
    /// Try again after a failed start, which is an attempt that counts.
    Retry,
}

/// The interface's three calls that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChildCall {
    Terminate,
    Restart,
    Delete,
}

/// An event that waits until the round under way is over, as it would in OTP's mailbox.
#[derive(Debug)]
pub(super) enum Backlogged {
    /// The child's pending end, unless its place is another by now.
    End { key: ChildKey, place: u64 },
    /// A call of the interface.
    Asked { ask: ChildCall, key: ChildKey, ticket: u64 },
}
