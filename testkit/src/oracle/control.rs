//! P5: every stop is answered, by its deadline.

use std::collections::BTreeMap;

use skep_runtime::event::What;

use super::Evidence;

/// See the module.
#[must_use]
pub fn control(evidence: &Evidence<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open = BTreeMap::new();
    for event in evidence.events {
        match &event.what {
            What::StopBegan { stop, within, .. } => {
                open.insert(*stop, (event.at, *within));
            }
            What::StopEnded { stop, .. } => {
                let Some((began, within)) = open.remove(stop) else { continue };
                let took = event.at.since(began);
                if took > within.saturating_add(evidence.slack) {
                    wrong.push(format!("stop {stop} of {} took {took:?} and had {within:?}", event.agent));
                }
            }
            _ => {}
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::forged::Forged;

    #[test]
    fn a_stop_that_is_answered_late_is_found() {
        let in_time = Forged::tree(&["s.1"]).stop_began("s", 7, 1).after_ms(1_000).stop_ended("s", 7, 1);
        assert!(in_time.judged(super::control).is_empty());
        let late = Forged::tree(&["s.1"]).stop_began("s", 7, 1).after_ms(1_100).stop_ended("s", 7, 1);
        assert_eq!(late.judged(super::control), ["stop 7 of s took 1.1s and had 1s"]);
    }
}
