//! What can happen, as values: the closed list of event types that a journal holds.
//!
//! An event says what happened, to whom, when, and because of which other event. Everything that can be seen of a swarm
//! is a fold over these. Payloads, prompts and keys are never in an event.

mod amounts;
mod kind;
mod parts;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::amounts::ALLOWANCE;
pub use self::amounts::Settled;
pub use self::kind::Kind;
pub use self::parts::{EffectEnd, Need, On, Outcome, QuestionEnd, Role, Wait};

use crate::words::budget::Budget;
use crate::words::ceiling::Ceiling;
use crate::words::child::ChildPolicy;
use crate::words::child_report::ChildReport;
use crate::words::ends::End;
use crate::words::error::Panic;
use crate::words::id::{AgentId, Incarnation, Seq, TaskId};
use crate::words::orphan::{Dealt, Found};
use crate::words::policy::Exit;
use crate::words::state::StopReason;
use crate::words::supervisor::Policy;
use crate::words::time::Time;
use crate::words::usage::Usage;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the journal, from 1.
    pub seq: Seq,
    /// When, since the session began.
    pub at: Time,
    /// To whom; the session's root where it concerns the swarm.
    pub agent: AgentId,
    /// In which life of that agent; 0 before its first start.
    pub incarnation: Incarnation,
    /// In which of its tasks, if in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The event that brought it about, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Seq>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened. The list is closed; use `Custom` for your own events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// The session began; the moment by the wall clock, in milliseconds since 1970.
    SessionBegan {
        /// The session's name, the first segment of every id.
        name: String,
        /// Milliseconds since 1970, by the wall clock.
        unix_ms: u64,
    },
    /// The session ended: nothing is left running.
    SessionEnded,

    /// An agent has its place in the tree.
    AgentSpawned {
        /// Its name, unique among its siblings.
        name: String,
        /// The type of its behaviour.
        agent_type: String,
        /// What it is to its parent.
        role: Role,
        /// The budget on its subtree, where its spec gives one.
        budget: Option<Box<Budget>>,
        /// What it may do itself, where its spec says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grants: Option<Box<Ceiling>>,
        /// The ceiling over its subtree, where its spec gives one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ceiling: Option<Box<Ceiling>>,
    },
    /// An incarnation has started and accepts tasks.
    AgentStarted,
    /// A start failed, at the spawn or at a restart.
    AgentStartFailed {
        /// One line about it.
        message: String,
    },
    /// An incarnation ended by itself.
    AgentExited {
        /// How.
        exit: Exit,
    },
    /// The next incarnation is due after a pause.
    AgentRestarting {
        /// How long it waits for its next start; zero without a backoff.
        pause: Duration,
    },
    /// A stop has fenced the agent: nothing new begins in it.
    AgentStopping {
        /// The stop's number.
        stop: u64,
    },
    /// The agent has ended for good. `end` is how a stop ended it, if one did.
    AgentStopped {
        /// Why.
        reason: StopReason,
        /// How the stop ended it; none where no stop did.
        end: Option<End>,
        /// Whether its spec remains: it can then be spawned again under the same id, and keeps its place until then.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        spec_stands: bool,
    },
    /// The spec of an agent that had ended was removed: its place is free.
    SpecDropped,

    /// A pause of the agent's subtree was ordered: from here on nothing new begins there.
    PauseBegan {
        /// The pause's number in the session.
        pause: u64,
        /// Living agents in the subtree.
        agents: usize,
        /// When the receipt is due, from now.
        within: Duration,
        /// Whether effects in flight were cut short that may run again.
        now: bool,
        /// Whether deadlines are suspended meanwhile.
        holds_deadlines: bool,
        /// Who needs more of a budget, where that pauses and asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        need: Option<Box<Need>>,
    },
    /// The receipt of a pause: who is quiet, and who was not by its deadline.
    PauseStands {
        /// The pause's number.
        pause: u64,
        /// Agents that are quiet.
        quiet: usize,
        /// Agents that were not, and become so at their next await.
        busy: usize,
    },
    /// The agent's own pause was lifted.
    PauseEnded,
    /// The agent is quiet: until it is resumed or ended nothing begins at it.
    AgentPaused,
    /// Neither the agent nor any agent above it is paused any more, or its supervisor ends the incarnation.
    AgentResumed,

    /// A task was put into the mailbox, by an asker's task or from outside.
    TaskAccepted {
        /// The task whose turn asked; none from outside.
        asker: Option<TaskId>,
        /// The dead letter that it is a replay of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replay_of: Option<TaskId>,
    },
    /// A turn has taken the task up, for the n-th time.
    TurnBegan {
        /// The attempt, from 1.
        attempt: u32,
    },
    /// A crash or a lost cell ended the turn, and the task waits for the next.
    TaskRedelivered {
        /// What ended the turn, one line.
        error: String,
    },
    /// Its agent's `on_help` answered after the last attempt.
    TaskHelped,
    /// The turn has asked what an earlier attempt had asked, and takes that over: the finished task with its answer, or the
    /// task as it stands.
    TaskClaimed {
        /// The task that was asked.
        task: TaskId,
    },
    /// The turn makes an effect that an earlier attempt has made, and gets its result.
    EffectRecalled {
        /// The effect's kind.
        kind: String,
    },
    /// The turn got a result that cannot be kept for a next attempt: it would read back as something else, or not at all. So
    /// its task is not redelivered automatically.
    ResultNotKept {
        /// The effect's kind.
        kind: String,
        /// Why, in words that hold nothing of it.
        why: String,
    },
    /// The same of another agent's answer.
    AnswerNotKept {
        /// The task that was asked.
        task: TaskId,
        /// Why, in words that hold nothing of it.
        why: String,
    },
    /// The asker no longer waits for the task, and it goes on.
    TaskDetached,
    /// The task has its one outcome.
    TaskEnded {
        /// The outcome.
        outcome: Outcome,
    },
    /// The turn is over, with or after its task.
    TurnEnded,

    /// An effect passed all checks and begins; its worst case is reserved, for all its tries.
    EffectBegan {
        /// The effect's number in the session.
        effect: u64,
        /// Its kind, such as `model` or `grep`.
        kind: String,
        /// Its worst case, reserved at its agent and every ancestor.
        reserved: Usage,
        /// What it calls and reaches, where it says so.
        on: Option<Box<On>>,
    },
    /// A link of the chain answered an effect with an earlier result: nothing is called.
    EffectAnswered {
        /// The effect's kind.
        kind: String,
        /// What it would have called, where it says so.
        subject: Option<String>,
        /// The link.
        link: String,
    },
    /// A try of an effect failed and there will be another. What it used is booked, and nothing is reserved meanwhile.
    EffectRetried {
        /// The effect's number.
        effect: u64,
        /// Tries made so far.
        tries: u32,
        /// What the last try failed with, one line.
        error: String,
        /// What is booked for it.
        #[serde(default)]
        used: Usage,
        /// What is no longer reserved.
        #[serde(default)]
        freed: Usage,
        /// Whether the provider did not say what was used.
        #[serde(default)]
        estimated: bool,
    },
    /// The next try of an effect passed all checks and begins; its worst case is reserved again, with that of those that may
    /// follow.
    TryBegan {
        /// The effect's number.
        effect: u64,
        /// What is reserved at its agent and every ancestor.
        reserved: Usage,
    },
    /// An effect's answer has begun to arrive.
    StreamBegan {
        /// The effect's number.
        effect: u64,
    },
    /// An effect is over: what it used is booked and what was reserved for it is free again.
    EffectEnded {
        /// The effect's number.
        effect: u64,
        /// How it ended.
        end: EffectEnd,
        /// What is booked, but for what was booked for earlier tries.
        used: Usage,
        /// What is no longer reserved: as much as the begin of its last try reserved.
        reserved: Usage,
        /// Whether the provider did not say what was used, in any try.
        estimated: bool,
        /// Whether it ended after its agent's stop.
        late: bool,
    },
    /// A link of the chain refused an effect before it began.
    EffectRefused {
        /// The kind of effect.
        kind: String,
        /// The link of the chain that refused.
        link: String,
        /// Why, one line.
        message: String,
    },
    /// A provider billed more than the worst case it had stated.
    Overrun {
        /// The effect's number.
        effect: u64,
        /// What was billed above the worst case, amount by amount.
        over: Usage,
        /// Whether the effect had said that it was free: then every budget above that bounds what was billed is closed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        free: bool,
    },
    /// The agent's budget has been raised.
    BudgetGranted {
        /// By how much of each amount.
        more: Box<Budget>,
    },
    /// A budget has passed its warning share, in thousandths.
    BudgetWarned {
        /// The share that has been passed, in thousandths.
        permille: u32,
    },

    /// The turn waits for something other than an effect.
    WaitBegan {
        /// The wait's number in the session.
        wait: u64,
        /// What it waits for.
        on: Wait,
    },
    /// It waits no longer.
    WaitEnded {
        /// The wait's number.
        wait: u64,
    },
    /// What the agent says it is doing now.
    Progress {
        /// One line.
        text: String,
    },
    /// The agent has received a question from below.
    QuestionBegan {
        /// The question's number in the session; each agent on its way has one of its own.
        question: u64,
        /// Who asks.
        from: AgentId,
    },
    /// It is done with the question.
    QuestionEnded {
        /// The question's number.
        question: u64,
        /// How.
        end: QuestionEnd,
    },
    /// A turn has shown no progress for too long.
    TurnStale {
        /// How long it has been silent.
        silent: Duration,
    },
    /// Somebody interrupted the turn.
    TurnInterrupted,
    /// A part of the agent's code has panicked. What follows from it for the turn and the incarnation are other events.
    Panicked {
        /// Which part: `handle`, `start`, `stop`, `on_help`, `on_question`, or `factory` and `accept` for the closures.
        part: String,
        /// Its location and message, and a backtrace if one was requested.
        panic: Box<Panic>,
    },

    /// A supervisor's report about one of its children.
    SupervisorReport(Box<ChildReport>),
    /// Somebody took rights away: from now on its ceiling allows only what both ceilings allow.
    CeilingNarrowed {
        /// By what.
        by: Box<Ceiling>,
    },
    /// Somebody changed how the agent supervises; this is the new policy.
    PolicyChanged(Box<Policy>),
    /// Somebody changed how its supervisor treats the agent; this is the new policy.
    ChildPolicyChanged(Box<ChildPolicy>),
    /// A report of the runtime, one line, and the child it speaks of.
    Reported {
        /// One line.
        report: String,
        /// The child it speaks of, if of one.
        child: Option<AgentId>,
    },
    /// A sweep, or its supervisor's end, found a leftover at the agent and dealt with it.
    OrphanFound {
        /// What was found.
        found: Found,
        /// What was done about it.
        dealt: Dealt,
    },
    /// The agent has a new supervisor; its id and its place in the ledger stay.
    AgentAdopted {
        /// Who: the nearest ancestor that lives.
        by: AgentId,
    },
    /// The cell that served the agent was lost, and a new one has taken over its seat.
    CellLost,
    /// An incarnation holds something.
    HoldingTaken {
        /// The holding's number in the session.
        holding: u64,
        /// What is held.
        name: String,
    },
    /// The incarnation has released the holding.
    HoldingReleased {
        /// The holding's number.
        holding: u64,
    },

    /// A stop of the agent and its subtree began.
    StopBegan {
        /// The stop's number in the session.
        stop: u64,
        /// Agents alive at the fence.
        agents: usize,
        /// Its deadline, from now.
        within: Duration,
    },
    /// The stop is over.
    StopEnded {
        /// The stop's number.
        stop: u64,
        /// Agents that it ended.
        agents: usize,
        /// Those of them that could not be aborted.
        stuck: usize,
        /// Whether all of them ended cleanly.
        clean: bool,
    },

    /// A fault plan did something here.
    FaultInjected {
        /// The rule's place in the plan, from 0.
        rule: usize,
        /// The fault point.
        point: String,
        /// What was done.
        action: String,
    },
    /// An event of the user's own.
    Custom {
        /// The user's event type.
        name: String,
        /// Its version.
        version: u32,
        /// Its data.
        data: serde_json::Value,
    },
}
