//! What can happen, as values: the closed list of event types that a journal holds.
//!
//! An event says what happened, to whom, when, and because of which other event. Everything that can be seen of a swarm
//! is a fold over these. Payloads, prompts and keys are never in an event.

mod amounts;
mod kind;
mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::amounts::ALLOWANCE;
pub use self::amounts::Settled;
pub use self::kind::Kind;
pub use self::words::{EffectEnd, Need, On, Outcome, QuestionEnd, Role, Wait};

use crate::ceiling::Ceiling;
use crate::error::Panic;
use crate::id::{AgentId, Incarnation, Seq, TaskId};
use crate::ledger::Budget;
use crate::lifecycle::StopReason;
use crate::orphans::{Dealt, Found};
use crate::policy::Exit;
use crate::stopping::End;
use crate::supervision::{ChildPolicy, ChildReport, Policy};
use crate::time::Time;
use crate::usage::Usage;

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

/// What happened. The list is closed; `Custom` is for what a user wants to see among the rest.
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
    /// The session ended: nothing of it lives.
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
    /// An incarnation has started and takes tasks.
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
        /// Its spec stands: it can be spawned again under the same id, and keeps its place until then.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        spec_stands: bool,
    },
    /// The spec of an agent that had ended stands no longer: its place is free.
    SpecDropped,

    /// A pause of the agent's subtree was ordered: from here on nothing begins there but what is on its way.
    PauseBegan {
        /// The pause's number in the session.
        pause: u64,
        /// Living agents in the subtree.
        agents: usize,
        /// When the receipt is due, from now.
        within: Duration,
        /// Whether effects in flight were cut short that may run again.
        now: bool,
        /// Whether the clocks of deadlines stand meanwhile.
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
    /// The pause that stood at the agent was lifted.
    PauseEnded,
    /// The agent is quiet: until it is resumed or ended nothing begins at it.
    AgentPaused,
    /// No pause stands at the agent or above it any more, or its supervisor ends the incarnation.
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
    /// The turn has asked what an attempt before it had asked, and gets that: the task and its answer, or what it is at.
    TaskClaimed {
        /// The task that was asked.
        task: TaskId,
    },
    /// The turn makes an effect that an attempt before it has made, and gets its result.
    EffectRecalled {
        /// The effect's kind.
        kind: String,
    },
    /// The turn was given a result that cannot be kept for a next attempt: it would come back as something else, or not at all.
    /// So its task does not come again by itself.
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
    /// Whoever asked it waits no longer, and it goes on.
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
    /// A link of the chain had the result of an effect, from before: nothing is called.
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
    /// What the agent says that it does now.
    Progress {
        /// One line.
        text: String,
    },
    /// The agent has a question from below before it.
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
    /// A turn has shown no progress for so long.
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
        /// Where, with which words, and by which calls if that was asked for.
        panic: Box<Panic>,
    },

    /// A supervisor's report about one of its children.
    SupervisorReport(Box<ChildReport>),
    /// Somebody took rights away: its ceiling allows what both allow from now on.
    CeilingNarrowed {
        /// By what.
        by: Box<Ceiling>,
    },
    /// Somebody changed how the agent supervises; this holds from now on.
    PolicyChanged(Box<Policy>),
    /// Somebody changed how its supervisor treats the agent; this holds from now on.
    ChildPolicyChanged(Box<ChildPolicy>),
    /// A report of the runtime, one line, and the child it speaks of.
    Reported {
        /// One line.
        report: String,
        /// The child it speaks of, if of one.
        child: Option<AgentId>,
    },
    /// A sweep, or its supervisor's end, found something at the agent that should not be, and dealt with it.
    OrphanFound {
        /// What was found.
        found: Found,
        /// What was done about it.
        dealt: Dealt,
    },
    /// Another supervises the agent from now on; its id and its place in the ledger stay.
    AgentAdopted {
        /// Who: the nearest ancestor that lives.
        by: AgentId,
    },
    /// The cell that served the agent was lost and another takes its seat over.
    CellLost,
    /// An incarnation holds something.
    HoldingTaken {
        /// The holding's number in the session.
        holding: u64,
        /// What is held.
        name: String,
    },
    /// It holds it no longer.
    HoldingReleased {
        /// The holding's number.
        holding: u64,
    },

    /// A stop of the agent with its subtree began: so many agents were alive at its fence.
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
    /// What a user's code adds.
    Custom {
        /// The user's event type.
        name: String,
        /// Its version.
        version: u32,
        /// Its data.
        data: serde_json::Value,
    },
}
