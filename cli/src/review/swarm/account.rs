//! What was injected into the swarm on purpose and what it did about it, from its chronicle.

use super::chronicle::Told;
use crate::review::report::{Chaos, Cost};

/// The account of a chaos.
pub(super) fn account(seed: u64, planned: usize, told: &Told, cost: &Cost) -> Chaos {
    let mut faults = told.faults.clone();
    if faults.len() < planned {
        faults.push(format!("{} more planned, but the run ended first", planned - faults.len()));
    }
    let mut answers = done_about_it(told);
    if told.has_gaps {
        answers.push("some events were missed, so these counts may be too low".to_owned());
    }
    answers.push(format!(
        "bill: {} for {}, each booked once",
        cost.money(),
        counted(cost.tool_calls, "call")
    ));
    Chaos { seed, faults, answers }
}

fn done_about_it(told: &Told) -> Vec<String> {
    let lines = [
        (told.crashes, "crash", "caught: a crash ends one life of an agent, not the review"),
        (told.kills, "kill", "survived: a kill ends one life of an agent, not the agent"),
        (told.stale, "stale turn", "found by the heartbeat and ended"),
        (told.lost_cells, "lost cell", "replaced in the same seat"),
        (told.restarts, "restart", "in place: same id, address and queue"),
        (told.redelivered, "batch", "delivered again; no result is counted twice"),
        (told.retried, "effect", "tried again"),
        (told.expired, "effect", "cut off at the deadline"),
    ];
    let lines = lines.into_iter().filter(|(count, ..)| *count > 0);
    let mut answers: Vec<String> =
        lines.map(|(count, noun, words)| format!("{} {words}", counted(count, noun))).collect();
    if told.restarts > 0 {
        let longest = told.longest_restart.as_secs_f64() * 1_000.0;
        answers.push(format!("longest time from an exit to the next start: {longest:.1} ms"));
    }
    answers
}

fn counted(count: u64, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "crash" | "batch") => format!("{count} {noun}es"),
        _ => format!("{count} {noun}s"),
    }
}
