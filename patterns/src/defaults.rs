//! The patterns' defaults, each with its reason. All of them can be changed where a pattern is used.

use std::time::Duration;

/// Parts of a pattern that work at once: enough to hide a model's latency, below the limit of requests at once that
/// providers set for a small account.
pub(crate) const AT_MOST: usize = 6;
/// What a whole pattern may take: the runtime's default for an ask, since to its caller it is one.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);
/// What a vote may take: as long as a person waits at a form, and twice what one model's answer may take.
pub(crate) const VOTE_WITHIN: Duration = Duration::from_secs(60);
/// How often a part that failed is tried again: with the first that makes the runtime's three attempts at a task.
pub(crate) const RETRIES: u32 = 2;
/// Failures after which a pattern of many dependent steps begins no more: one may be chance and two bad luck.
pub(crate) const FAILURES: usize = 3;
/// Failures that a report's Display names before it counts the rest: what a person reads on a line.
pub(crate) const NAMED_FAILURES: usize = 10;
/// Outputs that one reduce step gets: few enough for a model to weigh each, and a thousand are reduced in four levels.
pub(crate) const FAN_IN: usize = 8;
/// How often a task is split, one split within another: as deep as a tree of agents may be by default.
pub(crate) const SPLITS: u32 = 5;
/// Tasks of one delegation: enough for five levels of two parts (63) or three of four (85), and few enough for a person to look
/// through; at most 200 agents are asked for them.
pub(crate) const DELEGATED: usize = 100;
/// For how long a worker of a queue has a task before it goes to another: the runtime's default for an ask, which it is.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// Tasks that may wait in a queue for each worker before there is to be another: a worker that is done finds the next there.
pub(crate) const QUEUE_PER_WORKER: usize = 2;
/// Workers that a queue grows by at once: a flood is met in a few steps, and a hiccup does not start all that there may be.
pub(crate) const QUEUE_STEP: usize = 3;
/// A worker of a queue that is idle for so long is stopped: longer than between two tasks of one source.
pub(crate) const QUEUE_IDLE: Duration = Duration::from_secs(10);
/// Starts of a queue's workers that fail one after the other before it ends, if no other worker is there: the runtime's attempts.
pub(crate) const QUEUE_STARTS: u32 = 3;
/// The longest pause between two starts of a queue's workers where those before have failed: the runtime's between restarts.
pub(crate) const QUEUE_PAUSE: Duration = Duration::from_secs(30);
/// How long a task waits until it goes before one of the next higher priority that has just come: as long as a person would
/// bear being overtaken.
pub(crate) const AGEING: Duration = Duration::from_secs(60);
/// Tasks that wait in an open queue before `push` waits: what a mailbox holds.
pub(crate) const QUEUE_ROOM: usize = 64;
/// Times that a supervisor's workers are given a task in all: more than a person would plan for one goal.
pub(crate) const SUPERVISED: usize = 30;
/// Decisions of a supervisor: one for the end of each task, and some to plan and to try again.
pub(crate) const ROUNDS: u32 = 40;
/// Times that work is passed on: each is a call in which nobody works on it, and who passes for the sixth time is lost.
pub(crate) const HOPS: u32 = 5;
/// Rounds of a review loop: what reviewers find after the second draft is mostly taste, and a third settles what is left.
pub(crate) const REVIEW_ROUNDS: u32 = 3;
/// How often a member of a council is asked again for a ranking that was none: once, so that the whole takes 3N + 1 calls at
/// most. Answers are asked for once, since the council can do without one.
pub(crate) const RANKING_RETRIES: u32 = 1;
