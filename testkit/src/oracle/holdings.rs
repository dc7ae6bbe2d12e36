//! What an incarnation held is released once, by the end of the session at the latest.

use std::collections::BTreeMap;

use skep_runtime::event::What;

use super::Evidence;

/// See the module.
#[must_use]
pub fn holdings(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut held = BTreeMap::new();
    for event in evidence.events {
        match &event.what {
            What::HoldingTaken { holding, name } => {
                held.insert(*holding, format!("{name} of {}", event.agent));
            }
            What::HoldingReleased { holding } if held.remove(holding).is_none() => {
                wrong.push(format!("event {}: holding {holding} is released and nobody holds it", event.seq));
            }
            _ => {}
        }
    }
    let any_stuck =
        evidence.events.iter().any(|event| matches!(event.what, What::StopEnded { stuck: 1.., .. }));
    if evidence.is_over() && !any_stuck {
        wrong.extend(held.into_values().map(|what| format!("{what} was never released")));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn what_is_held_for_ever_is_found() {
        let held = || Forged::tree(&["s.1"]).holds("s.1", 4);
        assert!(held().releases("s.1", 4).session_ended().judged(super::holdings).is_empty());
        assert_eq!(held().session_ended().judged(super::holdings), ["lock of s.1 was never released"]);
        let twice = held().releases("s.1", 4).releases("s.1", 4);
        assert_eq!(twice.judged(super::holdings).len(), 1);
    }
}
