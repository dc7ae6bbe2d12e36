//! What the core wants done.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::child::ChildKey;
use super::report::Report;
use crate::policy::{Exit, Shutdown};
use crate::text::OneLine;

/// What the engine is to do, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start the child; answered by one `Event::Started`, unless a `Stop` follows that makes it moot.
    Start {
        /// Which child.
        key: ChildKey,
        /// The end that this start repairs; none for one that is started with its siblings, or by the interface.
        after: Option<Exit>,
        /// True if the supervisor starts it by itself, false if the interface asked for it.
        automatic: bool,
    },
    /// Stop the child's subtree, also one that is still starting; answered by one `Event::Stopped`.
    Stop {
        /// Which child.
        key: ChildKey,
        /// How.
        shutdown: Shutdown,
    },
    /// Answer with `Event::Due` after the pause; zero means as soon as what waits in the queue has been served.
    Wait {
        /// Which child waits.
        key: ChildKey,
        /// How long.
        pause: Duration,
    },
    /// No `Due` is to come for the child's last `Wait`.
    CancelWait {
        /// Which child no longer waits.
        key: ChildKey,
    },
    /// Nothing runs for the child and nothing will by itself; its spec stays.
    Ended {
        /// Which child.
        key: ChildKey,
        /// How its last life ended.
        exit: Exit,
    },
    /// The child is gone for good, with its spec; the core does not know the key any more.
    Forget {
        /// Which child.
        key: ChildKey,
        /// How its last life ended.
        exit: Exit,
    },
    /// `Event::StartAll` is done: each declared child runs, or has ended by itself or said *ignore*. One that was added may be
    /// tried again.
    StartedAll,
    /// `Event::StartAll` failed. Those already started have been stopped in reverse order.
    StartFailed {
        /// Whose start failed.
        key: ChildKey,
        /// Its one line.
        reason: String,
    },
    /// Something to be told (S11).
    Report(Report),
    /// The answer to an event of the interface.
    Reply {
        /// The ticket of that event.
        ticket: u64,
        /// What has been done, or why nothing.
        answer: Result<Answer, InterfaceError>,
    },
    /// More restarts than the intensity allows: stop the supervisor's children as [`Core::stop_order`] says and end it
    /// with this exit. The core decides nothing more until it is reset.
    ///
    /// [`Core::stop_order`]: super::Core::stop_order
    GiveUp {
        /// Always `Exit::Escalated`.
        exit: Exit,
    },
    /// The same with `Exit::Shutdown`: significant children have ended.
    AutoShutdown,
}

/// What the interface did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing runs for the child.
    Terminated,
    /// The child runs.
    Started,
    /// Its start said *ignore*; nothing runs for it.
    Ignored,
    /// The child and its spec are gone.
    Deleted,
}

/// Why the interface did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceError {
    /// There is no such child.
    #[error("not found: no such child")]
    NotFound,
    /// The child runs, or is being started; terminate it first.
    #[error("running: terminate the child first")]
    Running,
    /// The child is being restarted; terminate it first.
    #[error("restarting: terminate the child first")]
    Restarting,
    /// Its start failed; nothing runs for it and its spec stays.
    #[error("start failed: {}", OneLine(.0))]
    StartFailed(String),
    /// The supervisor is ending.
    #[error("ending: the supervisor is about to end")]
    Ending,
}
