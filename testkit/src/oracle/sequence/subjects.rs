//! Which things an event is about.

use skep_runtime::event::{Event, What};
use skep_runtime::{AgentId, End};

use super::table::{AGENT, EFFECT, HOLDING, LIFE, Machine, PAUSE, QUESTION, SESSION, STOP, TASK, TURN, WAIT};

/// What the table calls an event: its type, of an agent's end which it is, and of what ends whether it was of a task.
pub(super) fn name(event: &Event) -> &'static str {
    match &event.what {
        What::EffectEnded { .. } if event.task.is_none() => "effect_ended, of no task",
        What::Overrun { .. } if event.task.is_none() => "overrun, of no task",
        What::WaitEnded { .. } if event.task.is_none() => "wait_ended, of no task",
        What::AgentStopped { end: Some(End::Stuck), spec_stands: true, .. } => {
            "agent_stopped, stuck, its spec stands"
        }
        What::AgentStopped { end: Some(End::Stuck), .. } => "agent_stopped, stuck",
        What::AgentStopped { spec_stands: true, .. } => "agent_stopped, its spec stands",
        other => other.name(),
    }
}

/// Each thing that an event is about, with its machine.
pub(super) fn subjects(event: &Event) -> Vec<(&'static Machine, String)> {
    let mut all = vec![(&SESSION, "itself".to_owned()), (&AGENT, event.agent.to_string())];
    let numbered: Option<(&'static Machine, u64)> = match &event.what {
        What::AgentSpawned { .. }
        | What::AgentStarted
        | What::AgentStartFailed { .. }
        | What::AgentExited { .. } => {
            all.push((&LIFE, format!("{} of {}", event.incarnation, event.agent)));
            None
        }
        What::EffectBegan { effect, .. }
        | What::EffectRetried { effect, .. }
        | What::TryBegan { effect, .. }
        | What::StreamBegan { effect }
        | What::EffectEnded { effect, .. }
        | What::Overrun { effect, .. } => Some((&EFFECT, *effect)),
        What::WaitBegan { wait, .. } | What::WaitEnded { wait } => Some((&WAIT, *wait)),
        What::QuestionBegan { question, .. } | What::QuestionEnded { question, .. } => {
            Some((&QUESTION, *question))
        }
        What::HoldingTaken { holding, .. } | What::HoldingReleased { holding } => Some((&HOLDING, *holding)),
        What::PauseBegan { pause, .. } | What::PauseStands { pause, .. } => Some((&PAUSE, *pause)),
        What::AgentStopping { stop } | What::StopBegan { stop, .. } | What::StopEnded { stop, .. } => {
            // One stop fences many agents.
            all.push((&STOP, stop.to_string()));
            None
        }
        _ => None,
    };
    all.extend(numbered.map(|(machine, number)| (machine, format!("{number} of {}", event.agent))));
    if let Some(task) = &event.task {
        match event.what {
            What::TaskAccepted { .. } | What::TaskEnded { .. } | What::TaskDetached => {
                all.push((&TASK, task.to_string()));
            }
            // Of the task and of its turn.
            What::TurnBegan { .. } | What::TaskRedelivered { .. } | What::TaskHelped => {
                all.push((&TASK, task.to_string()));
                all.push((&TURN, turn_of(&event.agent, &task.to_string())));
            }
            _ => all.push((&TURN, turn_of(&event.agent, &task.to_string()))),
        }
    }
    all
}

/// A turn's name, by its agent, so that those of one agent stand together.
pub(super) fn turn_of(agent: &AgentId, task: &str) -> String {
    format!("{agent} at {task}")
}
