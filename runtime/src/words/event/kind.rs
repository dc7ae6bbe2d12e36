//! What an event type is called, and which group it belongs to.

use serde::{Deserialize, Serialize};

use super::What;

/// The groups of event types that a subscription can choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The session's begin and end.
    Session,
    /// Spawns, starts, exits, restarts, ends.
    Agent,
    /// Tasks, turns, progress.
    Task,
    /// Effects and waits.
    Effect,
    /// Overruns, warnings and grants.
    Budget,
    /// Reports, changes of policy, lost cells, stale turns, panics, holdings.
    Supervision,
    /// Pauses of subtrees.
    Pause,
    /// Stops of subtrees.
    Stop,
    /// What a fault plan did.
    Fault,
    /// What users add.
    Custom,
}

impl What {
    /// Whether this frees the agent's place: nothing that it or anything below it does comes after, but what it settles.
    #[must_use]
    pub const fn frees(&self) -> bool {
        matches!(self, Self::AgentStopped { spec_stands: false, .. } | Self::SpecDropped)
    }

    /// The group that this type belongs to.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::SessionBegan { .. } | Self::SessionEnded => Kind::Session,
            Self::AgentSpawned { .. }
            | Self::AgentStarted
            | Self::AgentStartFailed { .. }
            | Self::AgentExited { .. }
            | Self::AgentRestarting { .. }
            | Self::AgentStopping { .. }
            | Self::AgentStopped { .. }
            | Self::SpecDropped
            | Self::AgentPaused
            | Self::AgentResumed => Kind::Agent,
            Self::PauseBegan { .. } | Self::PauseStands { .. } | Self::PauseEnded => Kind::Pause,
            Self::TaskAccepted { .. }
            | Self::TurnBegan { .. }
            | Self::TaskRedelivered { .. }
            | Self::TaskEnded { .. }
            | Self::TurnEnded
            | Self::Progress { .. }
            | Self::TaskHelped
            | Self::TaskClaimed { .. }
            | Self::EffectRecalled { .. }
            | Self::EffectAnswered { .. }
            | Self::ResultNotKept { .. }
            | Self::AnswerNotKept { .. }
            | Self::TaskDetached
            | Self::QuestionBegan { .. }
            | Self::QuestionEnded { .. }
            | Self::TurnInterrupted => Kind::Task,
            Self::EffectBegan { .. }
            | Self::EffectRetried { .. }
            | Self::TryBegan { .. }
            | Self::StreamBegan { .. }
            | Self::EffectEnded { .. }
            | Self::EffectRefused { .. }
            | Self::WaitBegan { .. }
            | Self::WaitEnded { .. } => Kind::Effect,
            Self::Overrun { .. } | Self::BudgetGranted { .. } | Self::BudgetWarned { .. } => Kind::Budget,
            Self::SupervisorReport(_)
            | Self::CeilingNarrowed { .. }
            | Self::PolicyChanged(_)
            | Self::ChildPolicyChanged(_)
            | Self::Reported { .. }
            | Self::OrphanFound { .. }
            | Self::AgentAdopted { .. }
            | Self::CellLost
            | Self::TurnStale { .. }
            | Self::Panicked { .. }
            | Self::HoldingTaken { .. }
            | Self::HoldingReleased { .. } => Kind::Supervision,
            Self::StopBegan { .. } | Self::StopEnded { .. } => Kind::Stop,
            Self::FaultInjected { .. } => Kind::Fault,
            Self::Custom { .. } => Kind::Custom,
        }
    }

    /// The type's name, as it stands in a journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionBegan { .. } => "session_began",
            Self::SessionEnded => "session_ended",
            Self::AgentSpawned { .. } => "agent_spawned",
            Self::AgentStarted => "agent_started",
            Self::AgentStartFailed { .. } => "agent_start_failed",
            Self::AgentExited { .. } => "agent_exited",
            Self::AgentRestarting { .. } => "agent_restarting",
            Self::AgentStopping { .. } => "agent_stopping",
            Self::AgentStopped { .. } => "agent_stopped",
            Self::SpecDropped => "spec_dropped",
            Self::PauseBegan { .. } => "pause_began",
            Self::PauseStands { .. } => "pause_stands",
            Self::PauseEnded => "pause_ended",
            Self::AgentPaused => "agent_paused",
            Self::AgentResumed => "agent_resumed",
            Self::TaskAccepted { .. } => "task_accepted",
            Self::TurnBegan { .. } => "turn_began",
            Self::TaskRedelivered { .. } => "task_redelivered",
            Self::TaskEnded { .. } => "task_ended",
            Self::TurnEnded => "turn_ended",
            Self::EffectBegan { .. } => "effect_began",
            Self::EffectRetried { .. } => "effect_retried",
            Self::TryBegan { .. } => "try_began",
            Self::StreamBegan { .. } => "stream_began",
            Self::EffectEnded { .. } => "effect_ended",
            Self::EffectRefused { .. } => "effect_refused",
            Self::Overrun { .. } => "overrun",
            Self::BudgetGranted { .. } => "budget_granted",
            Self::BudgetWarned { .. } => "budget_warned",
            Self::WaitBegan { .. } => "wait_began",
            Self::WaitEnded { .. } => "wait_ended",
            Self::Progress { .. } => "progress",
            Self::TaskHelped => "task_helped",
            Self::TaskClaimed { .. } => "task_claimed",
            Self::EffectRecalled { .. } => "effect_recalled",
            Self::EffectAnswered { .. } => "effect_answered",
            Self::ResultNotKept { .. } => "result_not_kept",
            Self::AnswerNotKept { .. } => "answer_not_kept",
            Self::TaskDetached => "task_detached",
            Self::QuestionBegan { .. } => "question_began",
            Self::QuestionEnded { .. } => "question_ended",
            Self::TurnStale { .. } => "turn_stale",
            Self::TurnInterrupted => "turn_interrupted",
            Self::Panicked { .. } => "panicked",
            Self::SupervisorReport(_) => "supervisor_report",
            Self::CeilingNarrowed { .. } => "ceiling_narrowed",
            Self::PolicyChanged(_) => "policy_changed",
            Self::ChildPolicyChanged(_) => "child_policy_changed",
            Self::Reported { .. } => "reported",
            Self::OrphanFound { .. } => "orphan_found",
            Self::AgentAdopted { .. } => "agent_adopted",
            Self::CellLost => "cell_lost",
            Self::HoldingTaken { .. } => "holding_taken",
            Self::HoldingReleased { .. } => "holding_released",
            Self::StopBegan { .. } => "stop_began",
            Self::StopEnded { .. } => "stop_ended",
            Self::FaultInjected { .. } => "fault_injected",
            Self::Custom { .. } => "custom",
        }
    }
}
