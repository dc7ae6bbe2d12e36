//! What the core hears.

use crate::words::child::ChildKey;
use crate::words::policy::Exit;

/// What a start answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// The child runs.
    Ok,
    /// It does not want to run now; that is no failure.
    Ignored,
    /// One line why it could not be started.
    Failed(String),
}

/// What has happened to a supervisor or to one of its children. One about a key that is not known is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The supervisor itself has started, or has started again after [`Core::reset`](super::Core::reset): its declared
    /// children are started in order. Answered by `StartedAll`, `StartFailed` or the end of the supervisor.
    StartAll,
    /// The answer to `Action::Start`, and to a start that a spawn performed in place.
    Started {
        /// Whose start.
        key: ChildKey,
        /// Its answer.
        result: Started,
    },
    /// An incarnation ended by itself.
    Exited {
        /// Whose incarnation.
        key: ChildKey,
        /// How.
        exit: Exit,
        /// False if the task that crashed it has crashed before: its restart is not counted in the window again.
        counted: bool,
    },
    /// The answer to `Action::Stop`: the child's whole subtree has ended, and nothing of that life comes any more.
    Stopped {
        /// Which child.
        key: ChildKey,
        /// How it ended, where it did not end as it was asked to.
        odd: Option<Exit>,
    },
    /// The answer to `Action::Wait`.
    Due {
        /// Which child's pause is over.
        key: ChildKey,
    },
    /// The interface's `terminate_child`. Like the next two it is answered by one `Action::Reply`, maybe later.
    Terminate {
        /// Which child.
        key: ChildKey,
        /// Names the reply.
        ticket: u64,
    },
    /// The interface's `restart_child`.
    Restart {
        /// Which child.
        key: ChildKey,
        /// Names the reply.
        ticket: u64,
    },
    /// The interface's `delete_child`.
    Delete {
        /// Which child.
        key: ChildKey,
        /// Names the reply.
        ticket: u64,
    },
}
