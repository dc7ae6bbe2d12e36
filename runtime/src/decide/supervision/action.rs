//! What the core wants done.

use std::time::Duration;

use crate::words::child::ChildKey;
pub use crate::words::child_interface::{Answer, InterfaceError};
use crate::words::child_report::Report;
use crate::words::policy::{Exit, Shutdown};

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
