//! Which of a run's events a person has to see: what was done to the agents concerned, and what came just before the end.
//!
//! Concerned are the agents that the failure's words name, and those to whom the plan did something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use skep_runtime::event::What;
use skep_runtime::fold::{Fold, Tree};
use skep_runtime::{AgentId, Event};

/// Lines of events that a person reads through.
const LINES: usize = 16;

/// Of these the last, whatever was done before.
const TAIL: usize = 4;

/// Lines of the tree, with its heading.
const TREE: usize = 9;

/// Letters of an event's data.
const DATA: usize = 110;

/// How many of the first events are over at the moment that the failure is about: the event or the stop that its words
/// name, else the swarm's own stop, which ends every test and says nothing about it.
pub(super) fn moment(wrong: &str, events: &[Arc<Event>]) -> usize {
    let ending = || {
        let its = |event: &Arc<Event>| match event.what {
            What::StopBegan { stop, .. } if event.agent.depth() == 0 => Some(stop),
            _ => None,
        };
        begin_of(events.iter().rev().find_map(its)?, events)
    };
    named(wrong, events).or_else(ending).unwrap_or(events.len())
}

/// The moment that the failure's words name, if they do.
fn named(wrong: &str, events: &[Arc<Event>]) -> Option<usize> {
    let number = |word: &str| {
        let rest = wrong.split_once(word)?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let event = || {
        let seq = number("event ")?;
        events.iter().position(|event| event.seq == seq).map(|at| at + 1)
    };
    event().or_else(|| begin_of(number("stop ")?, events))
}

/// Where a stop begins: with its first fence.
fn begin_of(wanted: u64, events: &[Arc<Event>]) -> Option<usize> {
    let is_its = |what: &What| matches!(what, What::StopBegan { stop, .. } | What::AgentStopping { stop } if *stop == wanted);
    events.iter().position(|event| is_its(&event.what))
}

/// The events that matter, a line each; a gap is an ellipsis.
pub(super) fn happened(wrong: &str, events: &[Arc<Event>]) -> Vec<String> {
    let names = names(events);
    let concerned = concerned(wrong, events, &names);
    let moment = moment(wrong, events);
    let matters = |event: &Event| {
        let is_quiet =
            matches!(event.what, What::WaitBegan { .. } | What::WaitEnded { .. } | What::TurnEnded);
        !is_quiet && (concerned.is_empty() || concerned.contains(&event.agent))
    };
    let of: Vec<usize> = (0..events.len()).filter(|at| matters(&events[*at])).collect();
    let is_fault = |at: usize| matches!(events[at].what, What::FaultInjected { .. });
    let end = of.partition_point(|at| *at < moment);
    let mut shown: BTreeSet<usize> = of[end.saturating_sub(TAIL)..end].iter().copied().collect();
    // What the failure's words name is looked at from both sides.
    if named(wrong, events).is_some() {
        shown.extend(of[end..].iter().take(TAIL));
    }
    for (place, _) in of.iter().enumerate().filter(|(_, at)| is_fault(**at)) {
        let mut around = of[place.saturating_sub(2)..].iter().take(LINES - TAIL);
        while let (true, Some(at)) = (shown.len() < LINES, around.next()) {
            shown.insert(*at);
        }
    }
    let mut lines = Vec::new();
    let mut last: Option<usize> = None;
    for at in shown {
        let skipped = of.iter().any(|between| last.is_none_or(|last| *between > last) && *between < at);
        if skipped {
            lines.push("  …".to_owned());
        }
        lines.push(line(&events[at], &names));
        last = Some(at);
    }
    lines
}

/// The tree at that moment; where it is large, the agents concerned and those above them.
pub(super) fn tree(wrong: &str, events: &[Arc<Event>]) -> Vec<String> {
    let until = &events[..moment(wrong, events)];
    let whole = Tree::of(until.iter().map(|event| &**event)).tree();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let whole = lines(&whole);
    if whole.len() <= TREE {
        return whole;
    }
    let concerned = concerned(wrong, events, &names(events));
    let is_on_the_way = |id: &AgentId| concerned.iter().any(|one| one.is_within(id));
    let some =
        Tree::of(until.iter().filter(|event| is_on_the_way(&event.agent)).map(|event| &**event)).tree();
    let mut some = lines(&some);
    some.truncate(TREE);
    some.push(format!("  … {} agents in all: tree.txt", whole.len() - 1));
    some
}

fn names(events: &[Arc<Event>]) -> BTreeMap<&AgentId, &str> {
    let mut names = BTreeMap::new();
    for event in events {
        if let What::AgentSpawned { name, .. } = &event.what {
            names.insert(&event.agent, name.as_str());
        }
    }
    names
}

/// Agents that the words name by id or by name, and those to whom a fault was done: the first few, in their order.
fn concerned(wrong: &str, events: &[Arc<Event>], names: &BTreeMap<&AgentId, &str>) -> BTreeSet<AgentId> {
    const MOST: usize = 6;
    let named = names.iter().filter(|(id, name)| {
        id.depth() > 0 && (stands_in(wrong, id.as_str()) || (name.len() > 1 && stands_in(wrong, name)))
    });
    let hit = events.iter().filter(|event| matches!(event.what, What::FaultInjected { .. }));
    let mut found = BTreeSet::new();
    for id in named.map(|(id, _)| *id).chain(hit.map(|event| &event.agent)) {
        if found.len() < MOST {
            found.insert(id.clone());
        }
    }
    found
}

/// Whether a name stands in a text by itself: `lab.1` not as a part of `lab.1.2`, `lab.12` or `slab.1`.
fn stands_in(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let goes_on = after.starts_with(is_part)
            || after.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        !goes_on && !before.ends_with(is_part) && !before.ends_with('.')
    })
}

/// Such as `   12   0.500s  editor, life 2, lab.1#3: turn began, attempt 2`.
fn line(event: &Event, names: &BTreeMap<&AgentId, &str>) -> String {
    let who = names.get(&event.agent).map_or_else(|| event.agent.to_string(), |name| (*name).to_owned());
    let life = if event.incarnation > 1 { format!(", life {}", event.incarnation) } else { String::new() };
    let task = event.task.as_ref().map(|task| format!(", {task}")).unwrap_or_default();
    let data = serde_json::to_value(&event.what).unwrap_or_default();
    let mut said = data.get("data").map(words).unwrap_or_default();
    if let Some((end, _)) = said.char_indices().nth(DATA) {
        said.replace_range(end.., "…");
    }
    let what = event.what.name().replace('_', " ");
    let at = event.at.to_string();
    format!("{:>6} {at:>9}  {who}{life}{task}: {what}{said}", event.seq)
}

/// Data in words: `, attempt 2`. What is nothing or empty says nothing.
fn words(data: &Value) -> String {
    match data {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !is_nothing(value))
            .map(|(name, value)| format!(", {} {}", name.replace('_', " "), plain(value)))
            .collect(),
        value if is_nothing(value) => String::new(),
        value => format!(", {}", plain(value)),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Array(items) => items.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Bool(is) => !is,
        Value::String(text) => text.is_empty(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_as_a_whole_only() {
        for (text, name, is_there) in [
            ("stop 3 of lab.1 began", "lab.1", true),
            ("task lab.1#3 is lost.", "lab.1", true),
            ("it is lab.1.", "lab.1", true),
            ("lab.1.2 and lab.12", "lab.1", false),
            ("lab.1.2", "1.2", false),
            ("the editor-2", "editor", false),
            ("\"editor\" was", "editor", true),
        ] {
            assert_eq!(stands_in(text, name), is_there, "{name} in {text}");
        }
    }
}
