//! What the engine tells the plan, and what the plan tells the engine.

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::FixedState;

use crate::words::ends::{End, HookFault, Left};
use crate::words::policy::Shutdown;
use crate::words::time::Time;

/// A seat, for the plan. Never given to another seat while a stop knows it.
pub(crate) type SeatKey = u64;
/// What there is of each seat, in no order that may be seen.
pub(crate) type ByKey<V> = HashMap<SeatKey, V, FixedState>;
/// A stop that was asked for.
pub(crate) type RequestId = u64;

/// A seat at the fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// The seat.
    pub(crate) key: SeatKey,
    /// Its parent, stopping or not.
    pub(crate) parent: Option<SeatKey>,
    /// A static child: stopped one by one in reverse start order. Else, a dynamic or task's child, with all its like at once.
    pub(crate) ordered: bool,
    /// Its place in the start order among its siblings.
    pub(crate) order: u32,
    /// What its turn gets, and then its hook.
    pub(crate) shutdown: Shutdown,
    /// A runner is there. The engine has told it, has cancelled its turn or start, and will report the end of that.
    pub(crate) busy: bool,
    /// It has a turn or a start in progress, and does not only wait for a task.
    pub(crate) works: bool,
    /// Whether there is something to run at the end. A scope or a restarting seat has nothing: it ends as soon as its
    /// children have.
    pub(crate) hook: bool,
}

/// How a turn or start ended that was in progress at the fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TurnEnd {
    /// It returned; `self` is whole.
    Returned,
    /// It was dropped at its await.
    Dropped,
    /// It panicked or said it crashed.
    Crashed,
    /// The agent has ended by itself, for good; no hook. Reported of an idle agent too.
    Exited,
}

/// How a stop hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HookEnd {
    /// It returned.
    Done,
    /// It returned an error.
    Failed(String),
    /// It panicked.
    Panicked(String),
    /// It was dropped at its await.
    Dropped,
}

/// What a receipt says about one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndRow {
    /// The seat.
    pub(crate) key: SeatKey,
    /// How it ended.
    pub(crate) end: End,
    /// What went wrong in its hook.
    pub(crate) hook: Option<HookFault>,
    /// Its spec or a request allowed it no time.
    pub(crate) brutal: bool,
    /// From the first fence that took it in to its end.
    pub(crate) took: Duration,
    /// What the engine found left of it when the stop was over; nothing, as the plan has it.
    pub(crate) left: Vec<Left>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A subtree has been fenced and its turns cancelled, because a stop of `root` was asked for.
    ///
    /// If an unfinished request has this root already (see [`request_of_root`](super::StopPlan::request_of_root)), the
    /// receipt is shared: give that request's id, or another, which then finishes with the same rows. Limits only tighten,
    /// so it does no harm to give a deadline that is later than the first.
    Request {
        /// The stop.
        request: RequestId,
        /// Where it begins.
        root: SeatKey,
        /// The subtree's seats that are not stopping yet, parents before children.
        nodes: Vec<Node>,
        /// When it must have finished. May be past.
        deadline: Time,
        /// No time for turns, and no hooks.
        brutal: bool,
    },
    /// A turn or start ended, or an agent by itself.
    TurnEnded {
        /// The seat.
        key: SeatKey,
        /// How.
        end: TurnEnd,
    },
    /// A hook ended.
    HookEnded {
        /// The seat.
        key: SeatKey,
        /// How.
        end: HookEnd,
    },
    /// What a [`Command::Look`] has found.
    Looked {
        /// The seat.
        key: SeatKey,
        /// Whether a thread has come to run its hook, and it was not done at once.
        has_begun: bool,
        /// Whether it blocks its thread.
        blocks: bool,
    },
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the seat's stop hook and report its end. Never for a seat whose turn is in progress.
    Hook {
        /// The seat.
        key: SeatKey,
        /// The hook's deadline, after `now`.
        until: Time,
    },
    /// Drop the seat's turn or hook at its await, and report its end. Once for each turn and hook.
    Abort {
        /// The seat.
        key: SeatKey,
    },
    /// Look whether the seat's hook has begun, and whether what runs there blocks its thread, and say so.
    Look {
        /// The seat.
        key: SeatKey,
    },
    /// The seat has ended; all its descendants before it. If Stuck, what it still runs is the engine's to watch.
    Ended(EndRow),
    /// A stop has finished.
    Finished {
        /// The stop.
        request: RequestId,
        /// One row for each seat of the subtree that had not ended at the fence, children before parents.
        rows: Vec<EndRow>,
    },
    /// Give a `Tick` at this moment; replaces the last one said. If nothing is due any more, nothing is said.
    WakeAt(Time),
}
