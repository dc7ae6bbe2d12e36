//! P7: every event may follow the state before it, seqs have no gap, time does not go back, and the views agree.

use skep_runtime::fold::{Fold, States, Tree, TreeRow};

use super::Evidence;

/// See the module.
#[must_use]
pub fn views(evidence: &Evidence<'_>) -> Vec<String> {
    let events = || evidence.events.iter().map(|event| &**event);
    let states = States::of(events());
    let misstep =
        |step: &skep_runtime::fold::Misstep| format!("event {}: {}: {}", step.seq, step.agent, step.bad);
    let mut wrong: Vec<String> = states.missteps().iter().map(misstep).collect();
    let gaps = (1..).zip(evidence.events).filter(|(seq, event)| event.seq != *seq);
    wrong.extend(gaps.map(|(seq, event)| format!("event {} stands at place {seq}", event.seq)));
    let back = evidence.events.windows(2).filter(|pair| pair[1].at < pair[0].at);
    wrong.extend(back.map(|pair| format!("event {} is before {}", pair[1].seq, pair[0].seq)));
    let tree = Tree::of(events());
    for (id, state) in states.iter() {
        let shown = tree.get(id).map(TreeRow::state);
        if shown != Some(state) {
            wrong.push(format!("{id} is {state}, and {shown:?} in the tree"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn an_event_that_cannot_follow_is_found() {
        let sound = Forged::tree(&["s.1"]).started("s.1", 1).turn_began("s.1", 1, 1);
        assert!(sound.judged(super::views).is_empty());
        let stopped = Forged::tree(&["s.1"]).stop("s.1", 7, &["s.1"]).turn_began("s.1", 1, 1);
        let wrong = stopped.judged(super::views);
        assert!(wrong[0].contains("an agent that is stopped cannot become thinking"), "{wrong:?}");
    }
}
