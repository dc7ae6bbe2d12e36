//! P1: a stop names all that was alive at its fence, once each, and all of it ends before the stop does.

use std::collections::BTreeSet;

use skep_runtime::event::What;
use skep_runtime::{AgentId, End, StopReceipt};

use super::Evidence;
use super::roster::{Adoptions, Roster};

/// A stop as the journal has it.
struct Stop {
    number: u64,
    root: AgentId,
    agents: usize,
    /// Alive when the first agent was fenced, and when the fence was up; by a virtual clock the same.
    before: BTreeSet<AgentId>,
    at_fence: BTreeSet<AgentId>,
    ended: BTreeSet<AgentId>,
    is_over: bool,
}

/// See the module.
#[must_use]
pub fn stops(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut roster = Roster::default();
    let mut adoptions = Adoptions::default();
    let mut fencing: Option<(u64, BTreeSet<AgentId>, AgentId)> = None;
    let mut all: Vec<Stop> = Vec::new();
    // What could not be stopped may still be there for a later stop to name.
    let mut stuck: BTreeSet<AgentId> = BTreeSet::new();
    let alive = |roster: &Roster, top: &AgentId| {
        roster
            .alive_within(top)
            .filter(|(_, entry)| !entry.is_place)
            .map(|(id, _)| id.clone())
            .collect::<BTreeSet<_>>()
    };
    for event in evidence.events {
        match &event.what {
            What::AgentStopping { stop } if fencing.as_ref().is_none_or(|(number, ..)| number != stop) => {
                fencing = Some((*stop, alive(&roster, &event.agent), event.agent.clone()));
            }
            What::StopBegan { stop, agents, .. } => {
                let at_fence = alive(&roster, &event.agent);
                let before = match fencing.take() {
                    // Somebody may have ended between the walk and its word.
                    _ if evidence.threads => roster.ever_within(&event.agent),
                    Some((number, mut before, top)) if number == *stop && top == event.agent => {
                        // What began before the fence had come to it.
                        before.extend(at_fence.iter().cloned());
                        before
                    }
                    _ => at_fence.clone(),
                };
                all.push(Stop {
                    number: *stop,
                    root: event.agent.clone(),
                    agents: *agents,
                    before,
                    at_fence,
                    ended: BTreeSet::new(),
                    is_over: false,
                });
            }
            What::AgentStopped { end, .. } => {
                if *end == Some(End::Stuck) {
                    stuck.insert(event.agent.clone());
                }
                for stop in all.iter_mut().filter(|stop| !stop.is_over && event.agent.is_within(&stop.root)) {
                    let is_new = stop.ended.insert(event.agent.clone());
                    if !is_new {
                        wrong.push(format!("{} ended twice in stop {}", event.agent, stop.number));
                    }
                }
            }
            What::StopEnded { stop, agents, .. } => {
                match all.iter_mut().find(|known| known.number == *stop) {
                    None => wrong.push(format!("stop {stop} ended and had never begun")),
                    Some(known) => wrong.extend(known.end(*agents, &stuck)),
                }
            }
            _ => {}
        }
        roster.apply(event);
        adoptions.apply(event);
    }
    let left = all.iter().filter(|stop| !stop.is_over);
    wrong.extend(left.map(|stop| format!("stop {} of {} began and never ended", stop.number, stop.root)));
    wrong.extend(evidence.receipts.iter().flat_map(|receipt| receipt_is_whole(receipt, &all, &adoptions)));
    wrong
}

impl Stop {
    fn end(&mut self, agents: usize, stuck: &BTreeSet<AgentId>) -> Vec<String> {
        let mut wrong = Vec::new();
        let was_over = std::mem::replace(&mut self.is_over, true);
        let Self { number, root, .. } = &*self;
        if was_over {
            wrong.push(format!("stop {number} of {root} ended twice"));
        }
        let span = self.at_fence.len()..=self.before.len();
        let lingering = stuck.iter().filter(|id| id.is_within(root) && !self.at_fence.contains(id));
        let most = self.agents + lingering.clone().count();
        if !span.contains(&self.agents) || !(self.agents..=most).contains(&agents) {
            let said = (self.agents, agents);
            wrong.push(format!(
                "stop {number} of {root} says {said:?} agents, and {} were alive",
                span.start()
            ));
        }
        let left = self.at_fence.difference(&self.ended);
        wrong.extend(
            left.map(|id| format!("{id} was alive at the fence of stop {number} and did not end in it")),
        );
        let lingering: Vec<AgentId> = lingering.cloned().collect();
        self.before.extend(lingering);
        wrong
    }
}

/// The rows are those that were alive at the fence, once each, children first.
fn receipt_is_whole(receipt: &StopReceipt, all: &[Stop], adoptions: &Adoptions) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut rows: BTreeSet<AgentId> = BTreeSet::new();
    for row in receipt.rows() {
        if let Some(above) = rows.iter().find(|above| adoptions.is_below(&row.id, above)) {
            wrong.push(format!(
                "the receipt of {} names {above} before its descendant {}",
                receipt.root(),
                row.id
            ));
        }
        if !rows.insert(row.id.clone()) {
            wrong.push(format!("the receipt of {} names {} twice", receipt.root(), row.id));
        }
    }
    // One that comes when all has ended has nothing to name and is no event.
    // That of an agent which has itself ended is of stops of what was adopted from it.
    let below = |stop: &&Stop| stop.root.is_within(receipt.root()) && stop.root != *receipt.root();
    let is_apart = !rows.contains(receipt.root())
        && rows.iter().all(|row| all.iter().filter(below).any(|stop| stop.before.contains(row)));
    let mut of_root = all.iter().filter(|stop| stop.root == *receipt.root());
    if !rows.is_empty()
        && !is_apart
        && !of_root.any(|stop| rows.is_superset(&stop.at_fence) && rows.is_subset(&stop.before))
    {
        let rows: Vec<_> = rows.iter().map(AgentId::as_str).collect();
        wrong.push(format!(
            "the receipt of {} names {}, and no stop of it had just these alive at its fence",
            receipt.root(),
            rows.join(", ")
        ));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn a_survivor_of_a_stop_is_found() {
        let sound = Forged::tree(&["s.1", "s.1.1"]).stop("s", 7, &["s.1.1", "s.1"]);
        assert!(sound.judged(super::stops).is_empty());
        let missed = Forged::tree(&["s.1", "s.1.1"]).stop("s", 7, &["s.1"]);
        let wrong = missed.judged(super::stops);
        assert!(
            wrong.iter().any(|wrong| wrong.starts_with("s.1.1 was alive at the fence of stop 7")),
            "{wrong:?}"
        );
        let twice = Forged::tree(&["s.1"]).stop("s", 7, &["s.1", "s.1"]);
        assert!(twice.judged(super::stops).iter().any(|wrong| wrong.contains("ended twice")));
    }

    #[test]
    fn a_stop_that_never_ends_is_found() {
        let open = Forged::tree(&["s.1"]).stop_began("s", 7, 1);
        assert_eq!(open.judged(super::stops), ["stop 7 of s began and never ended"]);
    }
}
