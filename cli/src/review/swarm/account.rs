//! What was done to the swarm on purpose and what it did about it, from the journal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use skep_runtime::event::EffectEnd;
use skep_runtime::{AgentId, Event, Exit, FailureClass, Time, What};

use crate::review::report::{Chaos, Cost};

/// The account of a chaos.
pub(super) fn account(seed: u64, planned: usize, events: &[Arc<Event>], cost: &Cost) -> Chaos {
    let mut faults = done_to_it(events);
    if faults.len() < planned {
        faults.push(format!("{} more planned, for which no moment came", planned - faults.len()));
    }
    let mut answers = done_about_it(events);
    answers.push(format!(
        "bill: {} for {}, each booked once",
        cost.money(),
        counted(cost.tool_calls, "call")
    ));
    Chaos { seed, faults, answers }
}

fn names<'e>(events: &'e [Arc<Event>]) -> HashMap<&'e AgentId, &'e str> {
    let spawned = |event: &'e Arc<Event>| match &event.what {
        What::AgentSpawned { name, .. } => Some((&event.agent, &**name)),
        _ => None,
    };
    events.iter().filter_map(spawned).collect()
}

fn done_to_it(events: &[Arc<Event>]) -> Vec<String> {
    let names = names(events);
    let fault = |event: &Arc<Event>| {
        let What::FaultInjected { point, action, .. } = &event.what else { return None };
        let name = names.get(&event.agent).copied().unwrap_or("an agent");
        let place = match point.split_once(':') {
            Some(("effect", kind)) => format!("in {kind}"),
            _ => "at the begin of a turn".to_owned(),
        };
        let done = match action.as_str() {
            "panic" => "was made to panic",
            "hang" | "hang_deaf" => "was hung",
            "slow" => "was slowed down",
            "kill" => "was killed",
            "lose_cell" => "lost its cell",
            other => other,
        };
        Some(format!("{:.2} s: {name} {done} {place}", seconds(event.at.since(Time::ZERO))))
    };
    events.iter().filter_map(fault).collect()
}

fn done_about_it(events: &[Arc<Event>]) -> Vec<String> {
    let count = |test: fn(&What) -> bool| events.iter().filter(|event| test(&event.what)).count();
    let failed = |class: FailureClass| {
        let is = |event: &&Arc<Event>| matches!(&event.what, What::AgentExited { exit: Exit::Failed { class: of, .. } } if *of == class);
        events.iter().filter(is).count()
    };
    let restarts = restarts(events);
    let longest = restarts.iter().max().copied().unwrap_or_default();
    let lines = [
        (failed(FailureClass::Bug), "crash", "caught: an exit of the agent, not the end of the review"),
        (failed(FailureClass::Killed), "kill", "survived: the end of a life, not of the agent"),
        (
            count(|what| matches!(what, What::TurnStale { .. })),
            "stale turn",
            "found by the heartbeat and ended",
        ),
        (count(|what| matches!(what, What::CellLost)), "lost cell", "replaced in the same seat"),
        (restarts.len(), "restart", "in place: same id, address and queue"),
        (
            count(|what| matches!(what, What::TaskRedelivered { .. })),
            "batch",
            "delivered again, taken into the place of the first",
        ),
        (count(|what| matches!(what, What::EffectRetried { .. })), "effect", "tried again"),
        (
            count(|what| matches!(what, What::EffectEnded { end: EffectEnd::Expired, .. })),
            "effect",
            "ended by its deadline",
        ),
    ];
    let mut answers: Vec<String> = lines
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, noun, words)| format!("{} {words}", counted(count, noun)))
        .collect();
    if !restarts.is_empty() {
        answers.push(format!(
            "longest time from an exit to the next start: {:.1} ms",
            seconds(longest) * 1_000.0
        ));
    }
    answers
}

/// How long each restart took, from the exit to the next start.
fn restarts(events: &[Arc<Event>]) -> Vec<Duration> {
    let mut down = HashMap::new();
    let mut took = Vec::new();
    for event in events {
        match &event.what {
            What::AgentExited { .. } => {
                down.insert(&event.agent, event.at);
            }
            What::AgentStarted => took.extend(down.remove(&event.agent).map(|since| event.at.since(since))),
            _ => {}
        }
    }
    took
}

fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}

fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "crash" | "batch") => format!("{count} {noun}es"),
        _ => format!("{count} {noun}s"),
    }
}
